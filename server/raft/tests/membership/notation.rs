//! A cluster in one line: `v1* v2 v3:off300 l4:new e5`.
//!
//! `v` a voter, `l` a learner, `e` enrolled; `*` leads. `off300`: silent for 300 s; `behind`: answers and is behind; `new`:
//! healthy for 5 s; `drained`, `leave`: what is wanted of it. Who has nothing of this has been healthy for long.

use lectern_raft::membership::{Observations, Place, Seen, Settings, Wish};

/// The moment all lines speak of.
pub const NOW: u64 = 1_000_000_000;

/// Default settings: what the rules say in seconds is what they are.
pub fn settings() -> Settings {
    Settings::default()
}

/// What the line says.
pub fn seen(line: &str) -> Observations {
    let mut seen =
        Observations { leader: 0, ready: true, joint: false, busy: false, contact_since: Some(0), nodes: [].into() };
    for word in line.split_whitespace() {
        let mut parts = word.split(':');
        let name = parts.next().unwrap();
        let node = name[1..].trim_end_matches('*').parse().unwrap();
        if name.ends_with('*') {
            seen.leader = node;
        }
        let place = match &name[..1] {
            "v" => Place::Voter,
            "l" => Place::Learner,
            "e" => Place::Enrolled,
            other => panic!("no place {other}"),
        };
        let mut one = Seen { place, wish: Wish::Stay, silent_since: None, healthy_since: Some(0), matched: 100 };
        for part in parts {
            match part {
                "drained" => one.wish = Wish::Drained,
                "leave" => one.wish = Wish::Leave,
                "behind" => one.healthy_since = None,
                "new" => one.healthy_since = Some(NOW - 5_000),
                off => {
                    let seconds: u64 = off.strip_prefix("off").unwrap().parse().unwrap();
                    (one.silent_since, one.healthy_since) = (Some(NOW - seconds * 1_000), None);
                }
            }
        }
        seen.nodes.insert(node, one);
    }
    assert!(seen.nodes.contains_key(&seen.leader), "{line}: somebody leads");
    seen
}
