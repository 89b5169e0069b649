//! Refusals: what the domain answers instead of doing something, with a reason programs can rely on.

use std::collections::BTreeMap;

use lectern_proto::internal::v1 as internal;

use crate::store::StoreError;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $code:expr;)*) => {
        /// Why something was refused: the `reason` of `google.rpc.ErrorInfo`, and the canonical gRPC code it goes with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($(#[doc = $doc])* $name,)*
        }

        impl Reason {
            /// As programs see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The canonical gRPC code.
            pub fn code(self) -> i32 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const ALREADY_EXISTS: i32 = 6;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const FAILED_PRECONDITION: i32 = 9;
const ABORTED: i32 = 10;
const UNAUTHENTICATED: i32 = 16;

reasons! {
    /// No token, or one that is unknown, expired or revoked.
    NotSignedIn = "NOT_SIGNED_IN", UNAUTHENTICATED;
    /// Username, password or code do not match.
    BadCredentials = "BAD_CREDENTIALS", UNAUTHENTICATED;
    /// The account is suspended or deleted.
    AccountInactive = "ACCOUNT_INACTIVE", PERMISSION_DENIED;
    /// The caller's role does not allow this.
    WrongRole = "WRONG_ROLE", PERMISSION_DENIED;
    /// Nothing of that name that the caller may see.
    NotFound = "NOT_FOUND", NOT_FOUND;
    /// The name is taken.
    DuplicateName = "DUPLICATE_NAME", ALREADY_EXISTS;
    /// A field is missing, malformed, or contradicts another.
    InvalidArgument = "INVALID_ARGUMENT", INVALID_ARGUMENT;
    /// Text is longer than its limit.
    TooLong = "TOO_LONG", INVALID_ARGUMENT;
    /// Bytes that should be text are not UTF-8.
    BadUtf8 = "BAD_UTF8", INVALID_ARGUMENT;
    /// A password is too short or too common.
    WeakPassword = "WEAK_PASSWORD", INVALID_ARGUMENT;
    /// An import has bad rows; all of them are in the details.
    BadRows = "BAD_ROWS", INVALID_ARGUMENT;
    /// The idempotency key was used for another request.
    KeyReused = "KEY_REUSED", INVALID_ARGUMENT;
    /// The assignment has not opened.
    NotUnlocked = "NOT_UNLOCKED", FAILED_PRECONDITION;
    /// The lock date has passed.
    PastLockDate = "PAST_LOCK_DATE", FAILED_PRECONDITION;
    /// Every allowed attempt is used.
    NoAttemptsLeft = "NO_ATTEMPTS_LEFT", FAILED_PRECONDITION;
    /// The assignment does not take this kind of submission, or this extension.
    WrongType = "WRONG_TYPE", FAILED_PRECONDITION;
    /// A file is larger than the assignment or the installation takes.
    TooLarge = "TOO_LARGE", FAILED_PRECONDITION;
    /// The student's or the course's storage is used up.
    QuotaExceeded = "QUOTA_EXCEEDED", RESOURCE_EXHAUSTED;
    /// Too many of something are open.
    TooMany = "TOO_MANY", RESOURCE_EXHAUSTED;
    /// Chunks of an upload have not arrived.
    ChunksMissing = "CHUNKS_MISSING", FAILED_PRECONDITION;
    /// The bytes are not what their digest or the declaration says.
    DigestMismatch = "DIGEST_MISMATCH", INVALID_ARGUMENT;
    /// The upload window has passed.
    UploadExpired = "UPLOAD_EXPIRED", FAILED_PRECONDITION;
    /// The thing is in a state that does not allow this.
    WrongState = "WRONG_STATE", FAILED_PRECONDITION;
    /// A grade names no attempt although something was handed in.
    AttemptRequired = "ATTEMPT_REQUIRED", FAILED_PRECONDITION;
    /// Somebody else changed it in between: read again.
    StaleRevision = "STALE_REVISION", ABORTED;
}

/// Longest fact and message of a refusal: they quote what people sent, and travel in headers.
const MAX_FACT_BYTES: usize = 200;
const MAX_MESSAGE_BYTES: usize = 1_000;

/// A refusal with no change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub reason: Reason,
    /// For a person: what happened, and what to do.
    pub message: String,
    /// Further facts for programs, such as the limit that was exceeded.
    pub metadata: BTreeMap<String, String>,
    /// For imports: every bad row.
    pub rows: Vec<internal::RowProblem>,
}

impl Refusal {
    /// A refusal without further facts.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        Self { reason, message, metadata: BTreeMap::new(), rows: Vec::new() }
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        let mut value = value.to_string();
        value.truncate(value.floor_char_boundary(MAX_FACT_BYTES));
        self.metadata.insert(key.into(), value);
        self
    }

    /// As it is kept in the idempotency record and handed to the waiting call.
    pub fn to_proto(&self) -> internal::Refusal {
        internal::Refusal {
            code: self.reason.code(),
            reason: self.reason.as_str().into(),
            message: self.message.clone(),
            metadata: self.metadata.clone(),
            rows: self.rows.clone(),
        }
    }
}

/// Why a handler or a query did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller is told; nothing changed.
    Refused(Refusal),
    /// The node cannot go on.
    Store(StoreError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What handlers and queries return.
pub type Result<T> = std::result::Result<T, Failure>;

/// Shorthand for `Err(Refusal)`.
pub fn refuse<T>(reason: Reason, message: impl Into<String>) -> Result<T> {
    Err(Refusal::new(reason, message).into())
}
