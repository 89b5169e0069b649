//! A class to test grading and talking with: its people, and work put straight into the tables.

use lectern_proto::POINT;
use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, SubmissionRecord, Submitter, submitter};
use lectern_proto::v1::{AccountRights, AssignmentSettings, CourseState, EnrollmentType, SubmissionType};
use prost::Message;

use crate::keys::{key1, key2, key3};
use crate::overlay::Change;
use crate::rows::Row;
use crate::store::{StoreExt, encode};
use crate::tables::Table;
use crate::testing::World;

pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Course `cs101` with instructor ines, Ta tom, students ada and bob; course `hist1` with student eve; root is an admin.
pub(crate) struct Class {
    pub world: World,
    pub course_id: String,
    pub other_course_id: String,
    pub ada: String,
    pub bob: String,
    /// Made so far.
    assignments: u32,
}

impl Class {
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let course_id = world.course("cs101");
        let other_course_id = world.course("hist1");
        world.person("root", AccountRights { admin: true, ..AccountRights::default() });
        let mut member = |username: &str, course_id: &str, kind| {
            let user_id = world.person(username, AccountRights::default());
            world.enroll(course_id, &user_id, kind);
            user_id
        };
        member("ines", &course_id, EnrollmentType::Instructor);
        member("tom", &course_id, EnrollmentType::Ta);
        let ada = member("ada", &course_id, EnrollmentType::Student);
        let bob = member("bob", &course_id, EnrollmentType::Student);
        member("eve", &other_course_id, EnrollmentType::Student);
        Self { world, course_id, other_course_id, ada, bob, assignments: 0 }
    }

    pub(crate) fn put<M: Message>(&mut self, table: Table, key: Vec<u8>, record: &M) {
        self.world.store.commit(vec![Change { table, key, value: Some(encode(record)) }]);
    }

    pub(crate) fn put_raw(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.world.store.commit(vec![Change { table, key, value: Some(value) }]);
    }

    pub(crate) fn course_state(&mut self, state: CourseState) {
        let key = key1(&self.course_id);
        let mut course: CourseRecord = self.world.store.record(Table::Courses, &key).unwrap().unwrap();
        course.set_state(state);
        self.put(Table::Courses, key, &course);
    }

    /// A published assignment of `points`, to be posted by hand, due in an hour; `change` may make it another.
    pub(crate) fn assignment(
        &mut self,
        slug: &str,
        points: i64,
        change: impl FnOnce(&mut AssignmentSettings),
    ) -> String {
        let assignment_id = self.world.id();
        self.assignments += 1;
        let mut settings = AssignmentSettings {
            title: format!("Title of {slug}"),
            points_possible: points * POINT,
            due_at_ms: Some(self.world.now_ms + HOUR_MS),
            submission_types: vec![SubmissionType::Text.into()],
            post_manually: true,
            published: true,
            ..AssignmentSettings::default()
        };
        change(&mut settings);
        let record = AssignmentRecord {
            assignment_id: assignment_id.clone(),
            course_id: self.course_id.clone(),
            slug: slug.into(),
            settings: Some(settings),
            created_at_ms: self.world.now_ms,
            revision: 1,
            number: self.assignments,
            ..AssignmentRecord::default()
        };
        self.put(Table::Assignments, key2(&self.course_id, &assignment_id), &record);
        let key = key2(&self.course_id, slug);
        self.put_raw(Table::AssignmentsBySlug, key, assignment_id.clone().into_bytes());
        assignment_id
    }

    /// The assignment is due at another time.
    pub(crate) fn due(&mut self, assignment_id: &str, due_at_ms: i64) {
        let key = key2(&self.course_id, assignment_id);
        let mut record: AssignmentRecord = self.world.store.record(Table::Assignments, &key).unwrap().unwrap();
        record.settings.as_mut().unwrap().due_at_ms = Some(due_at_ms);
        self.put(Table::Assignments, key, &record);
    }

    /// One more attempt of a student, waiting for a grade.
    pub(crate) fn submission(&mut self, assignment_id: &str, user_id: &str, attempt: u32, late: bool) {
        let record = SubmissionRecord {
            submission_id: self.world.id(),
            course_id: self.course_id.clone(),
            assignment_id: assignment_id.into(),
            submitter: Some(Submitter { kind: Some(submitter::Kind::UserId(user_id.into())) }),
            attempt,
            submitted_at_ms: self.world.now_ms,
            stamped_at_ms: self.world.now_ms,
            late,
            text: "my work".into(),
            ..SubmissionRecord::default()
        };
        self.put(Table::Submissions, key3(assignment_id, user_id, attempt), &record);
        self.put_raw(Table::NeedsGrading, key2(assignment_id, user_id), Vec::new());
        let assignment: AssignmentRecord =
            self.world.store.record(Table::Assignments, &key2(&self.course_id, assignment_id)).unwrap().unwrap();
        let row = Row::read(&self.world.store, &self.course_id, user_id).unwrap();
        let row = row.changed(assignment.number, |cell| {
            (cell.attempts, cell.late, cell.needs_grading) = (attempt, late, true);
        });
        self.put(Table::GradebookRows, key2(&self.course_id, user_id), &row);
    }
}
