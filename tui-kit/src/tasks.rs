//! Effects under way. A read ends with the screen that asked for it; a change goes on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use lectern_cli::cluster::Cluster;
use tokio::task::{AbortHandle, JoinSet};

use crate::program::{Feed, Incoming, KitAnswer, Program, Reply};
use crate::remote::{Failure, RequestId};
use crate::screen::{Issued, KitWork, ScreenId, Work};
use crate::{files, outside};

/// Between two looks at the cluster.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// All of them.
pub(crate) struct Tasks<P: Program> {
    env: P::Env,
    feed: Feed<P>,
    /// Where texts lie while they are edited.
    edit_dir: PathBuf,
    running: JoinSet<RequestId>,
    reads: HashMap<ScreenId, Vec<AbortHandle>>,
}

impl<P: Program> Tasks<P> {
    pub(crate) fn new(env: P::Env, feed: Feed<P>, edit_dir: PathBuf) -> Self {
        Self { env, feed, edit_dir, running: JoinSet::new(), reads: HashMap::new() }
    }

    /// Starts what was issued.
    pub(crate) fn start(&mut self, issued: Issued<P>) {
        let Issued { to, request, work } = issued;
        match work {
            Work::Program(effect) => {
                let is_change = P::is_change(&effect);
                let work = P::perform(self.env.clone(), effect, Reply::new(to, request, self.feed.clone()));
                let handle = self.running.spawn(async move {
                    work.await;
                    request
                });
                if !is_change {
                    self.belongs_to(to, handle);
                }
            }
            Work::Kit(work) => self.start_kit(to, request, work),
        }
    }

    fn start_kit(&mut self, to: Option<ScreenId>, request: RequestId, work: KitWork) {
        let (feed, dir) = (self.feed.clone(), self.edit_dir.clone());
        if work == KitWork::WatchCluster {
            return self.watch_cluster(to, request);
        }
        self.running.spawn(async move {
            let answer = match work {
                KitWork::Edit { text, extension } => KitAnswer::Edited(outside::edit(&dir, &text, &extension).await),
                KitWork::Open(path) => KitAnswer::Opened(outside::open(path).await),
                KitWork::List(dir) => {
                    let listed = tokio::task::spawn_blocking(move || files::list(&dir)).await;
                    KitAnswer::Listed(listed.unwrap_or_else(|error| Err(Failure::local(error.to_string()))))
                }
                // The terminal copies, and the runtime has told it to; watching is a task of its own.
                KitWork::Copy(_) | KitWork::WatchCluster => return request,
            };
            feed.send(Incoming::Kit { to, request, answer }).await;
            request
        });
    }

    fn watch_cluster(&mut self, to: Option<ScreenId>, request: RequestId) {
        let (feed, client) = (self.feed.clone(), P::session(&self.env).client().clone());
        let handle = self.running.spawn(async move {
            loop {
                let seen = Cluster::look(&client).await.map_err(Failure::from);
                feed.send(Incoming::Kit { to, request, answer: KitAnswer::Cluster(seen) }).await;
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        });
        self.belongs_to(to, handle);
    }

    fn belongs_to(&mut self, screen: Option<ScreenId>, handle: AbortHandle) {
        let Some(screen) = screen else { return };
        let reads = self.reads.entry(screen).or_default();
        reads.retain(|read| !read.is_finished());
        reads.push(handle);
    }

    /// Ends the reads of screens that are gone.
    pub(crate) fn cancel(&mut self, closed: Vec<ScreenId>) {
        for screen in closed {
            for read in self.reads.remove(&screen).into_iter().flatten() {
                read.abort();
            }
        }
    }

    /// The next one that has sent all it had to. Waits for ever while there is none.
    ///
    /// # Panics
    /// When an effect panicked: that is a defect, and the program ends with its message.
    pub(crate) async fn next_done(&mut self) -> RequestId {
        loop {
            match self.running.join_next().await {
                Some(Ok(request)) => return request,
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}
