//! Asking the tutor: whichever of the cluster's tutors can be reached.

use std::net::SocketAddr;

use lectern_proto::v1;
use lectern_rpc::v1::tutor_service_client::TutorServiceClient;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status, Streaming};

use crate::call::{authorise, describe};
use crate::error::{TUTOR_AWAY, final_error};
use crate::{Client, ClientError};

/// An answer on its way. Dropped before it is done, the tutor stops.
#[derive(Debug)]
pub struct Answering {
    events: Streaming<v1::AskEvent>,
}

/// The pages of a citation, in words: `page 3`, `pages 3–5`.
pub fn cited_pages(pages: &[u32]) -> String {
    match pages {
        [page] => format!("page {page}"),
        [first, .., last] => format!("pages {first}–{last}"),
        [] => "no page".into(),
    }
}

impl Answering {
    /// What happens next; none after the answer is done.
    pub async fn next(&mut self) -> Result<Option<v1::ask_event::Event>, ClientError> {
        let told = self.events.message().await.map_err(|status| refused(&status))?;
        Ok(told.and_then(|told| told.event))
    }
}

impl Client {
    /// Asks a tutor for the answer to the last message of a thread that was asked of it. The tutor is given this client's
    /// token: it reads what its owner may read, and is one that the cluster named.
    pub async fn ask_tutor(&self, course: &str, number: u64) -> Result<Answering, ClientError> {
        let tutors = self.call(v1::ListTutorsRequest {}).await?.tutors;
        let mut last = ClientError::refused(
            Code::FailedPrecondition,
            "NO_TUTOR",
            "no tutor is running; your question is kept, and can be sent to your instructor",
        );
        // Questions are spread over the tutors; where one is gone the next is asked.
        let first = usize::try_from(number).unwrap_or(0) % tutors.len().max(1);
        for tutor in tutors.iter().cycle().skip(first).take(tutors.len()) {
            match self.ask_at(&tutor.address, course, number).await {
                Ok(answering) => return Ok(answering),
                Err(error) if error.is_transient() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn ask_at(&self, address: &str, course: &str, number: u64) -> Result<Answering, ClientError> {
        let unreachable = |words: String| {
            ClientError::not_done(TUTOR_AWAY, format!("the tutor at {address} cannot be reached: {words}"))
        };
        let on_this_machine = address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
        if !on_this_machine {
            return Err(unreachable("it is on another machine, where your token would travel in clear text".into()));
        }
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).map_err(|error| unreachable(describe(&error)))?;
        let endpoint = endpoint.connect_timeout(self.options().connect_timeout);
        let channel = endpoint.connect().await.map_err(|error| unreachable(describe(&error)))?;
        let mut request = Request::new(v1::AskRequest { course: course.into(), number });
        authorise(request.metadata_mut(), self.token().as_ref()).map_err(|status| final_error(&status))?;
        let asked = TutorServiceClient::new(channel).ask(request).await;
        Ok(Answering { events: asked.map_err(|status| refused(&status))?.into_inner() })
    }
}

/// What a tutor says, or that it went away.
fn refused(status: &Status) -> ClientError {
    match final_error(status) {
        // Without a reason of ours: the connection, not the tutor.
        ClientError::Refused { reason, message, .. } if reason == "REFUSED" => {
            ClientError::not_done(TUTOR_AWAY, format!("the tutor went away: {message}"))
        }
        error => error,
    }
}
