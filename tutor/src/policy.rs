//! How far the tutor may go.

use serde::{Deserialize, Serialize};

/// How much is told, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Where to look.
    Hint,
    /// A question that leads on.
    GuidingQuestion,
    /// What the idea behind it is.
    Concept,
    /// The same on another example.
    AnalogousExample,
    /// Everything; for ungraded work, or after the deadline.
    FullExplanation,
}

impl Level {
    /// The next one up.
    fn next(self) -> Level {
        match self {
            Level::Hint => Level::GuidingQuestion,
            Level::GuidingQuestion => Level::Concept,
            Level::Concept => Level::AnalogousExample,
            Level::AnalogousExample | Level::FullExplanation => Level::FullExplanation,
        }
    }

    /// All of them, from least to most.
    pub const ALL: [Level; 5] =
        [Level::Hint, Level::GuidingQuestion, Level::Concept, Level::AnalogousExample, Level::FullExplanation];

    /// Its name in configuration and records.
    pub fn name(self) -> &'static str {
        match self {
            Level::Hint => "hint",
            Level::GuidingQuestion => "guiding_question",
            Level::Concept => "concept",
            Level::AnalogousExample => "analogous_example",
            Level::FullExplanation => "full_explanation",
        }
    }

    /// The level of that name.
    pub fn named(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    /// What the model is told.
    pub fn instruction(self) -> &'static str {
        match self {
            Level::Hint => "Give one hint: where in the material to look, or what to look at. Do not explain further.",
            Level::GuidingQuestion => "Ask one question that leads the student to the next step. Do not answer it.",
            Level::Concept => "Explain the concept behind the question. Do not apply it to the question.",
            Level::AnalogousExample => {
                "Work through a similar example with other numbers and names. Do not solve the student's own question."
            }
            Level::FullExplanation => "Explain fully, step by step.",
        }
    }
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The material: nothing is graded.
    Material,
    /// An assignment.
    Assignment {
        /// What the instructor allows at most before the deadline.
        ceiling: Level,
        /// When it is due for this student.
        due_ms: Option<i64>,
        /// Whether it counts.
        graded: bool,
        /// How many attempts of this student are recorded.
        attempts: u32,
    },
}

/// What the course says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether the course has the tutor at all.
    pub enabled: bool,
    /// Whether the student sits an exam at this moment.
    pub exam: bool,
}

/// Why there is no tutor now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Off {
    /// The course switched it off.
    #[error("this course does without the tutor; ask your instructor")]
    ForCourse,
    /// An exam is going on.
    #[error("the tutor is off while you sit an exam")]
    DuringExam,
}

/// The level of an answer: each recorded attempt allows one step more than the student was given, up to the ceiling. `given` is
/// the level of the last answer in this thread and the attempts that were recorded by then.
pub fn level(rules: Rules, subject: Subject, given: Option<(Level, u32)>, now_ms: i64) -> Result<Level, Off> {
    if !rules.enabled {
        return Err(Off::ForCourse);
    }
    if rules.exam {
        return Err(Off::DuringExam);
    }
    let Subject::Assignment { ceiling, due_ms, graded, attempts } = subject else {
        return Ok(Level::FullExplanation);
    };
    if !graded || due_ms.is_some_and(|due| due < now_ms) {
        return Ok(Level::FullExplanation);
    }
    // Graded work that is not over is never explained in full, whatever the ceiling says.
    let most = ceiling.min(Level::AnalogousExample);
    let level = match given {
        None => Level::Hint,
        Some((level, recorded)) if attempts > recorded => level.next(),
        Some((level, _)) => level,
    };
    Ok(level.min(most))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ON: Rules = Rules { enabled: true, exam: false };

    fn homework(ceiling: Level, attempts: u32) -> Subject {
        Subject::Assignment { ceiling, due_ms: Some(100), graded: true, attempts }
    }

    #[test]
    fn only_a_recorded_attempt_leads_further() {
        let ceiling = Level::Concept;
        assert_eq!(level(ON, homework(ceiling, 3), None, 0), Ok(Level::Hint));
        assert_eq!(level(ON, homework(ceiling, 3), Some((Level::Hint, 3)), 0), Ok(Level::Hint));
        assert_eq!(level(ON, homework(ceiling, 4), Some((Level::Hint, 3)), 0), Ok(Level::GuidingQuestion));
        assert_eq!(level(ON, homework(ceiling, 5), Some((Level::Concept, 4)), 0), Ok(Level::Concept));
    }

    #[test]
    fn after_the_deadline_and_outside_graded_work_everything_may_be_explained() {
        assert_eq!(level(ON, homework(Level::Hint, 0), None, 101), Ok(Level::FullExplanation));
        assert_eq!(level(ON, homework(Level::Hint, 0), None, 100), Ok(Level::Hint));
        assert_eq!(level(ON, Subject::Material, None, 0), Ok(Level::FullExplanation));
        let ungraded = Subject::Assignment { ceiling: Level::Hint, due_ms: None, graded: false, attempts: 0 };
        assert_eq!(level(ON, ungraded, None, 0), Ok(Level::FullExplanation));
    }

    #[test]
    fn it_is_off_during_exams_and_where_the_course_says_so() {
        assert_eq!(level(Rules { exam: true, ..ON }, Subject::Material, None, 0), Err(Off::DuringExam));
        assert_eq!(level(Rules { enabled: false, exam: true }, Subject::Material, None, 0), Err(Off::ForCourse));
    }

    proptest! {
        #[test]
        fn no_history_leads_above_the_ceiling_before_the_deadline(
            ceiling in 0usize..5, attempts in prop::collection::vec(0u32..5, 0..20),
        ) {
            let ceiling = Level::ALL[ceiling];
            let (mut given, mut recorded) = (None, 0);
            for more in attempts {
                recorded += more;
                let now = level(ON, homework(ceiling, recorded), given, 0).expect("it is on");
                prop_assert!(now <= ceiling && now < Level::FullExplanation);
                given = Some((now, recorded));
            }
        }
    }
}
