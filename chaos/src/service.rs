//! What the clients of a run ask for, and of whom: a real cluster, or in tests a store that is broken on purpose.
//!
//! Four kinds of things are changed, each with a contract that can be checked:
//!
//! | thing | change | contract |
//! |---|---|---|
//! | a person's name | blind write | a register |
//! | an assignment's title | write on a revision, refused where it is stale | a register with compare-and-set |
//! | a draft | numbered write, which names what came between | a counted register |
//! | attempts of a student | handing in a text, under an idempotency key | a list that only grows |

use std::fmt;

use crate::check::models::Version;

/// A change of one thing. Values are unique in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A person's name.
    Name {
        /// In which round they are used.
        round: u32,
        /// Which of its people.
        register: u32,
        /// The new name.
        value: u64,
    },
    /// The title of the round's assignment.
    Title {
        /// Which round.
        round: u32,
        /// The revision it was made on.
        expected: u64,
        /// The new title.
        value: u64,
    },
    /// A student's draft for the round's assignment.
    Draft {
        /// Which round.
        round: u32,
        /// Whose.
        student: u32,
        /// The revision it was made on.
        base: u64,
        /// The new text.
        value: u64,
    },
    /// A text handed in for the round's assignment.
    Submit {
        /// Which round.
        round: u32,
        /// By whom.
        student: u32,
        /// The text.
        value: u64,
    },
}

/// What a change was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The name it is now.
    Name(u64),
    /// The title it is now.
    Title(Version),
    /// The draft's revision, and the latest one before it where that was not its base.
    Draft {
        /// Counted from 1.
        revision: u64,
        /// What came between.
        conflict: Option<u64>,
    },
    /// The attempt.
    Submit {
        /// Its text.
        value: u64,
        /// Counted from 1.
        place: u64,
        /// The answer as a whole.
        answer: Vec<u8>,
    },
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// A person's name.
    Name {
        /// In which round they are used.
        round: u32,
        /// Which of its people.
        register: u32,
    },
    /// The title of the round's assignment.
    Title {
        /// Which round.
        round: u32,
    },
    /// A student's latest draft.
    Draft {
        /// Which round.
        round: u32,
        /// Whose.
        student: u32,
    },
    /// All attempts of a student.
    Attempts {
        /// Which round.
        round: u32,
        /// Whose.
        student: u32,
    },
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The name.
    Name(u64),
    /// The title.
    Title(Version),
    /// The draft, if there is one.
    Draft(Option<Version>),
    /// The texts, in order.
    Attempts(Vec<u64>),
}

/// What one attempt at one node came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It was done.
    Done(T),
    /// It was refused by the log, and that is final.
    Refused(Refusal),
    /// It was certainly not done: the node was not reached, or said so.
    NotDone(String),
    /// It may have been done, or may be done later.
    Unknown(String),
}

/// Why the domain said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub reason: String,
    /// For people.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

/// Somebody who does it.
pub trait Service: Send + Sync + 'static {
    /// Nodes are 1 to this.
    fn nodes(&self) -> u32;

    /// Students are 0 up to this.
    fn students(&self) -> u32;

    /// Makes the things of a round: people whose names are `0`, an assignment whose title is `0`. Returns the
    /// assignment's revision.
    fn open_round(&self, round: u32, registers: u32) -> impl Future<Output = Result<u64, String>> + Send;

    /// Tries a change at one node, once.
    fn change(&self, node: u32, key: &str, change: Change) -> impl Future<Output = Answer<Changed>> + Send;

    /// Writes something large that belongs to no history, through one node, once.
    fn ballast(&self, node: u32) -> impl Future<Output = ()> + Send;

    /// Looks through one node, once.
    fn look(&self, node: u32, question: Question) -> impl Future<Output = Answer<Seen>> + Send;
}
