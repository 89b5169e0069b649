//! Every node is replaced by a new one, in turn: it joins, the oldest leaves, and its process ends by itself.

use std::time::{Duration, Instant};

use lectern_client::{Client, v1};

use super::{Nemesis, Ongoing, POLL, Undo, ongoing};
use crate::check::Finding;
use crate::network::kernel::run;
use crate::round::lock;
use crate::service::Service;

/// A node is a member, and ready to vote, within this; one that is to leave has left.
const PATIENCE: Duration = Duration::from_mins(1);

impl<S: Service> Nemesis<S> {
    pub(super) async fn replace_all(&mut self) -> Result<Ongoing, String> {
        let operator = lock(&self.cluster).operator()?;
        for _ in 0..self.nodes.count() {
            if let Err(why) = self.replace_oldest(&operator).await {
                // Nothing else is wrong at the moment: it has to work.
                let oldest = self.addresses.number(1);
                self.world.find(Finding::new(&format!("the replacement of node {oldest}"), why.clone(), Vec::new()));
                return Err(why);
            }
        }
        Ok(ongoing("every node has left, after a new one had joined, in turn".into(), [], Undo::Nothing))
    }

    async fn replace_oldest(&self, operator: &Client) -> Result<(), String> {
        let next = self.nodes.count() + 1;
        let (oldest, new) = (u64::from(self.addresses.number(1)), u64::from(self.addresses.number(next)));
        let token = granted("a token", async || {
            let request = v1::CreateJoinTokenRequest { label: "chaos".into(), ..Default::default() };
            operator.call(request).await.map(|made| made.token)
        })
        .await?;
        let join = lock(&self.cluster).enlist(&token)?;
        let joined = tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = join[1..].iter().map(String::as_str).collect();
            run(&join[0], &args)
        });
        joined.await.map_err(|error| error.to_string())??;
        lock(&self.cluster).start(next)?;
        self.await_member(new, true).await?;
        granted("the order to leave", async || {
            operator.call(v1::RemoveNodeRequest { node_id: oldest, only_ask: false }).await.map(drop)
        })
        .await?;
        lock(&self.cluster).let_oldest_go();
        self.await_member(oldest, false).await?;
        if self.until(|cluster| (!cluster.runs(1)).then_some(())).await.is_none() {
            return Err("its process did not end when it had left".into());
        }
        lock(&self.cluster).retire_oldest()?;
        self.say(&format!("node {new} is in the place of node {oldest}"));
        Ok(())
    }

    /// Waits until a leader says that a number is a member, or is none.
    async fn await_member(&self, number: u64, wanted: bool) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            // The next one may lead already.
            for node in 1..=self.nodes.count() + 1 {
                let membership = self.nodes.status(node).await.and_then(|status| status.membership);
                let Some(membership) = membership.filter(|it| it.seen_by_leader && !it.joint) else { continue };
                let member = membership.members.iter().find(|member| member.node_id == number);
                let belongs = member.is_some_and(|member| member.standing() != v1::MemberStanding::Joining);
                if belongs == wanted {
                    return Ok(());
                }
            }
            tokio::time::sleep(POLL).await;
        }
        let what = if wanted { "joined" } else { "left" };
        Err(format!("node {number} had not {what} after {PATIENCE:?}"))
    }
}

/// Asks until it is granted: what is in the way passes.
async fn granted<T>(what: &str, ask: impl AsyncFn() -> Result<T, lectern_client::ClientError>) -> Result<T, String> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(granted) => return Ok(granted),
            Err(error) if begun.elapsed() > PATIENCE => {
                return Err(format!("{what} was refused for {PATIENCE:?}: {error}"));
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
