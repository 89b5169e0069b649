//! What can go wrong, and what to do about it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The reason when no node answered.
pub(crate) const UNREACHABLE: &str = "UNREACHABLE";
/// The reason where the cluster answers and a tutor does not.
pub const TUTOR_AWAY: &str = "TUTOR_AWAY";

/// One bad row of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Where: `line 12`.
    pub place: String,
    /// What is wrong with it.
    pub message: String,
}

/// Why something was not done. [`ClientError::advice`] says what to do, [`ClientError::exit_code`] what a program exits
/// with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The cluster said no; nothing was changed.
    #[error("{message}")]
    Refused {
        /// The canonical gRPC code.
        code: Code,
        /// For programs: `PAST_LOCK_DATE`.
        reason: String,
        /// For people.
        message: String,
        /// Further facts, such as the limit that was exceeded.
        metadata: BTreeMap<String, String>,
        /// For imports: the bad rows that fit in an error; the count is in `metadata["rows_total"]`.
        rows: Vec<BadRow>,
    },
    /// No token, or one that is unknown, expired or revoked.
    #[error("{message}")]
    NotSignedIn {
        /// For people.
        message: String,
    },
    /// No node answered, or none could do it, until the deadline. Nothing was changed, or doing it again is harmless.
    #[error("{}{message}", if reason == UNREACHABLE { "the cluster cannot be reached: " } else { "" })]
    Unreachable {
        /// `NO_LEADER`, `NO_QUORUM`, `BUSY`…; `UNREACHABLE` when no node answered, `UNTRUSTED` when certificates did not fit.
        reason: String,
        /// What the last attempt found.
        message: String,
        /// What to do, where more is known than the reason says.
        advice: Option<String>,
    },
    /// A change was sent and its answer never came.
    #[error("the change may or may not have happened: {message}")]
    OutcomeUnknown {
        /// The idempotency key: the same request with it is safe and tells the outcome. None for changes that take
        /// none (sign-in and the like).
        key: Option<String>,
        /// What the last attempt found.
        message: String,
    },
    /// The cluster was away, and the work is kept on this machine: nothing is submitted.
    #[error("{message}")]
    Queued {
        /// For people.
        message: String,
    },
    /// What was asked for makes no sense as written.
    #[error("{message}")]
    Usage {
        /// For people.
        message: String,
    },
    /// A file of this machine is not what it must be for this, and what to do about it.
    #[error("{message}")]
    LocalFile {
        /// For people.
        message: String,
    },
    /// The local disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// A file is not what its digest says: it changed while it was read, or arrived damaged.
    #[error("{message}")]
    DigestMismatch {
        /// For people.
        message: String,
    },
}

impl ClientError {
    /// A wrong argument.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into() }
    }

    /// A local file that cannot be used for this.
    pub fn local_file(message: impl Into<String>) -> Self {
        Self::LocalFile { message: message.into() }
    }

    /// A refusal that is clear before, or without, asking the cluster: by the reason the cluster would give.
    pub fn refused(code: Code, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self::Refused { code, reason, message, metadata: BTreeMap::new(), rows: Vec::new() }
    }

    /// No node answered.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::not_done(UNREACHABLE, message)
    }

    /// Nobody could do it until the deadline, and the reason says what to do.
    pub fn not_done(reason: &str, message: impl Into<String>) -> Self {
        Self::Unreachable { reason: reason.into(), message: message.into(), advice: None }
    }

    /// The same, with its own word on what to do. Errors of other kinds stay as they are.
    #[must_use]
    pub fn advised(mut self, words: impl Into<String>) -> Self {
        if let Self::Unreachable { advice, .. } = &mut self {
            *advice = Some(words.into());
        }
        self
    }

    /// A trouble of the local disk with `path`.
    pub fn io(path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { path: path.as_ref().into(), source }
    }

    /// What a program exits with: 1 refused, 2 usage, 3 not signed in, 4 unreachable or no quorum, 6 outcome unknown.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Io { .. } | Self::LocalFile { .. } | Self::DigestMismatch { .. } => 1,
            Self::Usage { .. } => 2,
            Self::NotSignedIn { .. } => 3,
            Self::Unreachable { .. } => 4,
            Self::Queued { .. } => 5,
            Self::OutcomeUnknown { .. } => 6,
        }
    }

    /// For programs: the server's reason, or one of `NOT_SIGNED_IN`, `QUEUED`, `OUTCOME_UNKNOWN`, `USAGE`, `LOCAL_FILE`,
    /// `DIGEST_MISMATCH`.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } | Self::Unreachable { reason, .. } => reason,
            Self::NotSignedIn { .. } => "NOT_SIGNED_IN",
            Self::Queued { .. } => "QUEUED",
            Self::OutcomeUnknown { .. } => "OUTCOME_UNKNOWN",
            Self::Usage { .. } => "USAGE",
            Self::Io { .. } | Self::LocalFile { .. } => "LOCAL_FILE",
            Self::DigestMismatch { .. } => "DIGEST_MISMATCH",
        }
    }

    /// Whether the cluster refused for this reason.
    pub fn is_refused_for(&self, reason: &str) -> bool {
        matches!(self, Self::Refused { reason: own, .. } if own == reason)
    }

    /// Whether trying again later may help without any change.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::OutcomeUnknown { .. })
    }

    /// What to do about it; empty where the message says it all.
    pub fn advice(&self) -> String {
        match self {
            Self::Refused { reason, .. } => refusal_advice(reason).into(),
            Self::NotSignedIn { .. } => "sign in: `sign-in USERNAME`".into(),
            Self::Unreachable { advice: Some(advice), .. } => advice.clone(),
            Self::Unreachable { reason, .. } => unreachable_advice(reason).into(),
            Self::OutcomeUnknown { key: Some(key), .. } => {
                format!("look before you repeat it, or repeat it with the same key, which is safe: {key}")
            }
            Self::OutcomeUnknown { key: None, .. } => "do it again: the second answer is the one that counts".into(),
            Self::Queued { .. } => {
                "`outbox list` shows what is queued, `outbox send` sends it, `outbox discard` drops it".into()
            }
            Self::Usage { .. } => "see --help".into(),
            Self::LocalFile { .. } => String::new(),
            Self::Io { source, .. } => io_advice(source.kind()).into(),
            Self::DigestMismatch { .. } => "do it again, and do not change the files meanwhile".into(),
        }
    }
}

