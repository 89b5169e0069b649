//! The gradebook as one CSV file.

use lectern_proto::v1;
use lectern_rpc::v1::grade_service_client::GradeServiceClient;
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::backoff::Backoff;
use crate::call::{authorise, describe};
use crate::diagnosis::why_unreachable;
use crate::error::{Verdict, final_error, judge, reason_of};
use crate::{Client, ClientError};

impl Client {
    /// The whole gradebook of a course as CSV, in Canvas's columns. Begun again from the start when a node fails in the
    /// middle: an export is never stitched together from two states.
    pub async fn export_gradebook(&self, course: &str) -> Result<Vec<u8>, ClientError> {
        let deadline = Instant::now() + self.options().call_deadline;
        let mut backoff = Backoff::new(self.options().max_backoff);
        let mut avoid = Vec::new();
        loop {
            self.discover();
            let node = self.nodes().pick(false, &avoid);
            let (reason, problem) = match node.channel().await {
                Ok((_, channel)) => match export_once(self, channel, course).await {
                    Ok(csv) => return Ok(csv),
                    Err(status) if judge(&status) == Verdict::Final => return Err(final_error(&status)),
                    Err(status) => (reason_of(&status), status.message().to_owned()),
                },
                Err(error) => (None, format!("{}: {}", node.address, describe(&error))),
            };
            let pause = backoff.next_pause();
            if Instant::now() + pause >= deadline {
                return Err(why_unreachable(self, reason, &problem).await);
            }
            if avoid.len() + 1 >= self.addresses().len() {
                avoid.clear();
            }
            avoid.push(node.address.clone());
            tokio::time::sleep(pause).await;
        }
    }
}

async fn export_once(client: &Client, channel: tonic::transport::Channel, course: &str) -> Result<Vec<u8>, Status> {
    let mut request = Request::new(v1::ExportGradebookRequest { course: course.into() });
    authorise(request.metadata_mut(), client.token().as_ref())?;
    let mut pieces = GradeServiceClient::new(channel).export_gradebook(request).await?.into_inner();
    let mut csv = Vec::new();
    while let Some(piece) = pieces.message().await? {
        csv.extend_from_slice(&piece.csv);
    }
    Ok(csv)
}
