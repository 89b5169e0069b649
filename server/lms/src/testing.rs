//! A small world to test the domain in: a store in memory, people with tokens, a course.

use lectern_proto::internal::v1::{
    Command, CourseRecord, EnrollmentRecord, Outcome, TokenRecord, UserRecord, command::Body, outcome,
};
use lectern_proto::v1::{AccountRights, CourseState, EnrollmentState, EnrollmentType, User, UserState};
use prost::Message;

use crate::actor::Actor;
use crate::context::{Event, View};
use crate::keys::{key1, key2};
use crate::memory::MemoryStore;
use crate::overlay::{Change, Overlay};
use crate::store::{StoreExt, encode};
use crate::tables::Table;
use crate::{levels, limits, lookup};

/// Tables, time and the log position.
pub struct World {
    /// The state.
    pub store: MemoryStore,
    /// The next command's stamp.
    pub now_ms: i64,
    /// The last index.
    pub index: u64,
    /// Events of the last command.
    pub events: Vec<Event>,
    seeds: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Empty tables of a cluster at the newest feature level, on 2026-09-01T12:00:00Z.
    pub fn new() -> Self {
        let mut world =
            Self { store: MemoryStore::default(), now_ms: 1_788_264_000_000, index: 1, events: Vec::new(), seeds: 0 };
        world.at_level(levels::NEWEST);
        world
    }

    /// The tables are those of a cluster at this feature level.
    pub fn at_level(&mut self, feature_level: u32) {
        let mut cluster = lookup::cluster(&self.store).expect("readable");
        cluster.feature_level = feature_level;
        self.put(Table::Cluster, lookup::CLUSTER_KEY.to_vec(), encode(&cluster));
    }

    /// A fresh id, far enough from the one before that their successors never meet.
    pub fn id(&mut self) -> String {
        self.seeds += 1;
        format!("01K4{:016}000000", self.seeds)
    }

    /// Adds an active account; returns its id. Its token is `token(username)`.
    pub fn person(&mut self, username: &str, rights: AccountRights) -> String {
        let user_id = self.id();
        let user = User {
            user_id: user_id.clone(),
            username: username.into(),
            sis_user_id: format!("sis-{username}"),
            name: format!("Name of {username}"),
            email: format!("{username}@example.org"),
            time_zone: "UTC".into(),
            state: UserState::Active.into(),
            rights: Some(rights),
            created_at_ms: self.now_ms,
        };
        let record =
            UserRecord { user: Some(user), ever_activated: true, password_version: 1, ..UserRecord::default() };
        let token_id = token(username);
        let record_of_token = TokenRecord {
            token_id: token_id.clone(),
            user_id: user_id.clone(),
            name: "test".into(),
            created_at_ms: self.now_ms,
            expires_at_ms: self.now_ms + 365 * 24 * 3_600_000,
            last_used_at_ms: None,
            sign_in: true,
        };
        self.put(Table::Users, key1(&user_id), encode(&record));
        self.put(Table::UsersByName, key1(username), user_id.clone().into_bytes());
        self.put(Table::UsersBySis, key1(&format!("sis-{username}")), user_id.clone().into_bytes());
        self.put(Table::Tokens, token_id.clone(), encode(&record_of_token));
        self.put(Table::TokensByUser, key2(&user_id, &*token_id), Vec::new());
        user_id
    }

    /// Adds an available course; returns its id.
    pub fn course(&mut self, slug: &str) -> String {
        let course_id = self.id();
        let course = CourseRecord {
            course_id: course_id.clone(),
            slug: slug.into(),
            code: slug.to_uppercase(),
            title: format!("Title of {slug}"),
            time_zone: "UTC".into(),
            state: CourseState::Available.into(),
            created_at_ms: self.now_ms,
            grace_seconds: limits::GRACE_SECONDS,
            student_quota_bytes: limits::STUDENT_QUOTA,
            course_quota_bytes: limits::COURSE_QUOTA,
            default_section_id: self.id(),
            ..CourseRecord::default()
        };
        self.put(Table::Courses, key1(&course_id), encode(&course));
        self.put(Table::CoursesBySlug, key1(slug), course_id.clone().into_bytes());
        course_id
    }

    /// Enrols an account in a course.
    pub fn enroll(&mut self, course_id: &str, user_id: &str, kind: EnrollmentType) {
        let mut course: CourseRecord =
            self.store.record(Table::Courses, &key1(course_id)).expect("readable").expect("the course exists");
        let enrollment = EnrollmentRecord {
            course_id: course_id.into(),
            user_id: user_id.into(),
            r#type: kind.into(),
            state: EnrollmentState::Active.into(),
            section_id: course.default_section_id.clone(),
            created_at_ms: self.now_ms,
        };
        if kind == EnrollmentType::Student {
            course.student_count += 1;
        }
        self.put(Table::Courses, key1(course_id), encode(&course));
        self.put(Table::Enrollments, key2(course_id, user_id), encode(&enrollment));
        self.put(Table::EnrollmentsByUser, key2(user_id, course_id), Vec::new());
    }

    /// Applies a command as `username` (nobody when empty) with an idempotency key (none when empty).
    pub fn run_with_key(&mut self, username: &str, key: &str, body: Body) -> Outcome {
        let command = Command {
            version: 1,
            stamped_at_ms: self.now_ms,
            token_id: if username.is_empty() { Vec::new() } else { token(username) },
            idempotency_key: key.into(),
            request_hash: blake3::hash(format!("{body:?}").as_bytes()).as_bytes().to_vec(),
            id_seed: self.id(),
            body: Some(body),
        };
        self.index += 1;
        let mut overlay = Overlay::new(&self.store);
        let applied = crate::apply(self.index, 1, &command.encode_to_vec(), &mut overlay).expect("the command applies");
        let changes = overlay.into_changes();
        self.store.commit(changes);
        self.events = applied.events;
        applied.outcome
    }

    /// Applies a command and decodes its response; `Err` is the refusal's reason.
    pub fn run<R: Message + Default>(&mut self, username: &str, body: Body) -> Result<R, String> {
        match self.run_with_key(username, "", body).result {
            Some(outcome::Result::Response(bytes)) => Ok(R::decode(&*bytes).expect("the response decodes")),
            Some(outcome::Result::Refusal(refusal)) => Err(refusal.reason),
            None => panic!("an outcome is a response or a refusal"),
        }
    }

    /// Runs a query as `username`.
    pub fn ask<T>(&self, username: &str, query: impl FnOnce(&View<'_>) -> crate::Result<T>) -> Result<T, String> {
        let reason = |failure| match failure {
            crate::Failure::Refused(refusal) => refusal.reason.as_str().to_owned(),
            crate::Failure::Store(error) => panic!("{error}"),
        };
        let actor = Actor::by_token(&self.store, &token(username), self.now_ms).map_err(reason)?;
        query(&View { store: &self.store, actor: &actor, now_ms: self.now_ms }).map_err(reason)
    }

    fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.store.commit(vec![Change { table, key, value: Some(value) }]);
    }
}

/// The id of a person's token in a [`World`].
pub fn token(username: &str) -> Vec<u8> {
    blake3::hash(username.as_bytes()).as_bytes().to_vec()
}
