//! One client of either system: the same small work as one call, tried once.

use std::time::Duration;

use etcd_client::KvClient;
use lectern_client::{Secret, v1};
use lectern_rpc::v1::assignment_service_client::AssignmentServiceClient;
use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use lectern_rpc::v1::submission_service_client::SubmissionServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::figures::Miss;

/// The course that is worked in, and the assignment.
pub const COURSE: &str = "cs101";
/// The assignment that texts are handed in to, and that is read.
pub const ASSIGNMENT: &str = "work";
/// The key that is read in the other system.
pub const READ_KEY: &str = "assignment";
/// Of each text and value.
pub const TEXT_BYTES: usize = 256;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Hand in a text of 256 bytes; put a value of 256 bytes under a new key.
    Write,
    /// Read an assignment; get a value of about that size. Both linearizable.
    Read,
}

/// A client with a connection that it shares with others.
#[derive(Clone)]
pub enum Caller {
    /// A student.
    Lectern(Box<Student>),
    /// A client of etcd.
    Etcd(Box<KvClient>),
    /// Whoever calls a server that does nothing.
    Empty(ClusterServiceClient<Channel>),
}

/// A student who is signed in.
#[derive(Clone)]
pub struct Student {
    channel: Channel,
    submissions: SubmissionServiceClient<Channel>,
    assignments: AssignmentServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
}

impl Student {
    /// With a token, over a connection.
    pub fn new(channel: Channel, token: &Secret) -> Result<Self, tonic::metadata::errors::InvalidMetadataValue> {
        let authorization = format!("Bearer {}", token.expose()).parse()?;
        let submissions = SubmissionServiceClient::new(channel.clone());
        let assignments = AssignmentServiceClient::new(channel.clone());
        Ok(Self { channel, submissions, assignments, authorization })
    }

    /// The connection, for others to share.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn request<T>(&self, message: T, key: Option<&str>) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        if let Some(key) = key {
            let key = key.parse().map_err(|_| Status::invalid_argument("the key is not visible ASCII"))?;
            request.metadata_mut().insert("idempotency-key", key);
        }
        Ok(request)
    }

    async fn hand_in(&mut self, key: &str) -> Result<(), Status> {
        let (course, assignment) = (COURSE.into(), ASSIGNMENT.into());
        let message = v1::SubmitRequest { course, assignment, text: text_of(key), ..Default::default() };
        let request = self.request(message, Some(key))?;
        let answer = self.submissions.submit(request).await?.into_inner();
        answer.submission.map(|_| ()).ok_or_else(|| Status::data_loss("the answer holds no submission"))
    }

    async fn read(&mut self) -> Result<(), Status> {
        let message = v1::GetAssignmentRequest { course: COURSE.into(), assignment: ASSIGNMENT.into() };
        let request = self.request(message, None)?;
        let answer = self.assignments.get_assignment(request).await?.into_inner();
        answer.assignment.map(|_| ()).ok_or_else(|| Status::data_loss("the answer holds no assignment"))
    }
}

impl Caller {
    /// Makes one attempt; whatever has not answered after `patience` is unknown. A write that is tried again with the same key
    /// takes effect once: in etcd it is the same value under the same key.
    pub async fn call(&mut self, work: Work, key: &str, patience: Duration) -> Result<(), Miss> {
        let late = |_| Err(Miss::Unknown(format!("no answer within {} ms", patience.as_millis())));
        tokio::time::timeout(patience, self.attempt(work, key)).await.unwrap_or_else(late)
    }

    async fn attempt(&mut self, work: Work, key: &str) -> Result<(), Miss> {
        match (self, work) {
            (Self::Lectern(student), Work::Write) => student.hand_in(key).await.map_err(|status| miss(&status)),
            (Self::Lectern(student), Work::Read) => student.read().await.map_err(|status| miss(&status)),
            (Self::Etcd(kv), Work::Write) => kv.put(key, text_of(key), None).await.map(|_| ()).map_err(etcd_miss),
            (Self::Etcd(kv), Work::Read) => match kv.get(READ_KEY, None).await {
                Ok(answer) if answer.count() == 1 => Ok(()),
                Ok(answer) => Err(Miss::Error(format!("{} values, not one", answer.count()))),
                Err(error) => Err(etcd_miss(error)),
            },
            (Self::Empty(client), _) => {
                client.get_status(v1::GetStatusRequest {}).await.map(|_| ()).map_err(|status| miss(&status))
            }
        }
    }
}

/// A text of exactly [`TEXT_BYTES`] bytes that differs from every other key's.
pub fn text_of(key: &str) -> String {
    format!("{key:-<TEXT_BYTES$}")
}

fn etcd_miss(error: etcd_client::Error) -> Miss {
    match error {
        etcd_client::Error::GRpcStatus(status) => miss(&status),
        other => Miss::Unknown(other.to_string()),
    }
}

/// Statuses that say nothing about whether it was done count as unknown.
fn miss(status: &Status) -> Miss {
    let words = format!("{:?}: {}", status.code(), status.message());
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded | Code::Internal => {
            Miss::Unknown(words)
        }
        _ => Miss::Error(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_size_that_is_said_and_differ() {
        assert_eq!([text_of("a-1").len(), text_of("client511-round99999").len()], [TEXT_BYTES; 2]);
        assert_ne!(text_of("a-1"), text_of("a-2"));
    }

    #[test]
    fn what_may_have_been_done_is_unknown_and_what_was_refused_is_an_error() {
        assert!(matches!(miss(&Status::unavailable("gone")), Miss::Unknown(_)));
        assert!(matches!(miss(&Status::cancelled("gone")), Miss::Unknown(_)));
        assert_eq!(miss(&Status::permission_denied("no")), Miss::Error("PermissionDenied: no".into()));
    }
}
