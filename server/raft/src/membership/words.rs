//! Nodes and times in sentences.

use crate::NodeId;

/// "a, b and c".
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// "node 1", "nodes 1, 2 and 3".
pub(super) fn nodes<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let numbers: Vec<String> = nodes.into_iter().map(ToString::to_string).collect();
    match numbers.len() {
        0 => "no node".to_owned(),
        1 => format!("node {}", numbers[0]),
        _ => format!("nodes {}", list(&numbers)),
    }
}

/// A span of time as on a stopwatch: "1:12", "23:10:00".
pub(super) fn stopwatch(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// When something happens: "now", "in 6 s", "in 1:12". Rounded up, so that it never says "in 0 s".
pub(super) fn moment(in_ms: u64) -> String {
    let seconds = in_ms.div_ceil(1_000);
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("in {seconds} s"),
        _ => format!("in {}", stopwatch(seconds * 1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_times_read_like_speech() {
        assert_eq!(nodes(&[]), "no node");
        assert_eq!(nodes(&[4]), "node 4");
        assert_eq!(nodes(&[1, 2, 3]), "nodes 1, 2 and 3");
        assert_eq!([0, 72_000, 83_400_000].map(stopwatch), ["0:00", "1:12", "23:10:00"]);
        assert_eq!([0, 1, 6_000, 59_001, 72_000].map(moment), ["now", "in 1 s", "in 6 s", "in 1:00", "in 1:12"]);
    }
}
