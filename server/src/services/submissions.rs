//! Drafts, pledges, submissions and extension requests.

use lectern_lms::{attempts, drafts, extensions};
use lectern_rpc::v1::submission_service_server::SubmissionService;

use super::service;

service! {
    SubmissionService {
        read get_submission(GetSubmissionRequest) = attempts::get_submission;
        read list_attempts(ListAttemptsRequest) = attempts::list_attempts;
        read list_submissions(ListSubmissionsRequest) = attempts::list_submissions;
        read get_draft(GetDraftRequest) = drafts::get_draft;
        read list_draft_revisions(ListDraftRevisionsRequest) = drafts::list_draft_revisions;
        read list_extension_requests(ListExtensionRequestsRequest) = extensions::list_extension_requests;
        write pledge(PledgeRequest) = Pledge;
        write submit(SubmitRequest) = Submit;
        write withdraw_pledge(WithdrawPledgeRequest) = WithdrawPledge;
        write choose_attempt(ChooseAttemptRequest) = ChooseAttempt;
        write save_draft(SaveDraftRequest) = SaveDraft;
        write decide_extension_request(DecideExtensionRequestRequest) = DecideExtensionRequest;
    }
    custom {}
}
