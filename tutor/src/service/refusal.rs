//! Why a question is not answered, as gRPC tells it: a code, a reason for programs, and words with what to do.

use std::collections::HashMap;

use lectern_client::ClientError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::answer::Denied;
use crate::policy::Off;

/// Domain of every `ErrorInfo`, as of the nodes'.
const DOMAIN: &str = "lectern";

/// A status with a reason.
pub(super) fn status(code: Code, reason: &str, message: impl Into<String>) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new()))
}

/// The cluster said no to the asker, or could not be reached.
pub(super) fn of_cluster(error: &ClientError) -> Status {
    let code = match error {
        ClientError::Refused { code, .. } => *code,
        ClientError::NotSignedIn { .. } => Code::Unauthenticated,
        ClientError::Unreachable { .. } | ClientError::OutcomeUnknown { .. } => Code::Unavailable,
        _ => Code::Internal,
    };
    status(code, error.reason(), error.to_string())
}

/// The queue, a quota, or the message itself.
pub(super) fn denied(denied: Denied) -> Status {
    let (code, reason) = match denied {
        Denied::Queue(_) => (Code::ResourceExhausted, "BUSY"),
        Denied::Quota(_) => (Code::ResourceExhausted, "QUOTA_EXCEEDED"),
        Denied::TooLong(_) => (Code::InvalidArgument, "TOO_LONG"),
    };
    status(code, reason, denied.to_string())
}

/// There is no tutor for this now.
pub(super) fn off(off: Off) -> Status {
    status(Code::FailedPrecondition, "TUTOR_OFF", off.to_string())
}

/// The tutor's own trouble, which is written to its log and not told.
pub(super) fn own_fault(error: &dyn std::error::Error) -> Status {
    tracing::error!("a question could not be answered: {error}");
    status(Code::Internal, "INTERNAL", "the tutor has a problem of its own; ask your instructor, or try later")
}
