//! Refusals and troubles as gRPC statuses: a canonical code, `google.rpc.ErrorInfo` with a reason programs can rely on,
//! and words that say what happened and what to do.
//!
//! Details travel in a header, and HTTP/2 peers take about 16 KiB of headers: long lists of bad rows are cut, and the
//! metadata says how many there are (`rows_total`). A preview of the import returns all of them in its body.

use std::collections::HashMap;
use std::time::Duration;

use lectern_lms::{Failure, Reason, StoreError};
use lectern_proto::internal::v1 as internal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::metadata;
use crate::node::NodeError;

/// Domain of every `ErrorInfo`.
pub const DOMAIN: &str = "lectern";

/// Reasons the door gives beside those of the domain.
pub mod reasons {
    /// A change came without an idempotency key, or with one that cannot be.
    pub const KEY_REQUIRED: &str = "KEY_REQUIRED";
    /// No leader is known.
    pub const NO_LEADER: &str = "NO_LEADER";
    /// A majority cannot be reached.
    pub const NO_QUORUM: &str = "NO_QUORUM";
    /// The node has more to do than it takes on.
    pub const BUSY: &str = "BUSY";
    /// The leader's clock is too far from its peers'.
    pub const CLOCK_OFFSET: &str = "CLOCK_OFFSET";
    /// The change may or may not have happened.
    pub const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";
    /// The change does not fit in one entry of the log.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// The node is shutting down.
    pub const STOPPING: &str = "STOPPING";
    /// Too many wrong passwords or codes.
    pub const TOO_MANY_ATTEMPTS: &str = "TOO_MANY_ATTEMPTS";
    /// The node's own fault.
    pub const INTERNAL: &str = "INTERNAL";
    /// What is asked of the membership cannot be done now, or ever.
    pub const MEMBERSHIP: &str = "MEMBERSHIP";
    /// A join token that cannot be used.
    pub const JOIN_TOKEN: &str = "JOIN_TOKEN";
    /// Only operators may ask for this.
    pub const NOT_AN_OPERATOR: &str = "NOT_AN_OPERATOR";
    /// A file's text cannot be read.
    pub const UNREADABLE_FILE: &str = "UNREADABLE_FILE";
}

/// Bytes of row descriptions that are sent in a status.
const ROW_DETAIL_BYTES: usize = 4 * 1024;
/// Bytes of a message.
const MESSAGE_BYTES: usize = 1024;

/// A status with a reason.
pub fn status(code: Code, reason: &str, message: impl Into<String>) -> Status {
    with_details(code, message.into(), ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new()))
}

fn with_details(code: Code, mut message: String, details: ErrorDetails) -> Status {
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push('…');
    }
    Status::with_error_details(code, message, details)
}

/// The request is not one this method takes.
pub fn invalid(reason: &str, message: impl Into<String>) -> Status {
    status(Code::InvalidArgument, reason, message)
}

/// No valid token.
pub fn not_signed_in(message: impl Into<String>) -> Status {
    status(Code::Unauthenticated, Reason::NotSignedIn.as_str(), message)
}

/// More calls wait than the node takes on.
pub fn busy(message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::with_error_info(reasons::BUSY, DOMAIN, HashMap::new());
    details.set_retry_info(Some(Duration::from_millis(200)));
    with_details(Code::ResourceExhausted, message.into(), details)
}

/// No leader to take the call.
pub fn no_leader() -> Status {
    status(
        Code::Unavailable,
        reasons::NO_LEADER,
        "the cluster has no leader that this node knows of; nothing was changed: try again in a moment",
    )
}

/// The change may or may not have happened.
pub fn outcome_unknown() -> Status {
    status(
        Code::Unavailable,
        reasons::OUTCOME_UNKNOWN,
        "the reply was lost and the change may or may not have happened; retry with the same key is safe",
    )
}

/// The node's own fault; what exactly is in its log.
pub fn internal(what: &str) -> Status {
    tracing::error!(what, "a call failed by this node's fault");
    status(Code::Internal, reasons::INTERNAL, "this node failed; try another one and tell the operator")
}

/// Too many wrong guesses: when to try again.
pub fn too_many_attempts(wait: Duration) -> Status {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let facts = HashMap::from([("retry_after_seconds".to_owned(), seconds.to_string())]);
    let mut details = ErrorDetails::with_error_info(reasons::TOO_MANY_ATTEMPTS, DOMAIN, facts);
    details.set_retry_info(Some(wait));
    let message = format!("too many wrong passwords or codes from here; try again in {seconds} s");
    let mut status = with_details(Code::ResourceExhausted, message, details);
    if let Some(value) = metadata::value(&seconds.to_string()) {
        status.metadata_mut().insert(metadata::RETRY_AFTER, value);
    }
    status
}

/// A refusal of the domain, as it came out of the log.
pub fn from_refusal(refusal: internal::Refusal) -> Status {
    let mut facts: HashMap<String, String> = refusal.metadata.into_iter().collect();
    let shown = rows_that_fit(&refusal.rows);
    if !refusal.rows.is_empty() {
        facts.insert("rows_total".into(), refusal.rows.len().to_string());
        facts.insert("rows_shown".into(), shown.to_string());
    }
    let mut details = ErrorDetails::with_error_info(refusal.reason, DOMAIN, facts);
    for row in &refusal.rows[..shown] {
        details.add_bad_request_violation(format!("line {}", row.line), describe(row));
    }
    with_details(Code::from_i32(refusal.code), refusal.message, details)
}

