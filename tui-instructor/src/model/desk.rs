//! The desk: work that is read, scores and feedback as they are typed, and grades on their way to the cluster.
//!
//! Invariants
//! - What was typed is in an [`Entry`] until it is handed to a [`Save`], and comes back into one when that is refused:
//!   it is never in neither, however fast the person goes on.
//! - At most one save of a student is under way; a later one waits for it, and takes the newest words.
//! - A save has one key for all its tries, so that it arrives exactly once.

use std::collections::{BTreeMap, BTreeSet};

use lectern_cli::format::{parse_points, points};
use lectern_proto::v1;
use lectern_tui_kit::remote::{Failure, Remote, RequestId};

use super::{Hw, Place};
use crate::effects::{Effect, FileText, Read, Work};

/// Works that are kept: the rest is asked for again. What is typed, and grades on their way, are kept in any case.
const KEPT_WORKS: usize = 64;

/// What a person types for one student.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The score, letter by letter; none while it was not touched.
    pub score: Option<String>,
    /// The feedback; none while it was not touched.
    pub feedback: Option<String>,
    /// The attempt that was on the screen when the typing began; none while the work was not here yet.
    pub attempt: Option<u32>,
}

/// A grade on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    /// The same for all tries.
    pub key: String,
    /// The grade.
    pub request: v1::SetGradeRequest,
    /// How it stands.
    pub state: SaveState,
    /// What was typed meanwhile, to be saved after it.
    next: Option<Draft>,
}

/// How a save stands.
#[derive(Clone, Debug, PartialEq)]
pub enum SaveState {
    /// On its way.
    Pending,
    /// It could not be saved yet, and is tried again by itself.
    Waiting(Failure),
    /// The cluster has it.
    Saved,
    /// The cluster refused it; what was typed is an [`Entry`] again.
    Failed(Failure),
}

/// A score and feedback that are complete.
#[derive(Clone, Debug, PartialEq)]
struct Draft {
    score: i64,
    feedback: String,
    attempt: u32,
}

/// How a student's grade stands, for the list beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was typed, and there is no grade.
    Blank,
    /// There is a grade.
    Graded,
    /// Typed, and not handed to the cluster.
    Typed,
    /// On its way.
    Pending,
    /// Waits for the cluster.
    Waiting,
    /// Saved in this session.
    Saved,
    /// Refused.
    Failed,
}

/// The desk.
#[derive(Default)]
pub struct Desk {
    works: BTreeMap<Place, Remote<Work>>,
    /// Places in the order their works were asked for.
    order: Vec<Place>,
    texts: BTreeMap<String, FileText>,
    /// The newest grade of each student that is known here.
    grades: BTreeMap<Place, v1::Grade>,
    entries: BTreeMap<Place, Entry>,
    saves: BTreeMap<Place, Save>,
    /// Works that may have changed on the server.
    expired: BTreeSet<Place>,
}

impl Desk {
    /// How many grades are typed and not handed to the cluster.
    pub fn typed(&self) -> usize {
        self.entries.len()
    }

    /// How many grades are on their way.
    pub fn saving(&self) -> usize {
        self.saves.values().filter(|save| save.is_on_its_way()).count()
    }

    /// Works of an assignment may have changed: each is asked for again when it is wanted.
    pub fn expire(&mut self, hw: &Hw) {
        self.expired.extend(self.works.keys().filter(|place| place.hw == *hw).cloned());
    }

    /// The work of a student, as far as it is here.
    pub fn work(&self, place: &Place) -> Option<&Remote<Work>> {
        self.works.get(place)
    }

    /// What is in a submitted file.
    pub fn text(&self, file_id: &str) -> Option<&FileText> {
        self.texts.get(file_id)
    }

    /// The read for a work that is neither here nor on its way; none when it is.
    pub fn wanted(&self, place: &Place) -> Option<Effect> {
        let wanted = match self.works.get(place) {
            None => true,
            // While an answer is on its way nothing is asked for: what changed meanwhile is asked for after it.
            Some(work) => !work.is_loading() && (work.value().is_none() || self.expired.contains(place)),
        };
        wanted.then(|| Effect::Read(Read::Work(place.clone())))
    }

    /// It was asked for.
    pub fn asked(&mut self, place: &Place, request: RequestId) {
        self.expired.remove(place);
        self.works.entry(place.clone()).or_default().start(request);
        self.order.retain(|other| other != place);
        self.order.push(place.clone());
        while self.order.len() > KEPT_WORKS {
            let oldest = self.order.remove(0);
            if let Some(work) = self.works.remove(&oldest).and_then(|work| work.value().cloned()) {
                for file in &work.submission.files {
                    self.texts.remove(&file.file_id);
                }
            }
        }
    }

