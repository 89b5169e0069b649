//! Reading a paged list to its end.

use lectern_proto::v1;
use lectern_rpc::Call;

use crate::{Result, Session};

/// A response that is a page of a list.
pub trait Page {
    /// What the list is of.
    type Item;

    /// The items, and the token of the next page (empty at the end).
    fn into_items(self) -> (Vec<Self::Item>, String);
}

macro_rules! pages {
    ($($response:ident . $items:ident : $item:ident;)*) => {
        $(impl Page for v1::$response {
            type Item = v1::$item;

            fn into_items(self) -> (Vec<v1::$item>, String) {
                (self.$items, self.next_page_token)
            }
        })*
    };
}

pages! {
    ListTokensResponse.tokens: Token;
    ListUsersResponse.users: User;
    ListCoursesResponse.courses: Course;
    ListEnrollmentsResponse.enrollments: Enrollment;
    ListModulesResponse.modules: Module;
    ListMaterialsResponse.materials: Material;
    ListAssignmentsResponse.assignments: Assignment;
    ListSubmissionsResponse.submissions: SubmissionSummary;
    ListDraftRevisionsResponse.revisions: DraftRevision;
    ListExtensionRequestsResponse.requests: ExtensionRequest;
    ListOverridesResponse.overrides: Override;
    ListThreadsResponse.threads: Thread;
    GetThreadResponse.messages: ThreadMessage;
    ListAnnouncementsResponse.announcements: Announcement;
    ListAuditResponse.entries: AuditEntry;
}

/// Every item of a list: `request` makes the request for the page that begins with a token.
pub async fn all<Q>(session: &Session, request: impl FnMut(String) -> Q) -> Result<Vec<<Q::Response as Page>::Item>>
where
    Q: Call,
    Q::Response: Page,
{
    at_most(session, usize::MAX, request).await
}

/// Like [`all`], but stops once `limit` items are there.
pub async fn at_most<Q>(
    session: &Session,
    limit: usize,
    mut request: impl FnMut(String) -> Q,
) -> Result<Vec<<Q::Response as Page>::Item>>
where
    Q: Call,
    Q::Response: Page,
{
    let mut all = Vec::new();
    let mut token = String::new();
    loop {
        let (mut items, next) = session.call(request(token)).await?.into_items();
        all.append(&mut items);
        if next.is_empty() || all.len() >= limit {
            all.truncate(limit);
            return Ok(all);
        }
        token = next;
    }
}
