//! What the screens share: who is signed in, what was loaded before, and the desk on which work is graded.

pub mod desk;

use std::collections::BTreeMap;

use lectern_proto::v1;
use lectern_tui_kit::shared::account;

use crate::effects::Gradebook;
use desk::Desk;

/// An assignment by the slugs of its course and its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hw {
    /// The course's slug.
    pub course: String,
    /// Its own.
    pub assignment: String,
}

/// One student's work on an assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The assignment.
    pub hw: Hw,
    /// The student's username.
    pub user: String,
}

/// What the screens share.
#[derive(Default)]
pub struct Model {
    /// Who is signed in, as the account screens keep it.
    pub account: account::State,
    /// The same person, once the cluster has said who it is.
    pub me: Option<v1::User>,
    /// What was loaded before: screens open on it.
    pub known: Known,
    /// Grades: typed, on their way, saved.
    pub desk: Desk,
}

/// What was loaded before, by course or assignment.
#[derive(Default)]
pub struct Known {
    /// The home view.
    pub home: Option<v1::GetHomeResponse>,
    /// Courses by slug.
    pub courses: BTreeMap<String, v1::Course>,
    /// Assignments of a course.
    pub assignments: BTreeMap<String, Vec<v1::Assignment>>,
    /// People of a course.
    pub people: BTreeMap<String, Vec<v1::Enrollment>>,
    /// Everyone's attempt that counts.
    pub submissions: BTreeMap<Hw, Vec<v1::SubmissionSummary>>,
    /// Groups and policies of courses.
    pub policies: BTreeMap<String, v1::GetGradingPolicyResponse>,
    /// Gradebooks.
    pub gradebooks: BTreeMap<String, Gradebook>,
}

impl Model {
    /// Rights of the account, as far as they are known.
    pub fn rights(&self) -> v1::AccountRights {
        self.me.as_ref().and_then(|me| me.rights).unwrap_or_default()
    }

    /// The id of a course, where it is known: changes name courses by it.
    pub fn course_id(&self, slug: &str) -> Option<&str> {
        let home = self.known.home.as_ref().map(|home| home.courses.as_slice()).unwrap_or_default();
        let of_home = || home.iter().find(|course| course.slug == slug).map(|course| course.course_id.as_str());
        let known = self.known.courses.get(slug).map(|course| course.course_id.as_str()).or_else(of_home);
        known.filter(|id| !id.is_empty())
    }

    /// Everything of the person who was here before is forgotten.
    pub fn forget(&mut self) {
        let account = std::mem::take(&mut self.account);
        *self = Self { account, ..Self::default() };
    }
}
