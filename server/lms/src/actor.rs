//! Who acts, and what they may do.

use lectern_proto::internal::v1::{CourseRecord, EnrollmentRecord, TokenRecord, UserRecord};
use lectern_proto::v1::{AccountRights, CourseState, EnrollmentState, EnrollmentType, User, UserState};

use crate::keys::{key1, key2};
use crate::lookup;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Store, StoreExt};
use crate::tables::Table;

/// Who a command or a query is made by.
#[derive(Clone, Debug, PartialEq)]
pub enum Actor {
    /// A person, by a token that was valid at that moment.
    Person {
        /// The account.
        user: Box<User>,
        /// The token's id.
        token_id: Vec<u8>,
    },
    /// Nobody signed in: sign-in and activation.
    Nobody,
    /// The cluster itself: time, founding, feature levels.
    System,
}

impl Actor {
    /// The person behind `token_id` at `now_ms`: refused when the token is unknown, revoked or expired, or the account is
    /// not active.
    pub fn by_token(store: &dyn Store, token_id: &[u8], now_ms: i64) -> Result<Self> {
        let token: TokenRecord = match store.record(Table::Tokens, &key1(token_id))? {
            Some(token) => token,
            None => return refuse(Reason::NotSignedIn, "this token is unknown or was revoked; sign in again"),
        };
        if token.expires_at_ms <= now_ms {
            return refuse(Reason::NotSignedIn, "this token has expired; sign in again");
        }
        let record: Option<UserRecord> = store.record(Table::Users, &key1(&token.user_id))?;
        let user = record.and_then(|record| record.user).unwrap_or_default();
        match user.state() {
            UserState::Active => Ok(Self::Person { user: Box::new(user), token_id: token.token_id }),
            _ => refuse(Reason::AccountInactive, "this account is suspended; ask an administrator"),
        }
    }

    /// The account, or a refusal when nobody is signed in.
    pub fn user(&self) -> Result<&User> {
        match self {
            Self::Person { user, .. } => Ok(user),
            Self::Nobody | Self::System => refuse(Reason::NotSignedIn, "sign in first"),
        }
    }

    /// The account's id; empty for nobody and the system.
    pub fn user_id(&self) -> &str {
        match self {
            Self::Person { user, .. } => &user.user_id,
            Self::Nobody | Self::System => "",
        }
    }

    /// Rights of the account.
    pub fn rights(&self) -> AccountRights {
        match self {
            Self::Person { user, .. } => user.rights.unwrap_or_default(),
            Self::Nobody => AccountRights::default(),
            Self::System => AccountRights { admin: true, course_creator: true, operator: true, tutor: false },
        }
    }

    /// Refuses unless the account is a tutor's.
    pub fn require_tutor(&self) -> Result<()> {
        if self.rights().tutor { Ok(()) } else { refuse(Reason::WrongRole, "only an account of a tutor may do this") }
    }

    /// Refuses unless the account is an administrator's.
    pub fn require_admin(&self) -> Result<()> {
        if self.rights().admin { Ok(()) } else { refuse(Reason::WrongRole, "only administrators may do this") }
    }
}

/// A course as somebody sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseAccess {
    /// The course.
    pub course: CourseRecord,
    /// The person's enrolment, when it is active.
    pub enrollment: Option<EnrollmentRecord>,
    /// The person is an administrator.
    pub admin: bool,
}

impl CourseAccess {
    /// The course named by slug or id, as `actor` sees it. Not found for those who may not know of it: people without an
    /// active enrolment who are no administrators, and students while it is unpublished.
    pub fn open(store: &dyn Store, actor: &Actor, course: &str) -> Result<Self> {
        let user = actor.user()?;
        let not_found = || Refusal::new(Reason::NotFound, format!("no course `{course}` that you take part in"));
        let course = lookup::course(store, course)?.ok_or_else(not_found)?;
        let access = Self::to_record(store, &user.user_id, actor.rights().admin, course)?;
        let visible = match access.course.state() {
            CourseState::Deleted => false,
            CourseState::Unpublished => access.is_staff(),
            _ => access.admin || access.enrollment.is_some(),
        };
        if visible { Ok(access) } else { Err(not_found().into()) }
    }

    /// The access of `user_id` to a course that was read already; judges nothing.
    pub fn to_record(store: &dyn Store, user_id: &str, admin: bool, course: CourseRecord) -> Result<Self> {
        let enrollment: Option<EnrollmentRecord> =
            store.record(Table::Enrollments, &key2(&course.course_id, user_id))?;
        let enrollment = enrollment.filter(|enrollment| enrollment.state() == EnrollmentState::Active);
        Ok(Self { course, enrollment, admin })
    }

    /// The enrolment's type; unspecified without one.
    pub fn my_type(&self) -> EnrollmentType {
        self.enrollment.as_ref().map_or(EnrollmentType::Unspecified, EnrollmentRecord::r#type)
    }

    /// Instructor or administrator.
    pub fn is_instructor(&self) -> bool {
        self.admin || self.my_type() == EnrollmentType::Instructor
    }

    /// Instructor, Ta or administrator.
    pub fn is_staff(&self) -> bool {
        self.is_instructor() || self.my_type() == EnrollmentType::Ta
    }

    /// An active student.
    pub fn is_student(&self) -> bool {
        self.my_type() == EnrollmentType::Student
    }

    /// Refuses unless an instructor or administrator asks.
    pub fn require_instructor(&self) -> Result<()> {
        if self.is_instructor() {
            return Ok(());
        }
        refuse(Reason::WrongRole, format!("only instructors of {} may do this", self.course.slug))
    }

    /// Refuses unless the course's staff asks.
    pub fn require_staff(&self) -> Result<()> {
        if self.is_staff() {
            return Ok(());
        }
        refuse(Reason::WrongRole, format!("only the staff of {} may do this", self.course.slug))
    }

    /// Refuses unless an active student asks.
    pub fn require_student(&self) -> Result<()> {
        if self.is_student() {
            return Ok(());
        }
        refuse(Reason::WrongRole, format!("only students of {} may do this", self.course.slug))
    }

    /// Refuses when the course is completed: what it holds no longer changes.
    pub fn require_open(&self) -> Result<()> {
        if self.course.state() == CourseState::Completed {
            return refuse(Reason::WrongState, format!("{} is completed and no longer changes", self.course.slug));
        }
        Ok(())
    }
}
