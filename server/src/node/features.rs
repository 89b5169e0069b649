//! Feature levels: what a release can apply.
//!
//! Nodes of two releases must apply a command alike, so what a release does differently begins at one entry for all: the one
//! that raises the feature level. A leader proposes it once every member says that it understands the new level. From then on
//! an older release must not run: it would apply what it does not understand, or stop at it.

use lectern_lms::levels;

use crate::faults;

/// The newest feature level this release can apply. From 2 on, all nodes understand entries about the cluster itself;
/// the levels of the domain are [`lectern_lms::levels`].
const NEWEST: u32 = levels::NEWEST;

/// The newest feature level this process can apply.
pub fn newest() -> u32 {
    faults::MAX_FEATURE_LEVEL.number().unwrap_or(NEWEST)
}

/// Refuses a state that is beyond this release, with what to do.
pub(crate) fn require_understood(level: u32) -> Result<(), String> {
    let newest = newest();
    if level <= newest {
        return Ok(());
    }
    Err(format!(
        "the cluster is at feature level {level}, and this release ({}) applies up to {newest}: run the release that the other nodes \
         run, on this same data directory; nothing was changed here",
        env!("CARGO_PKG_VERSION")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_state_is_refused_with_what_to_do() {
        assert_eq!(require_understood(NEWEST), Ok(()));
        let refused = require_understood(NEWEST + 1).unwrap_err();
        let named = format!("feature level {}", NEWEST + 1);
        assert!(refused.contains(&named) && refused.contains("run the release"), "{refused}");
    }
}