fn io_advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check the path and its permissions",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make some room on the disk, and do it again",
        _ => "check the path, its permissions and the space on the disk",
    }
}

fn refusal_advice(reason: &str) -> &'static str {
    match reason {
        "ACCOUNT_INACTIVE" => "ask an admin to reactivate the account",
        "WRONG_ROLE" => "ask the course's instructor, or an admin, for the role this takes",
        "NOT_FOUND" => "check the name; lists show what you may see",
        "DUPLICATE_NAME" => "choose another name",
        "STALE_REVISION" => "somebody changed it in between: read it again and repeat your change",
        "KEY_REUSED" => "use a fresh idempotency key for a different change",
        "BAD_ROWS" => "correct the rows and import again",
        "CHUNKS_MISSING" => "repeat the command: the upload goes on where it stopped",
        "UPLOAD_EXPIRED" => "repeat the command: a new upload begins",
        "RECEIPT_KEY_UNKNOWN" => {
            "`receipt keys` asks the cluster for its keys and pins them; --key gives one by hand, from somebody you trust"
        }
        "RECEIPT_CHANGED" => "`receipt save` gets another one, as long as the cluster holds what was handed in",
        "QUOTA_EXCEEDED" => "ask the instructor for more room, or hand in less",
        "INTERNAL" => "try again; if it stays, tell the operator",
        "NOT_AN_OPERATOR" => {
            "say who you are: with TLS --cert FILE --key FILE, without it --operator-key DIR, a node's data directory"
        }
        _ => "",
    }
}

fn unreachable_advice(reason: &str) -> &'static str {
    match reason {
        "NO_QUORUM" => "tell the operator, and try again later; nothing that was acknowledged is lost",
        "NO_LEADER" => "the cluster is choosing a leader; try again in a moment",
        "NOT_YET" => "it goes on by itself; `lectern-monitor members` tells how far it has come",
        "NOT_KNOWN" => "ask again in a moment; a node of an older release never says",
        "BUSY" => "the cluster is busy; try again in a moment",
        TUTOR_AWAY => "your question is kept; ask again in a moment, or send it to your instructor",
        "UNTRUSTED" => "nothing was sent; compare the address and its fingerprint with what the operator gave you",
        _ => {
            "check that the cluster runs, and the address: --endpoint HOST:PORT, LECTERN_ENDPOINTS, or what `connect` saved"
        }
    }
}

/// How an attempt that brought no answer is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was changed: try again.
    NotDone,
    /// It may have been done: try again with the same key.
    Unknown,
    /// The node failed, perhaps for good: try a few others, taken as unknown meanwhile.
    Failed,
    /// That is the answer.
    Final,
}

/// Reasons of UNAVAILABLE with which nodes say that nothing was changed.
const NOT_DONE: [&str; 4] = ["NO_LEADER", "NO_QUORUM", "CLOCK_OFFSET", "STOPPING"];

/// The reason a status gives; none when it is not a node's own word but the transport's.
pub(crate) fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason).filter(|reason| !reason.is_empty())
}

pub(crate) fn judge(status: &Status) -> Verdict {
    let reason = reason_of(status);
    match (status.code(), reason.as_deref()) {
        (Code::Unavailable, Some(reason)) if NOT_DONE.contains(&reason) => Verdict::NotDone,
        (Code::ResourceExhausted, Some("BUSY")) => Verdict::NotDone,
        (Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled, _) => Verdict::Unknown,
        (Code::Internal, _) | (Code::Unknown | Code::ResourceExhausted, None) => Verdict::Failed,
        _ => Verdict::Final,
    }
}

/// The answer a final status is.
pub(crate) fn final_error(status: &Status) -> ClientError {
    let info = status.get_details_error_info();
    let (reason, metadata) = match info {
        Some(info) => (info.reason, info.metadata.into_iter().collect()),
        None => (code_name(status.code()).to_owned(), BTreeMap::new()),
    };
    let message = status.message().to_owned();
    if status.code() == Code::Unauthenticated && matches!(&*reason, "NOT_SIGNED_IN" | "UNAUTHENTICATED") {
        return ClientError::NotSignedIn { message };
    }
    let rows = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let rows = rows.into_iter().map(|row| BadRow { place: row.field, message: row.description }).collect();
    ClientError::Refused { code: status.code(), reason, message, metadata, rows }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::NotFound => "NOT_FOUND",
        Code::PermissionDenied => "WRONG_ROLE",
        _ => "REFUSED",
    }
}
