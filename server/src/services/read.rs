//! Reads: linearizable, on any node. Token and permission are judged on the snapshot the answer comes from.

use std::time::Duration;

use lectern_lms::{Actor, Store, View};
use lectern_rpc::Call;
use tonic::{Request, Response, Status};

use super::metadata::{self, Caller};
use super::{Door, errors};
use crate::node::{Node, NodeError};

/// Older than this a stale read is refused: rights that were taken away would go on working on a node that is cut off.
const MAX_STALE_MS: u64 = 60_000;
/// How long a read may wait for its point.
const DEADLINE: Duration = Duration::from_secs(10);

impl Door {
    /// A query as the person behind the call's token. With metadata `lectern-consistency: stale` it is answered from what
    /// this node has, and the response says how old that may be.
    pub(super) async fn read<Q: Call>(
        &self,
        request: Request<Q>,
        query: fn(&View<'_>, &Q) -> lectern_lms::Result<Q::Response>,
    ) -> Result<Response<Q::Response>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let mut response = Response::new(self.query(&caller, move |view| query(view, &message)).await?);
        if caller.stale
            && let Some(age) = self.age_ms().and_then(|age| metadata::value(&age.to_string()))
        {
            response.metadata_mut().insert(metadata::STALE_MS, age);
        }
        Ok(response)
    }

    /// Any question as the person behind the call's token.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        caller: &Caller,
        question: impl FnOnce(&View<'_>) -> lectern_lms::Result<T> + Send + 'static,
    ) -> Result<T, Status> {
        caller.require_token()?;
        if caller.stale && self.age_ms().is_none_or(|age| age > MAX_STALE_MS) {
            return Err(errors::from_node(&NodeError::NoLeader));
        }
        let asked = as_token(caller.token_id.clone(), question);
        let read = async { if caller.stale { self.node.read_stale(asked).await } else { self.node.read(asked).await } };
        let answer = in_time(read).await?.map_err(errors::from_failure)?;
        self.note_use(&caller.token_id);
        Ok(answer)
    }

    /// A question that nobody needs to be signed in for, at a linearizable point.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store, i64) -> lectern_lms::Result<T> + Send + 'static,
    ) -> Result<T, Status> {
        look(&self.node, question).await
    }

    /// A question about what a linearizable read has already shown to be here.
    pub(super) async fn query_local<T: Send + 'static>(
        &self,
        token_id: &[u8],
        question: impl FnOnce(&View<'_>) -> lectern_lms::Result<T> + Send + 'static,
    ) -> Result<T, Status> {
        let asked = as_token(token_id.to_vec(), question);
        in_time(self.node.read_stale(asked)).await?.map_err(errors::from_failure)
    }

    /// Milliseconds since this node last heard from its leader.
    fn age_ms(&self) -> Option<u64> {
        let status = self.node.status();
        if self.node.leader()?.is_self {
            return Some(0);
        }
        status.nodes.iter().find(|node| node.node_id == status.leader_id)?.last_contact_ms
    }
}

/// A question at a linearizable point, on behalf of nobody.
pub(super) async fn look<T: Send + 'static>(
    node: &Node,
    question: impl FnOnce(&dyn Store, i64) -> lectern_lms::Result<T> + Send + 'static,
) -> Result<T, Status> {
    // The first leader has not written the first administrator down yet: nobody is to hear that they do not exist.
    let founded = move |store: &dyn Store, now_ms: i64| {
        if lectern_lms::lookup::cluster(store)?.cluster_id.is_empty() {
            return Ok(None);
        }
        question(store, now_ms).map(Some)
    };
    let answer = in_time(node.read(founded)).await?.map_err(errors::from_failure)?;
    answer.ok_or_else(|| errors::from_node(&NodeError::NoLeader))
}

fn as_token<T>(
    token_id: Vec<u8>,
    question: impl FnOnce(&View<'_>) -> lectern_lms::Result<T> + Send + 'static,
) -> impl FnOnce(&dyn Store, i64) -> lectern_lms::Result<T> + Send + 'static {
    move |store, now_ms| {
        let actor = Actor::by_token(store, &token_id, now_ms)?;
        question(&View { store, actor: &actor, now_ms })
    }
}

async fn in_time<T>(read: impl Future<Output = Result<T, NodeError>>) -> Result<T, Status> {
    match tokio::time::timeout(DEADLINE, read).await {
        Ok(answer) => answer.map_err(|error| errors::from_node(&error)),
        Err(_) => Err(errors::from_node(&NodeError::NoQuorum)),
    }
}
