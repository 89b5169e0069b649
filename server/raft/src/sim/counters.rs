//! What runs went through, counted, so that a suite that met no trouble is seen.

use std::collections::BTreeMap;

macro_rules! counters {
    ($($field:ident = $name:literal,)*) => {
        /// One number for each kind of thing that can happen in a run.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $(#[doc = concat!("How many ", $name, ".")] pub $field: u64,)*
            /// How often a node died at each failpoint.
            pub deaths: BTreeMap<&'static str, u64>,
            /// How many commands of each kind took effect, on the node that applied them first.
            pub commands: BTreeMap<&'static str, u64>,
        }

        impl Counters {
            /// Adds another run's counters to these.
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
                for (sums, others) in [(&mut self.deaths, &other.deaths), (&mut self.commands, &other.commands)] {
                    for (name, count) in others {
                        *sums.entry(name).or_default() += count;
                    }
                }
            }

            /// Every counter with its name.
            #[must_use]
            pub fn table(&self) -> Vec<(String, u64)> {
                let mut table = vec![$(($name.to_owned(), self.$field)),*];
                table.extend(self.deaths.iter().map(|(name, count)| (format!("deaths {name}"), *count)));
                table.extend(self.commands.iter().map(|(name, count)| (format!("commands: {name}"), *count)));
                table
            }
        }
    };
}

counters! {
    runs = "runs",
    runs_of_one = "runs of a single node",
    runs_of_two = "runs of two nodes",
    runs_of_three = "runs of three nodes",
    runs_of_five = "runs of five nodes",
    synchronous_nodes = "synchronous nodes",
    threaded_nodes = "threaded nodes",
    runs_with_churn = "runs whose members come and go",
    steps = "steps",
    faults = "faults",
    elections = "elections",
    pre_votes_refused = "pre-votes refused",
    votes_refused = "votes refused",
    left_out = "recoveries without one node",
    transfers = "transfers of leadership asked for",
    hand_overs = "hand-overs of leadership",
    crashes = "crashes",
    crashes_of_several = "crashes of several nodes at once",
    crashes_of_all = "crashes of all nodes at once",
    failpoints = "deaths at a failpoint",
    restarts = "restarts",
    writes_lost = "writes lost",
    stops = "stops with a sentence",
    starts_refused = "starts refused with a sentence",
    disks_lost = "disks lost",
    hellos_turned_away = "hellos turned away",
    wiped_turned_away = "refusals of wiped nodes",
    requests_granted = "requests of operators granted",
    requests_declined = "requests of operators declined",
    absences = "absences longer than a vote lasts",
    joins = "joins",
    promotions = "promotions",
    swaps = "swaps",
    pairs_promoted = "pairs promoted",
    pairs_dismissed = "pairs dismissed",
    joint_entered = "joint configurations entered",
    joint_left = "joint configurations left",
    returns = "returns of voters",
    removals = "removals",
    removals_told = "removed nodes that were told",
    disconnections = "removed nodes disconnected",
    recoveries = "lost majorities recovered",
    entries_lost = "entries lost with a majority",
    partitions = "partitions",
    one_way_partitions = "one-way partitions",
    connections_broken = "connections broken",
    storms = "changes of the weather",
    dropped = "messages dropped",
    duplicated = "messages duplicated",
    overtaken = "messages overtaken by a later connection's",
    pauses = "pauses",
    long_pauses = "long pauses",
    slow_disks = "slow disks",
    full_disks = "full disks",
    write_errors = "write errors",
    sync_errors = "fsync errors",
    read_errors = "read errors",
    rotten_records = "rotten records",
    clock_faults = "clock faults",
    clock_refusals = "proposals refused for a wrong clock",
    clocks_moved = "corrections of a clock",
    truncations = "replaced tails",
    compactions = "compactions",
    fetches = "fetches from disk",
    snapshots_made = "snapshots made",
    snapshots_failed = "snapshots that could not be made",
    snapshots_lost = "snapshots lost on the way",
    snapshots_discarded = "snapshots discarded",
    long_streams = "long streams",
    installs = "installs",
    proposals = "proposals",
    acknowledged = "acknowledged writes",
    refused = "proposals refused",
    busy = "proposals refused as busy",
    unknown = "unknown outcomes",
    retries_without_effect = "retries without effect",
    reads = "reads",
    reads_at_followers = "reads at followers",
    reads_refused = "reads refused",
    reads_across_leaders = "reads that outlived a leader",
    comparisons = "comparisons of hash chains",
}

impl Counters {
    /// Notes a death at a failpoint.
    pub(crate) fn died(&mut self, at: &'static str) {
        self.failpoints += 1;
        *self.deaths.entry(at).or_default() += 1;
    }

    /// The failpoints and counters that stayed at zero: `points` are all there are, `commands` all kinds of commands.
    #[must_use]
    pub fn missing(&self, points: &[&'static str], commands: &[&'static str]) -> Vec<String> {
        let zero = self.table().into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name);
        let points = points.iter().filter(|point| !self.deaths.contains_key(**point));
        let commands = commands.iter().filter(|kind| !self.commands.contains_key(**kind));
        zero.chain(points.map(|point| format!("deaths {point}")))
            .chain(commands.map(|kind| format!("commands: {kind}")))
            .collect()
    }
}
