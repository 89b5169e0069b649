//! What rows of each table look like, for programs that show any table: the parts of its keys, and what its values are.
//!
//! A part of a key that is a secret, or the hash of one, says so here; fields of records say it in the contract
//! (`debug_redact`).

use crate::keys::ID_BYTES;
use crate::tables::Table;

/// One part of a key. Those without a length of their own are the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// A ULID, 26 characters.
    Id(&'static str),
    /// Text up to the end of the key.
    Text(&'static str),
    /// A number of 4 bytes.
    U32(&'static str),
    /// A number of 8 bytes.
    U64(&'static str),
    /// Unix milliseconds, 8 bytes.
    Time(&'static str),
    /// A digest of content, 32 bytes.
    Digest(&'static str),
    /// What nobody is shown, up to the end of the key.
    Secret(&'static str),
    /// A ULID, a digest, or the id of a token, up to the end of the key. Only the first is shown.
    Subject(&'static str),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueShape {
    /// A message of `lectern.internal.v1` behind its format byte.
    Record(&'static str),
    /// Text.
    Text,
    /// Nothing: the key says it all.
    Nothing,
    /// A number of 4 bytes.
    U32,
    /// Unix milliseconds, 8 bytes.
    Time,
    /// The bytes of a file.
    Content,
    /// A key of another table.
    Key(Table),
}

/// How rows of a table are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The parts of its keys, in order.
    pub key: &'static [KeyPart],
    /// What its values are.
    pub value: ValueShape,
}

impl KeyPart {
    /// What the part is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id(name)
            | Self::Text(name)
            | Self::U32(name)
            | Self::U64(name)
            | Self::Time(name)
            | Self::Digest(name)
            | Self::Secret(name)
            | Self::Subject(name) => name,
        }
    }

    /// How many bytes it takes, where that is always the same.
    pub fn length(self) -> Option<usize> {
        match self {
            Self::Id(_) => Some(ID_BYTES),
            Self::U32(_) => Some(size_of::<u32>()),
            Self::U64(_) | Self::Time(_) => Some(size_of::<u64>()),
            Self::Digest(_) => Some(blake3::OUT_LEN),
            Self::Text(_) | Self::Secret(_) | Self::Subject(_) => None,
        }
    }
}

/// The shape of a table's rows.
#[allow(clippy::too_many_lines, clippy::match_same_arms)] // One line a table.
pub fn shape(table: Table) -> Shape {
    use KeyPart::{Digest, Id, Secret, Subject, Text, Time, U32, U64};
    use ValueShape::{Content, Key, Nothing, Record};
    const ASSIGNMENT: KeyPart = Id("assignment_id");
    const COURSE: KeyPart = Id("course_id");
    const USER: KeyPart = Id("user_id");
    let (key, value): (&'static [KeyPart], ValueShape) = match table {
        Table::Cluster => (&[Text("key")], Record("ClusterRecord")),
        Table::Users => (&[USER], Record("UserRecord")),
        Table::UsersByName => (&[Text("username")], ValueShape::Text),
        Table::UsersBySis => (&[Text("sis_user_id")], ValueShape::Text),
        Table::Tokens => (&[Secret("token_id")], Record("TokenRecord")),
        Table::TokensByUser => (&[USER, Secret("token_id")], Nothing),
        Table::Courses => (&[COURSE], Record("CourseRecord")),
        Table::CoursesBySlug => (&[Text("slug")], ValueShape::Text),
        Table::Sections => (&[COURSE, Id("section_id")], Record("SectionRecord")),
        Table::Enrollments => (&[COURSE, USER], Record("EnrollmentRecord")),
        Table::EnrollmentsByUser => (&[USER, COURSE], Nothing),
        Table::Modules => (&[COURSE, Id("module_id")], Record("ModuleRecord")),
        Table::Materials => (&[COURSE, Id("material_id")], Record("MaterialRecord")),
        Table::MaterialsBySlug => (&[COURSE, Text("slug")], ValueShape::Text),
        Table::MaterialsOpened => (&[COURSE, Id("material_id"), USER], ValueShape::Time),
        Table::Assignments => (&[COURSE, ASSIGNMENT], Record("AssignmentRecord")),
        Table::AssignmentsBySlug => (&[COURSE, Text("slug")], ValueShape::Text),
        Table::Uploads => (&[Id("upload_id")], Record("UploadRecord")),
        Table::UploadChunks => (&[Id("upload_id"), U32("file"), U32("chunk")], Record("UploadChunkRecord")),
        Table::ChunkHolds => (&[Digest("chunk"), Id("held_by")], Nothing),
        Table::Chunks => (&[Digest("chunk")], Content),
        Table::Files => (&[Id("file_id")], Record("FileRecord")),
        Table::Pledges => (&[ASSIGNMENT, USER, Id("pledge_id")], Record("PledgeRecord")),
        Table::PledgesById => (&[Id("pledge_id")], Key(Table::Pledges)),
        Table::Submissions => (&[ASSIGNMENT, Id("submitter_id"), U32("attempt")], Record("SubmissionRecord")),
        Table::Drafts => (&[ASSIGNMENT, USER], Record("DraftHeadRecord")),
        Table::DraftRevisions => (&[ASSIGNMENT, USER, U64("revision")], Record("DraftRevisionRecord")),
        Table::Grades => (&[ASSIGNMENT, USER], Record("GradeRecord")),
        Table::ExtensionRequests => (&[COURSE, Id("request_id")], Record("ExtensionRequestRecord")),
        Table::Threads => (&[COURSE, U64("number")], Record("ThreadRecord")),
        Table::ThreadMessages => (&[Id("thread_id"), U32("number")], Record("ThreadMessageRecord")),
        Table::ThreadReads => (&[USER, Id("thread_id")], ValueShape::U32),
        Table::Announcements => (&[COURSE, Id("announcement_id")], Record("AnnouncementRecord")),
        Table::AnnouncementReads => (&[USER, Id("announcement_id")], Nothing),
        Table::Audit => (&[COURSE, Id("audit_id")], Record("AuditRecord")),
        Table::Idempotency => (&[USER, Secret("idempotency_key")], Record("IdempotencyRecord")),
        Table::IdempotencyByTime => (&[Time("at_ms"), USER, Secret("idempotency_key")], Nothing),
        Table::Schedule => (&[Time("at_ms"), Subject("subject")], Record("ScheduleRecord")),
        Table::Usage => (&[COURSE, USER], Record("UsageRecord")),
        Table::Outages => (&[Time("started_at_ms")], Record("OutageRecord")),
        Table::NeedsGrading => (&[ASSIGNMENT, USER], Nothing),
        Table::ExtensionRequestsByUser => (&[COURSE, USER, Id("request_id")], ValueShape::Text),
        Table::PendingExtensionRequests => (&[COURSE, Id("request_id")], Nothing),
        Table::AssignmentCounts => (&[ASSIGNMENT], Record("AssignmentCountsRecord")),
        Table::AssignmentGroups => (&[COURSE, Id("group_id")], Record("AssignmentGroupRecord")),
        Table::GradingPolicies => (&[COURSE], Record("GradingPolicyRecord")),
        Table::Overrides => (&[ASSIGNMENT, Id("user_or_section_id")], Record("OverrideRecord")),
        Table::FinalGrades => (&[COURSE, USER], Record("FinalGradeRecord")),
        Table::GradebookRows => (&[COURSE, USER], Record("GradebookRowRecord")),
        Table::ReceiptKeys => (&[U64("index")], Record("ReceiptKeyRecord")),
        Table::Counted => (&[ASSIGNMENT, USER], Record("CountedRecord")),
        Table::Tutors => (&[USER], Record("TutorRecord")),
    };
    Shape { key, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ALL_TABLES;

    #[test]
    fn only_the_last_part_of_a_key_has_no_length_of_its_own() {
        for table in ALL_TABLES {
            let (last, before) = shape(*table).key.split_last().unwrap();
            assert!(before.iter().all(|part| part.length().is_some()), "{table:?}");
            assert!(!last.name().is_empty(), "{table:?}");
        }
    }
}
