//! Extension requests: work that came after the lock date and was kept.

use lectern_proto::v1;

use crate::args::ScopeArg;
use crate::table::{cut, keep, spare};
use crate::{Result, Session, json, pages, text};

/// Prints the requests of a course or of one assignment that the caller may see.
pub async fn list(scope: &ScopeArg, pending_only: bool, session: &Session) -> Result<()> {
    let requests = pages::all(session, |page_token| v1::ListExtensionRequestsRequest {
        course: scope.course.clone(),
        assignment: scope.assignment.clone(),
        pending_only,
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("requests", requests.iter().map(json::extension_request).collect());
    session.show(value, || {
        let rows = requests.iter().map(|request| {
            vec![
                request.request_id.clone(),
                request.assignment_slug.clone(),
                request.requester.as_ref().map(|person| person.username.clone()).unwrap_or_default(),
                text::time(request.offered_at_ms),
                json::name(request.state().as_str_name(), "EXTENSION_STATE"),
            ]
        });
        let columns = [keep("request"), cut("assignment"), cut("student"), spare("offered"), keep("state")];
        text::table(&columns, rows, "There are no extension requests.")
    })
}
