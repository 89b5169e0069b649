//! The tables and what their keys are made of. `keys.rs` builds the keys.

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $name:ident = $tag:literal,)*) => {
        /// A table of the state. The number is its place in the key space and is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Table {
            $($(#[doc = $doc])* $name = $tag,)*
        }

        /// Every table, in order.
        pub const ALL_TABLES: &[Table] = &[$(Table::$name),*];
    };
}

tables! {
    /// The one key `cluster` → `ClusterRecord`.
    Cluster = 1,
    /// user id → `UserRecord`.
    Users = 2,
    /// username, lower case → user id.
    UsersByName = 3,
    /// SIS user id → user id.
    UsersBySis = 4,
    /// token id (32 bytes) → `TokenRecord`.
    Tokens = 5,
    /// user id, token id → nothing.
    TokensByUser = 6,
    /// course id → `CourseRecord`.
    Courses = 7,
    /// slug → course id.
    CoursesBySlug = 8,
    /// course id, section id → `SectionRecord`.
    Sections = 9,
    /// course id, user id → `EnrollmentRecord`.
    Enrollments = 10,
    /// user id, course id → nothing.
    EnrollmentsByUser = 11,
    /// course id, module id → `ModuleRecord`.
    Modules = 12,
    /// course id, material id → `MaterialRecord`.
    Materials = 13,
    /// course id, slug → material id.
    MaterialsBySlug = 14,
    /// course id, material id, user id → when it was first opened (8 bytes).
    MaterialsOpened = 15,
    /// course id, assignment id → `AssignmentRecord`.
    Assignments = 16,
    /// course id, slug → assignment id.
    AssignmentsBySlug = 17,
    /// upload id → `UploadRecord`.
    Uploads = 18,
    /// upload id, file index (4 bytes), chunk index (4 bytes) → `UploadChunkRecord`.
    UploadChunks = 19,
    /// chunk digest (32 bytes), id of the upload or file that needs it → nothing.
    ChunkHolds = 20,
    /// chunk digest (32 bytes) → the bytes themselves, without a format byte. Kept apart, in blob files.
    Chunks = 21,
    /// file id → `FileRecord`.
    Files = 22,
    /// assignment id, user id, pledge id → `PledgeRecord`.
    Pledges = 23,
    /// pledge id → key in `Pledges`.
    PledgesById = 24,
    /// assignment id, submitter id, attempt (4 bytes) → `SubmissionRecord`.
    Submissions = 25,
    /// assignment id, user id → `DraftHeadRecord`.
    Drafts = 26,
    /// assignment id, user id, revision (8 bytes) → `DraftRevisionRecord`.
    DraftRevisions = 27,
    /// assignment id, user id → `GradeRecord`.
    Grades = 28,
    /// course id, request id → `ExtensionRequestRecord`.
    ExtensionRequests = 29,
    /// course id, number (8 bytes) → `ThreadRecord`.
    Threads = 30,
    /// thread id, number (4 bytes) → `ThreadMessageRecord`.
    ThreadMessages = 31,
    /// user id, thread id → number of the last message read (4 bytes).
    ThreadReads = 32,
    /// course id, announcement id → `AnnouncementRecord`.
    Announcements = 33,
    /// user id, announcement id → nothing.
    AnnouncementReads = 34,
    /// course id (26 zeros for the installation), audit id → `AuditRecord`.
    Audit = 35,
    /// user id, idempotency key → `IdempotencyRecord`.
    Idempotency = 36,
    /// time (8 bytes), user id, idempotency key → nothing.
    IdempotencyByTime = 37,
    /// time (8 bytes), id → `ScheduleRecord`.
    Schedule = 38,
    /// course id, user id (26 zeros for the whole course) → `UsageRecord`.
    Usage = 39,
    /// start (8 bytes) → `OutageRecord`.
    Outages = 40,
    /// assignment id, user id → nothing: attempts that wait for a grade.
    NeedsGrading = 41,
    /// course id, user id, request id → assignment id.
    ExtensionRequestsByUser = 42,
    /// course id, request id → nothing: requests nobody has decided.
    PendingExtensionRequests = 43,
    /// assignment id → `AssignmentCountsRecord`.
    AssignmentCounts = 44,
    /// course id, group id → `AssignmentGroupRecord`.
    AssignmentGroups = 45,
    /// course id → `GradingPolicyRecord`.
    GradingPolicies = 46,
    /// assignment id, user id or section id → `OverrideRecord`.
    Overrides = 47,
    /// course id, user id → `FinalGradeRecord`.
    FinalGrades = 48,
    /// course id, user id → `GradebookRowRecord`.
    GradebookRows = 49,
    /// index of the entry that set it (8 bytes) → `ReceiptKeyRecord`.
    ReceiptKeys = 50,
    /// assignment id, user id → `CountedRecord`.
    Counted = 51,
    /// user id of the tutor's account → `TutorRecord`.
    Tutors = 52,
}
