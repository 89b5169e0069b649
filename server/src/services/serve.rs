//! The client listener.

use std::path::PathBuf;
use std::time::Duration;

use lectern_proto::V1_DESCRIPTORS;
use lectern_rpc::v1::account_service_server::AccountServiceServer;
use lectern_rpc::v1::announcement_service_server::AnnouncementServiceServer;
use lectern_rpc::v1::assignment_service_server::AssignmentServiceServer;
use lectern_rpc::v1::audit_service_server::AuditServiceServer;
use lectern_rpc::v1::auth_service_server::AuthServiceServer;
use lectern_rpc::v1::cluster_service_server::ClusterServiceServer;
use lectern_rpc::v1::course_service_server::CourseServiceServer;
use lectern_rpc::v1::file_service_server::FileServiceServer;
use lectern_rpc::v1::grade_service_server::GradeServiceServer;
use lectern_rpc::v1::grading_service_server::GradingServiceServer;
use lectern_rpc::v1::home_service_server::HomeServiceServer;
use lectern_rpc::v1::material_service_server::MaterialServiceServer;
use lectern_rpc::v1::membership_service_server::MembershipServiceServer;
use lectern_rpc::v1::receipt_service_server::ReceiptServiceServer;
use lectern_rpc::v1::submission_service_server::SubmissionServiceServer;
use lectern_rpc::v1::thread_service_server::ThreadServiceServer;
use lectern_rpc::v1::tutor_directory_service_server::TutorDirectoryServiceServer;
use lectern_rpc::v1::watch_service_server::WatchServiceServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;

use super::measure::MeasureLayer;
use super::{Door, MAX_REQUEST_BYTES, health};
use crate::listener::{Listener, Room, incoming};
use crate::node::Node;

/// A connection that says nothing for this long is asked whether it is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// And closed after this much more silence.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls on one connection.
const STREAMS_PER_CONNECTION: u32 = 1_024;
/// No call waits longer for the beginning of its answer; what has a deadline of its own has a shorter one, but for the
/// extraction of a large PDF.
const CALL_DEADLINE: Duration = Duration::from_secs(90);
/// Bytes of a request's headers.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// After the end was asked for, calls under way have this long.
const GRACE: Duration = Duration::from_secs(5);

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// A directory of this node's own, for files whose text is being read. What is in it is deleted.
    pub scratch_dir: PathBuf,
    /// Calls answered at once; more are refused with BUSY.
    pub max_calls: usize,
    /// Connections that are open at once.
    pub connections: Room,
}

impl ServeOptions {
    /// With the usual limits.
    pub fn new(scratch_dir: PathBuf) -> Self {
        Self { scratch_dir, max_calls: 4_096, connections: Room { total: 4_096, per_address: 2_048 } }
    }
}

/// Why the services could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed.
    #[error("the client listener failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The built-in descriptors do not decode: the build is damaged.
    #[error("the gRPC descriptors are damaged: {0}; install lectern-server again")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The password hash cannot be set up.
    #[error("argon2 cannot be set up: {0}; is there memory left?")]
    Passwords(#[from] argon2::password_hash::Error),
    /// The scratch directory cannot be made.
    #[error("the directory for extraction cannot be made: {0}")]
    Scratch(#[from] std::io::Error),
}

/// Serves clients on `listener` until `shutdown` is done; then lets calls end for a few seconds.
pub async fn serve(
    node: Node,
    options: ServeOptions,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (stop, stopping) = watch::channel(false);
    let mut stopped = stopping.clone();
    let connections = incoming(listener, Listener::Clients, options.connections, node.tls().cloned());
    let door = Door::new(node.clone(), options.scratch_dir, stopping.clone())?;
    let (health, reporting) = health::service(node, stopping);
    let routes = routes(&door)?.add_service(health);
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .timeout(CALL_DEADLINE)
        .layer(MeasureLayer::new(options.max_calls))
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, async move {
            shutdown.await;
            stop.send_replace(true);
        });
    let reporting = tokio::spawn(reporting);
    let result = tokio::select! {
        result = serving => result.map_err(ServeError::from),
        () = async {
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    };
    reporting.abort();
    result
}

fn routes(door: &Door) -> Result<Routes, ServeError> {
    /// Wraps the door as a service's server, with the limit for its requests.
    macro_rules! server {
        ($server:ident) => {
            $server::new(door.clone()).max_decoding_message_size(MAX_REQUEST_BYTES)
        };
    }
    Ok(Routes::new(server!(AuthServiceServer))
        .add_service(server!(AccountServiceServer))
        .add_service(server!(AnnouncementServiceServer))
        .add_service(server!(AssignmentServiceServer))
        .add_service(server!(AuditServiceServer))
        .add_service(server!(ClusterServiceServer))
        .add_service(server!(CourseServiceServer))
        .add_service(server!(FileServiceServer))
        .add_service(server!(GradeServiceServer))
        .add_service(server!(GradingServiceServer))
        .add_service(server!(HomeServiceServer))
        .add_service(server!(MaterialServiceServer))
        .add_service(server!(MembershipServiceServer))
        .add_service(server!(ReceiptServiceServer))
        .add_service(server!(SubmissionServiceServer))
        .add_service(server!(ThreadServiceServer))
        .add_service(server!(TutorDirectoryServiceServer))
        .add_service(server!(WatchServiceServer))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(V1_DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lectern_rpc::methods::PATHS;
    use prost::Message;

    use super::*;

    #[test]
    fn every_unary_method_of_the_contract_is_known_and_no_other() {
        let descriptors = prost_types::FileDescriptorSet::decode(V1_DESCRIPTORS).unwrap();
        let mut unary = BTreeSet::new();
        for service in descriptors.file.iter().flat_map(|file| &file.service) {
            for method in service.method.iter().filter(|method| !method.server_streaming()) {
                unary.insert(format!("/lectern.v1.{}/{}", service.name(), method.name()));
            }
        }
        // Answered by every node for itself: never forwarded, so nothing calls it by its path.
        assert!(unary.remove("/lectern.v1.ClusterService/GetStatus"));
        let known: BTreeSet<String> = PATHS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(unary, known);
    }

    #[test]
    fn reflection_knows_the_contract() {
        assert!(reflection().build_v1().is_ok());
        assert!(reflection().build_v1alpha().is_ok());
    }
}