    /// A work came.
    pub fn came(&mut self, place: &Place, request: RequestId, result: Result<Work, Failure>) {
        if let Ok(work) = &result
            && let Some(grade) = &work.submission.grade
        {
            self.heard(place, grade);
        }
        // The same request answers twice: when the submission is there, and when its files are. The first answer is what
        // counts; one of an earlier request would bring an older attempt back.
        if let Some(work) = self.works.get_mut(place) {
            work.finish(request, result);
        }
    }

    /// What is in a file came: of use while a work that has it is here.
    pub fn text_came(&mut self, file_id: String, text: FileText) {
        let works = self.works.values().filter_map(Remote::value);
        if works.flat_map(|work| &work.submission.files).any(|file| file.file_id == file_id) {
            self.texts.insert(file_id, text);
        }
    }

    /// A grade was heard of: the newest is kept.
    pub fn heard(&mut self, place: &Place, grade: &v1::Grade) {
        let known = self.grades.entry(place.clone()).or_default();
        if grade.revision >= known.revision {
            known.clone_from(grade);
        }
    }

    /// Grades of a list of submissions.
    pub fn heard_all(&mut self, hw: &Hw, rows: &[v1::SubmissionSummary]) {
        for row in rows {
            if let (Some(person), Some(grade)) = (&row.submitter, &row.grade) {
                self.heard(&Place { hw: hw.clone(), user: person.username.clone() }, grade);
            }
        }
    }

    /// The newest grade of a student.
    pub fn grade(&self, place: &Place) -> Option<&v1::Grade> {
        self.grades.get(place)
    }

    /// What is typed for a student.
    pub fn entry(&self, place: &Place) -> Option<&Entry> {
        self.entries.get(place)
    }

    /// The save of a student in this session.
    pub fn save(&self, place: &Place) -> Option<&Save> {
        self.saves.get(place)
    }

    /// The score as it is to be shown: typed, on its way, or the cluster's.
    pub fn score(&self, place: &Place) -> String {
        if let Some(score) = self.entries.get(place).and_then(|entry| entry.score.clone()) {
            return score;
        }
        match (self.latest(place), self.grades.get(place)) {
            (Some(draft), _) => points(draft.score),
            (None, Some(grade)) => points(entered(grade)),
            (None, None) => String::new(),
        }
    }

    /// The feedback as it is to be shown.
    pub fn feedback(&self, place: &Place) -> String {
        if let Some(feedback) = self.entries.get(place).and_then(|entry| entry.feedback.clone()) {
            return feedback;
        }
        match (self.latest(place), self.grades.get(place)) {
            (Some(draft), _) => draft.feedback,
            (None, Some(grade)) => grade.feedback.clone(),
            (None, None) => String::new(),
        }
    }

    /// What is on its way, or waits behind it.
    fn latest(&self, place: &Place) -> Option<Draft> {
        let save = self.saves.get(place)?;
        match save.state {
            SaveState::Pending | SaveState::Waiting(_) => Some(save.next.clone().unwrap_or_else(|| save.draft())),
            SaveState::Saved | SaveState::Failed(_) => None,
        }
    }

    /// The score is typed.
    pub fn type_score(&mut self, place: &Place, score: String) {
        let attempt = self.attempt(place);
        let entry = self.entries.entry(place.clone()).or_insert_with(|| Entry { attempt, ..Entry::default() });
        entry.score = Some(score);
    }

    /// The feedback is typed.
    pub fn type_feedback(&mut self, place: &Place, feedback: String) {
        if feedback == self.feedback(place) {
            return;
        }
        let attempt = self.attempt(place);
        let entry = self.entries.entry(place.clone()).or_insert_with(|| Entry { attempt, ..Entry::default() });
        entry.feedback = Some(feedback);
    }

    /// What is typed is dropped: the person wants the cluster's again.
    pub fn discard(&mut self, place: &Place) {
        self.entries.remove(place);
    }

    /// The attempt on the screen.
    fn attempt(&self, place: &Place) -> Option<u32> {
        self.works.get(place).and_then(Remote::value).map(|work| work.submission.attempt)
    }

    /// Saves of an assignment that are under way.
    pub fn under_way(&self, hw: &Hw) -> usize {
        self.saves.iter().filter(|(place, save)| place.hw == *hw && save.is_on_its_way()).count()
    }

    /// How a student's grade stands.
    pub fn standing(&self, place: &Place) -> Standing {
        let save = self.saves.get(place).map(|save| &save.state);
        match (save, self.entries.contains_key(place)) {
            (Some(SaveState::Failed(_)), true) => Standing::Failed,
            (_, true) => Standing::Typed,
            (Some(SaveState::Pending), _) => Standing::Pending,
            (Some(SaveState::Waiting(_)), _) => Standing::Waiting,
            (Some(SaveState::Saved), _) => Standing::Saved,
            _ if self.grades.contains_key(place) => Standing::Graded,
            _ => Standing::Blank,
        }
    }