fn describe(row: &internal::RowProblem) -> String {
    if row.subject.is_empty() { row.message.clone() } else { format!("{}: {}", row.subject, row.message) }
}

fn rows_that_fit(rows: &[internal::RowProblem]) -> usize {
    const OVERHEAD: usize = 24;
    rows.iter()
        .scan(0, |bytes, row| {
            *bytes += row.subject.len() + row.message.len() + OVERHEAD;
            Some(*bytes)
        })
        .take_while(|bytes| *bytes <= ROW_DETAIL_BYTES)
        .count()
}

/// What a query came to instead of an answer.
pub fn from_failure(failure: Failure) -> Status {
    match failure {
        Failure::Refused(refusal) => from_refusal(refusal.to_proto()),
        Failure::Store(error) => from_store(&error),
    }
}

/// The state could not be read.
pub fn from_store(error: &StoreError) -> Status {
    internal(&error.to_string())
}

/// A refusal that the door itself decides, with one of the domain's reasons.
pub fn refused(reason: Reason, message: impl Into<String>) -> Status {
    from_refusal(lectern_lms::Refusal::new(reason, message).to_proto())
}

/// Why the node did not carry out a call.
pub fn from_node(error: &NodeError) -> Status {
    match error {
        NodeError::NotLeader { .. } | NodeError::NoLeader => no_leader(),
        NodeError::NoQuorum => status(
            Code::Unavailable,
            reasons::NO_QUORUM,
            "a majority of the cluster cannot be reached; nothing was changed: try again later",
        ),
        NodeError::Busy => {
            busy("this node has more to do than it takes on; nothing was changed: try again in a moment")
        }
        NodeError::Clock => status(
            Code::Unavailable,
            reasons::CLOCK_OFFSET,
            "the leader's clock disagrees with its peers'; nothing was changed: try again, and tell the operator",
        ),
        NodeError::OutcomeUnknown => outcome_unknown(),
        NodeError::TooLarge => invalid(
            reasons::TOO_LARGE,
            "this does not fit in one change of the log; send less at once, or upload it as a file",
        ),
        NodeError::Stopping => status(
            Code::Unavailable,
            reasons::STOPPING,
            "this node is shutting down; nothing was changed: use another one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(status: &Status) -> (String, HashMap<String, String>) {
        let info = status.get_details_error_info().expect("every refusal has an ErrorInfo");
        assert_eq!(info.domain, DOMAIN);
        (info.reason, info.metadata)
    }

    #[test]
    fn a_refusal_keeps_its_code_reason_and_facts() {
        let refusal = lectern_lms::Refusal::new(Reason::QuotaExceeded, "full").with("limit", 7);
        let status = from_failure(Failure::Refused(refusal));
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "full"));
        assert_eq!(info(&status), ("QUOTA_EXCEEDED".into(), HashMap::from([("limit".into(), "7".into())])));
    }

    #[test]
    fn a_fault_of_the_store_tells_the_caller_nothing_of_it() {
        let status = from_store(&StoreError::Disk("/var/secret is full".into()));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
    }

    #[test]
    fn every_trouble_of_the_node_has_its_reason() {
        let cases = [
            (NodeError::NoLeader, Code::Unavailable, "NO_LEADER"),
            (NodeError::NotLeader { leader: None }, Code::Unavailable, "NO_LEADER"),
            (NodeError::NoQuorum, Code::Unavailable, "NO_QUORUM"),
            (NodeError::Busy, Code::ResourceExhausted, "BUSY"),
            (NodeError::Clock, Code::Unavailable, "CLOCK_OFFSET"),
            (NodeError::OutcomeUnknown, Code::Unavailable, "OUTCOME_UNKNOWN"),
            (NodeError::TooLarge, Code::InvalidArgument, "TOO_LARGE"),
            (NodeError::Stopping, Code::Unavailable, "STOPPING"),
        ];
        for (error, code, reason) in cases {
            let status = from_node(&error);
            assert_eq!((status.code(), &*info(&status).0), (code, reason));
        }
    }

    #[test]
    fn thousands_of_bad_rows_still_fit_in_a_header_and_are_counted() {
        let row = |line| internal::RowProblem { line, subject: "ada".into(), message: "no such section".into() };
        let refusal = internal::Refusal {
            code: 3,
            reason: "BAD_ROWS".into(),
            message: "x".repeat(5000),
            rows: (2..20_002).map(row).collect(),
            ..internal::Refusal::default()
        };
        let status = from_refusal(refusal);
        assert!(status.details().len() < 10 * 1024, "{}", status.details().len());
        assert!(status.message().len() < 1100);
        let (_, facts) = info(&status);
        assert_eq!(facts["rows_total"], "20000");
        let shown = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(facts["rows_shown"], shown.len().to_string());
        assert_eq!((&*shown[0].field, &*shown[0].description), ("line 2", "ada: no such section"));
    }

    #[test]
    fn a_slowed_guesser_is_told_when_to_come_back() {
        let status = too_many_attempts(Duration::from_millis(1500));
        assert_eq!(status.metadata().get(metadata::RETRY_AFTER).unwrap(), "2");
        assert_eq!(info(&status).0, "TOO_MANY_ATTEMPTS");
    }
}
