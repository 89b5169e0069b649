//! The standard health service: SERVING while a leader is known, for the service of no name, which stands for all.

use tokio::sync::watch::Receiver;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::node::Node;

/// The service, and the task that keeps it true until the node stops.
pub fn service(
    node: Node,
    mut stopping: Receiver<bool>,
) -> (HealthServer<impl Health>, impl Future<Output = ()> + Send + 'static) {
    let (reporter, service) = tonic_health::server::health_reporter();
    let reporting = async move {
        let mut changed = node.status_changed();
        let mut told = None;
        loop {
            changed.mark_unchanged();
            let healthy = node.leader().is_some() && !*stopping.borrow();
            if told != Some(healthy) {
                let status = if healthy { ServingStatus::Serving } else { ServingStatus::NotServing };
                reporter.set_service_status("", status).await;
                told = Some(healthy);
            }
            let goes_on = tokio::select! {
                changed = changed.changed() => changed.is_ok(),
                stopped = stopping.changed() => stopped.is_ok(),
            };
            if !goes_on {
                return;
            }
        }
    };
    (service, reporting)
}
