//! Where a node can die: between any two things that its shell does.

macro_rules! points {
    ($($point:ident = $name:literal,)*) => {
        /// A place in the shell's work after which a node may die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Point {
            $(#[doc = $name] $point,)*
        }

        impl Point {
            /// Every place there is.
            pub(crate) const ALL: &[Self] = &[$(Self::$point),*];

            /// The place in words.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    Stepped = "after a step, before its first effect",
    Sent = "after a message was sent",
    PersistWritten = "after a write, before its sync",
    PersistSynced = "after a sync, before it is told",
    BeforeApply = "before entries are applied",
    StateWritten = "after entries are applied, before it is told",
    EntriesRead = "after entries were read for a follower",
    SnapshotMade = "after a snapshot was made",
    SnapshotLeft = "after a snapshot was sent",
    SnapshotStaged = "after a snapshot was staged",
    InstallDrained = "before the switch to a snapshot",
    SwitchWritten = "after the switch was written, before its sync",
    Switched = "after the switch to a snapshot, before it is told",
    SnapshotDiscarded = "after a snapshot was discarded",
    StateSynced = "after the state was synced for a compaction",
    CompactWritten = "after a compaction was written",
    Welcomed = "after a handshake was judged",
    Replied = "after a client was answered",
    RoleTold = "after a change of role was told",
    ClockMoved = "after its clock was moved",
}

/// The names of all failpoints: over a suite, nodes must have died at each.
#[must_use]
pub fn failpoints() -> Vec<&'static str> {
    Point::ALL.iter().map(|point| point.name()).collect()
}
