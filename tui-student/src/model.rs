//! What the screens share: who is signed in, and what was loaded before, so that a screen opens on what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use lectern_proto::v1;
use lectern_tui_kit::shared::account;

/// An assignment, by the slugs of its course and its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The course's slug.
    pub course: String,
    /// The assignment's slug.
    pub assignment: String,
}

impl Place {
    /// From two slugs.
    pub fn new(course: &str, assignment: &str) -> Self {
        Self { course: course.into(), assignment: assignment.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.course, self.assignment)
    }
}

/// The caller's attempts on one assignment, and what is on its way.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "attempts are what it is mostly about")]
pub struct Attempts {
    /// Oldest first.
    pub attempts: Vec<v1::Submission>,
    /// Which of them counts, and why.
    pub counted: v1::Counted,
    /// Uploads that were not finished.
    pub pledges: Vec<v1::Pledge>,
    /// Work that came after the lock date.
    pub requests: Vec<v1::ExtensionRequest>,
}

impl Attempts {
    /// Whether there is something to choose from.
    pub fn are_several(&self) -> bool {
        self.attempts.len() > 1
    }
}

/// The caller's grades in a course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grades {
    /// One for each assignment.
    pub rows: Vec<v1::MyGrade>,
    /// The course's groups.
    pub groups: Vec<v1::AssignmentGroup>,
    /// What was kept of each, and last of what is in none.
    pub group_totals: Vec<v1::GroupTotal>,
    /// What it comes to.
    pub total: v1::CourseTotal,
    /// Names of percentages.
    pub policy: v1::GradingPolicy,
}

/// What one screen leaves for the one below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// This text is to be taken into the draft.
    Text(String),
    /// These files are to be handed in.
    Files(Vec<PathBuf>),
    /// It was handed in.
    HandedIn,
}

/// The model.
#[derive(Debug, Default)]
pub struct Model {
    /// Who is signed in.
    pub account: account::State,
    /// The last home.
    pub home: Option<v1::GetHomeResponse>,
    /// Assignments by course.
    pub assignments: BTreeMap<String, Vec<v1::Assignment>>,
    /// Assignments that were opened, in their newest version.
    pub opened: BTreeMap<Place, v1::Assignment>,
    /// Grades by course.
    pub grades: BTreeMap<String, Grades>,
    /// Attempts by assignment.
    pub attempts: BTreeMap<Place, Attempts>,
    /// What is being handed in.
    pub sending: BTreeSet<Place>,
    /// What is queued on this machine, and not submitted.
    pub queued: BTreeSet<Place>,
    /// For the screen below, of this assignment.
    pub hand_over: Option<(Place, HandOver)>,
}

impl Model {
    /// A model for somebody who may be signed in.
    pub fn new(account: account::State) -> Self {
        Self { account, ..Self::default() }
    }

    /// An assignment, where it is known.
    pub fn assignment(&self, place: &Place) -> Option<&v1::Assignment> {
        let listed = self.assignments.get(&place.course);
        let listed = listed.and_then(|list| list.iter().find(|assignment| assignment.slug == place.assignment));
        listed.or_else(|| self.opened.get(place))
    }

    /// Takes over a newer version of an assignment, also where it is in a list.
    pub fn learn(&mut self, place: &Place, assignment: &v1::Assignment) {
        let list = self.assignments.get_mut(&place.course);
        if let Some(known) = list.and_then(|list| list.iter_mut().find(|known| known.slug == place.assignment)) {
            known.clone_from(assignment);
        }
        self.opened.insert(place.clone(), assignment.clone());
    }

    /// Takes what the screen above left for `place`.
    pub fn take_over(&mut self, place: &Place) -> Option<HandOver> {
        self.hand_over.take_if(|(of, _)| of == place).map(|(_, what)| what)
    }
}
