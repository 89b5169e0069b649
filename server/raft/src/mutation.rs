//! Mistakes that this crate is built to avoid, made on purpose: with the feature `mutations`, one at a time, chosen at run
//! time. The tests must catch each. Without the feature nothing of this is compiled in.

macro_rules! mutations {
    ($($name:ident = $code:literal $what:literal,)*) => {
        /// A mistake, named after the trap that it falls into.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $(#[doc = $what] $name,)*
        }

        #[cfg(feature = "mutations")]
        impl Mutation {
            /// Every mistake there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The trap's number, and what tells two mistakes at one trap apart.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What is done wrong.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }
        }
    };
}

mutations! {
    EmptyEntriesSkipped = "trap-01" "entries without data are skipped before their type is looked at",
    FoundedAtZero = "trap-02" "the founding configuration stands at index 0",
    RemovedLeaderStays = "trap-03" "a leader that was removed does not step down",
    PendingChangeIgnored = "trap-04" "a membership change is proposed although another is pending",
    CommitNotRecovered = "trap-05" "the commit index is not lifted to what was applied",
    WipedNodeReturns = "trap-06" "a node that lost its disk is accepted under its old number",
    BelievedForEver = "trap-06-early" "a wiped node that a newcomer has believed is believed when the newcomer knows better",
    UnmetAcknowledges = "trap-06-unmet" "a founding node that not all others have met acknowledges entries",
    SaidBeforeDurable = "trap-07" "votes and acknowledgements leave before they are durable",
    FsyncErrorIgnored = "trap-07-fsync" "the shell goes on after an fsync error",
    TailLeftBehind = "trap-08" "a conflicting tail is overwritten, and what is left of it stays",
    TornBatch = "trap-08-torn" "the shell writes the parts of a batch one by one",
    ReadsNotRepeated = "trap-11" "a read request that is lost is not made again",
    EqualReadContexts = "trap-12" "all read requests carry the same context",
    LeaseReads = "trap-13" "reads rely on the leader's lease",
    ReadsNotAwaited = "trap-14" "reads are answered before their index is applied",
    ReadsWaitForever = "trap-14-lost" "a read whose point is never applied is never answered",
    ProposedAnywhere = "trap-15" "proposals are made at followers, too",
    SnapshotsNotReported = "trap-16" "raft is not told how a snapshot ended",
    NotesDuringSwitch = "trap-17" "the log is written to while it is switched to a snapshot",
    ConfigurationApart = "trap-18" "the shell stores what is applied, and not the configuration that came with it",
    JointNotLeft = "trap-19" "a joint configuration that nobody left is not left by the leader",
    RemovedNotTold = "trap-20" "a removed node is turned away, and not told why",
    CompactionAhead = "trap-24" "the shell compacts the log before the state is synced",
    LostTailAccepted = "trap-27" "a log that lost committed entries is opened",
    ChangesTwice = "members-busy" "a change of the membership is proposed while another is in flight",
    ChangesUnsettled = "members-settled" "a leader changes the membership before it has settled",
    ChangesUnsafely = "members-safe" "a change is proposed that the healthy voters could not finish",
    LeaderDismissed = "members-leader" "a leader gives up its own vote instead of handing over first",
    NumberReused = "members-number" "the number of a removed node is given out again",
}

#[cfg(feature = "mutations")]
mod chosen {
    use std::{cell::Cell, sync::OnceLock};

    use super::Mutation;

    thread_local! {
        static HERE: Cell<Option<Mutation>> = const { Cell::new(None) };
    }
    static EVERYWHERE: OnceLock<Mutation> = OnceLock::new();

    /// From here on this thread makes this mistake, or none.
    pub fn choose(mutation: Option<Mutation>) {
        HERE.set(mutation);
    }

    /// From here on every thread makes this mistake; chosen once in a process.
    pub fn choose_for_all(mutation: Mutation) {
        EVERYWHERE.get_or_init(|| mutation);
    }

    /// Whether this mistake is to be made.
    pub(crate) fn mutated(mutation: Mutation) -> bool {
        HERE.get().as_ref().or(EVERYWHERE.get()) == Some(&mutation)
    }
}

#[cfg(feature = "mutations")]
pub(crate) use chosen::mutated;
#[cfg(feature = "mutations")]
pub use chosen::{choose, choose_for_all};

/// No mistake is made.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn mutated(_: Mutation) -> bool {
    false
}
