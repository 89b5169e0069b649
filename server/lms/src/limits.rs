//! Limits of what the domain takes. Numbers are bytes unless their name says otherwise.

/// Slugs of courses, materials and assignments, in characters.
pub const SLUG_CHARS: usize = 40;
/// Usernames, in characters.
pub const USERNAME_CHARS: usize = 64;
/// Names of people, titles of courses and things, labels.
pub const NAME_BYTES: usize = 200;
/// Syllabus, descriptions, announcements, thread messages, feedback.
pub const BODY_BYTES: usize = 64 * 1024;
/// A text submission or a draft.
pub const TEXT_BYTES: u64 = 1024 * 1024;
/// A single file.
pub const FILE_BYTES: u64 = lectern_proto::MAX_FILE_BYTES;
/// The files of one upload together: what finishing or dropping it costs stays bounded.
pub const UPLOAD_BYTES: u64 = 1024 * 1024 * 1024;
/// Files of one upload.
pub const FILES_PER_UPLOAD: usize = 500;
/// A file's name, with the directories of a directory submission.
pub const FILE_NAME_BYTES: usize = 400;
/// An import file.
pub const IMPORT_BYTES: usize = 4 * 1024 * 1024;
/// Rows of an import.
pub const IMPORT_ROWS: usize = 20_000;
/// Sections of a course.
pub const SECTIONS_PER_COURSE: usize = 200;
/// Bytes of files and text a student may keep in a course, by default.
pub const STUDENT_QUOTA: u64 = 1024 * 1024 * 1024;
/// Bytes of files and text in a course, by default.
pub const COURSE_QUOTA: u64 = 50 * 1024 * 1024 * 1024;
/// Grace after a due date, in seconds, by default.
pub const GRACE_SECONDS: u32 = 60;
/// An upload session, and so a pledge, lives this long, in milliseconds.
pub const UPLOAD_WINDOW_MS: i64 = 60 * 60 * 1000;
/// An idempotency record, in milliseconds.
pub const IDEMPOTENCY_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// An idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS: usize = 100;
/// Revisions of a draft that are kept.
pub const DRAFT_REVISIONS: u64 = 50;
/// Open upload sessions of one person in one course.
pub const OPEN_UPLOADS: usize = 20;
/// Threads that one student may start in one course within an hour.
pub const THREADS_PER_HOUR: u32 = 20;
/// Messages that one student may write in one course within an hour, those that start a thread among them.
pub const MESSAGES_PER_HOUR: u32 = 100;
/// Tokens of one person.
pub const TOKENS_PER_USER: usize = 50;
/// Rows of a page when none is asked for, and at most.
pub const PAGE_ROWS: usize = 50;
/// Rows of a page at most.
pub const MAX_PAGE_ROWS: usize = 500;
/// Points of an assignment and scores, in ten-thousandths: a million points.
pub const MAX_POINTS: i64 = 1_000_000 * lectern_proto::POINT;
/// Idempotency records forgotten with each command that makes one.
pub const MAX_EXPIRED_KEYS: usize = 2;
/// Modules of a course.
pub const MODULES_PER_COURSE: usize = 500;
/// Materials of a course.
pub const MATERIALS_PER_COURSE: usize = 2_000;
/// Assignments of a course.
pub const ASSIGNMENTS_PER_COURSE: usize = 1_000;
/// Assignment groups of a course.
pub const GROUPS_PER_COURSE: usize = 50;
/// Students that statistics of one course look at.
pub const STUDENTS_COUNTED: usize = 50_000;
/// Extension requests of one student for one assignment.
pub const EXTENSION_REQUESTS: usize = 20;
/// The latest time a date may name: the end of the year 9999.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;
