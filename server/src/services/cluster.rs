//! The cluster as this node sees it: without sign-in, without a leader, without a quorum.

use std::time::Duration;

use lectern_proto::v1::{GetStatusRequest, GetStatusResponse, WatchStatusRequest};
use lectern_rpc::v1::cluster_service_server::ClusterService;
use tonic::{Request, Response, Status};

use super::Door;
use super::operator::Operator;
use super::stream::{self, Pieces};

/// At most so often.
const AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// At least so often, counted from the earliest moment it may be sent again.
const AT_LEAST_EVERY: Duration = Duration::from_millis(1_900);

impl Door {
    /// What this node says, and as whom it knows the caller.
    fn status_for(&self, operator: Option<Operator>) -> GetStatusResponse {
        GetStatusResponse { operator: operator.map(|operator| operator.name).unwrap_or_default(), ..self.node.status() }
    }
}

#[tonic::async_trait]
impl ClusterService for Door {
    async fn get_status(&self, request: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        Ok(Response::new(self.status_for(Operator::of(&request))))
    }

    type WatchStatusStream = Pieces<GetStatusResponse>;

    async fn watch_status(
        &self,
        request: Request<WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        let place = self.onlookers.enter().await?;
        let (door, operator) = (self.clone(), Operator::of(&request));
        Ok(Response::new(stream::spawn(self.stopping(), async move |out| {
            let _place = place;
            let mut changed = door.node.status_changed();
            loop {
                changed.mark_unchanged();
                out.send(door.status_for(operator.clone())).await?;
                tokio::time::sleep(AT_MOST_EVERY).await;
                if let Ok(Err(_)) = tokio::time::timeout(AT_LEAST_EVERY, changed.changed()).await {
                    return Ok(());
                }
            }
        })))
    }
}