    /// Hands what is typed for a student to the cluster: the effect that does it. None when nothing is typed, when it is
    /// what the cluster has, or when a save is under way, behind which it waits now. Otherwise says what is wrong with it; then it stays typed.
    pub fn hand_over(&mut self, place: &Place) -> Result<Option<Effect>, String> {
        let Some(entry) = self.entries.get(place) else { return Ok(None) };
        let typed = self.score(place);
        if typed.trim().is_empty() {
            if entry.feedback.as_ref().is_none_or(|feedback| feedback.trim().is_empty())
                && !self.grades.contains_key(place)
            {
                self.entries.remove(place);
                return Ok(None);
            }
            return Err("A score is missing; what is typed is kept, and not saved yet.".into());
        }
        let score = parse_points(typed.trim())
            .map_err(|_| format!("`{typed}` is no number of points such as 7 or 7.5; it is kept, and not saved."))?;
        let Some(attempt) = entry.attempt.or_else(|| self.attempt(place)) else {
            return Err(
                "The work is not here yet; what is typed is kept, and not saved before somebody could see it.".into()
            );
        };
        let draft = Draft { score, feedback: self.feedback(place), attempt };
        self.entries.remove(place);
        if let Some(save) = self.saves.get_mut(place).filter(|save| save.is_on_its_way()) {
            save.next = (save.draft() != draft).then_some(draft);
            return Ok(None);
        }
        if self.grades.get(place).is_some_and(|grade| says_the_same(grade, &draft)) {
            return Ok(None);
        }
        Ok(Some(self.begin(place, draft)))
    }

    fn begin(&mut self, place: &Place, draft: Draft) -> Effect {
        let known = self.grades.get(place);
        let request = v1::SetGradeRequest {
            course: place.hw.course.clone(),
            assignment: place.hw.assignment.clone(),
            user: place.user.clone(),
            score: draft.score,
            feedback: draft.feedback,
            attempt: draft.attempt,
            base_revision: known.map_or(0, |grade| grade.revision),
            reason: String::new(),
            waive_late: known.is_some_and(|grade| grade.late_waived && grade.attempt == draft.attempt),
        };
        let key = lectern_client::new_key();
        let save = Save { key: key.clone(), request: request.clone(), state: SaveState::Pending, next: None };
        self.saves.insert(place.clone(), save);
        Effect::Grade { key, place: place.clone(), request }
    }

    /// A save could not be made yet.
    pub fn waits(&mut self, place: &Place, key: &str, failure: Failure) {
        if let Some(save) = self.saves.get_mut(place).filter(|save| save.key == key) {
            save.state = SaveState::Waiting(failure);
        }
    }

    /// The cluster has decided. Gives the effect for what was typed meanwhile.
    pub fn decided(&mut self, place: &Place, key: &str, result: Result<v1::Grade, Failure>) -> Option<Effect> {
        if let Ok(grade) = &result {
            self.heard(place, grade);
        }
        let save = self.saves.get_mut(place).filter(|save| save.key == key)?;
        match result {
            Ok(_) => {
                save.state = SaveState::Saved;
                let next = save.next.take()?;
                Some(self.begin(place, next))
            }
            Err(failure) => {
                let refused = save.next.take().unwrap_or_else(|| save.draft());
                let unseen = failure.is_for("ATTEMPT_REQUIRED");
                save.state = SaveState::Failed(failure);
                // What was typed since then is newer; what was not touched since then is the refused one's.
                let entry = self.entries.entry(place.clone()).or_default();
                entry.score.get_or_insert_with(|| points(refused.score));
                entry.feedback.get_or_insert(refused.feedback);
                // Work came in that nobody has looked at yet: the next save is for what is on the screen then.
                entry.attempt = if unseen { None } else { Some(refused.attempt) };
                None
            }
        }
    }
}

impl Save {
    fn is_on_its_way(&self) -> bool {
        matches!(self.state, SaveState::Pending | SaveState::Waiting(_))
    }

    fn draft(&self) -> Draft {
        Draft { score: self.request.score, feedback: self.request.feedback.clone(), attempt: self.request.attempt }
    }
}

/// Whether saving the draft would change nothing.
fn says_the_same(grade: &v1::Grade, draft: &Draft) -> bool {
    entered(grade) == draft.score && grade.feedback == draft.feedback && grade.attempt == draft.attempt
}

/// The score as the grader gave it, before points were deducted.
fn entered(grade: &v1::Grade) -> i64 {
    grade.score + grade.points_deducted
}
