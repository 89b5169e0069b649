//! How figures and events are worded and styled, on both screens.

use lectern_cli::cluster::Cluster;
use lectern_proto::v1::{MemberStanding, ScrubStatus, SnapshotTransfer};
use lectern_tui_kit::look::Look;
use lectern_tui_kit::text;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::events::{Event, Weight};
use crate::history::BUCKET_MS;
use crate::model::{Live, Row};

/// An answer that is this young is one of now.
const NOW_MS: i64 = 3_000;
/// A clock that differs by so much is worth a colour: dates are judged by it.
const CLOCK_SECONDS: f64 = 0.5;

/// The state of the cluster in a sentence.
pub fn headline(live: &Live, look: &Look) -> (String, Style) {
    let (cluster, theme) = (&live.cluster, look.theme);
    let (all, up) = (cluster.nodes.len(), cluster.reachable());
    if !live.heard() {
        return ("Asking the nodes …".into(), theme.dim);
    }
    if up == 0 {
        let why = live
            .first_problem()
            .map(|(address, problem)| format!("{}: {}", text::clean(address), text::clean(problem)));
        return (
            format!("No node answers ({}). All are asked again twice a second.", why.unwrap_or_default()),
            theme.bad,
        );
    }
    let ((voters, _), spare) = (cluster.votes(), cluster.spare());
    // Where everybody votes, nobody needs to know of votes.
    let noun = if voters == all { "nodes" } else { "voters" };
    match cluster.leader {
        None => (no_leader(cluster, noun), theme.bad),
        Some(leader) if up == all => {
            let may_fail =
                if all == 1 { "it is the only node".into() } else { format!("{spare} of {voters} {noun} may fail") };
            (format!("Node {leader} leads in term {}; all answer, and {may_fail}.", cluster.term), theme.good)
        }
        Some(leader) => {
            let may_fail = match (spare, noun) {
                (0, "voters") => "no further voter".into(),
                (0, _) => "no further one".into(),
                (spare, "voters") => format!("{spare} more of {voters} voters"),
                (spare, _) => format!("{spare} more"),
            };
            (
                format!(
                    "Node {leader} leads in term {}; {up} of {all} nodes answer, and {may_fail} may fail.",
                    cluster.term
                ),
                theme.warn,
            )
        }
    }
}

fn no_leader(cluster: &Cluster, noun: &str) -> String {
    let (all, up) = cluster.votes();
    let majority = all / 2 + 1;
    let what = if cluster.all_held_back() && up >= majority {
        "each of those that answer says why it does not lead".to_owned()
    } else if up >= majority {
        "an election is under way".to_owned()
    } else {
        format!("{majority} of {all} {noun} are needed, and only {up} {}", if up == 1 { "answers" } else { "answer" })
    };
    format!("No leader in term {}: {what}. Changes wait; nothing is lost.", cluster.term)
}

/// That a node was asked and answers, and belongs to the cluster no more.
pub fn outside(number: u64, address: &str) -> String {
    let address = text::clean(address);
    format!("Node {number} ({address}) answers and is no member: it was removed, or a recovery left it behind.")
}

/// That a change of the voters is half done.
pub const JOINT: &str = "  Two sets of voters count: a change of the membership is half done.";

/// What happens to a member next: `✗ node 3 offline 1:12; replaced at 5:00 if a spare is healthy`.
pub fn next(number: u64, degraded: bool, words: &str, look: &Look) -> Line<'static> {
    let (mark, style) = if degraded { (look.glyphs.failed, look.theme.bad) } else { (" ", look.theme.info) };
    Line::styled(format!("{mark} node {number} {}", text::clean(words)), style)
}

/// The role of a node, and how it belongs to the cluster where the role does not tell, in its style.
pub fn role(row: &Row, look: &Look) -> Span<'static> {
    let theme = look.theme;
    let style = match row.role {
        "unreachable" => theme.bad,
        "candidate" => theme.warn,
        _ if row.leads => theme.accent,
        _ => theme.text,
    };
    Span::styled(role_words(row), style)
}

fn role_words(row: &Row) -> String {
    let Some(member) = &row.member else { return row.role.into() };
    let role = match (row.role, member.standing()) {
        (_, MemberStanding::Joining) => return "joining".into(),
        ("unreachable", MemberStanding::Learner) if !member.drained => return "learner, silent".into(),
        ("unreachable", MemberStanding::Learner) => "learner",
        (role, _) => role,
    };
    match member.standing() {
        MemberStanding::Leaving => format!("{role}, leaving"),
        _ if member.drained => format!("{role}, drained"),
        _ => role.into(),
    }
}

/// How long ago a node answered: `now`, `12 seconds ago`, `never`.
pub fn answered(row: &Row, now_ms: i64) -> String {
    match row.answered_at_ms {
        _ if row.answers => "now".into(),
        Some(at_ms) if now_ms - at_ms < NOW_MS => "a moment ago".into(),
        Some(at_ms) => format!("{} ago", text::span(u64::try_from((now_ms - at_ms) / 1000).unwrap_or(0))),
        None => "never".into(),
    }
}

/// Microseconds as a person reads them: `0.4 ms`, `12 ms`, `1.5 s`.
pub fn latency(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// Writes in a second, as a person reads them.
pub fn rate(per_second: u64) -> String {
    format!("{per_second}/s")
}

/// The median and the slowest of a hundred: `3.1 ms, the slowest of a hundred 8.0 ms`.
pub fn percentiles(p50_us: Option<u64>, p99_us: Option<u64>) -> Option<String> {
    let median = latency(p50_us?);
    Some(p99_us.map_or(median.clone(), |p99| format!("{median}, p99 {}", latency(p99))))
}

/// A snapshot that is sent or received: `sends node 3 a snapshot: 12.0 MiB of 40.0 MiB (30 %), 4 s left`.
pub fn snapshot(transfer: &SnapshotTransfer) -> String {
    let (done, total) = (transfer.bytes_done, transfer.bytes_total);
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    let other = transfer.node_id;
    let what = if transfer.sending {
        format!("sends node {other} a snapshot")
    } else {
        format!("receives a snapshot of node {other}")
    };
    let left = match transfer.bytes_per_second {
        0 => String::new(),
        rate => format!(", {} s left", total.saturating_sub(done).div_ceil(rate)),
    };
    format!("{what}: {} of {} ({percent} %){left}", text::size(done), text::size(total))
}

/// What of a snapshot need not move, and how often it broke: `1.2 GiB were there already; it broke and went on 2 times`.
pub fn snapshot_saved(transfer: &SnapshotTransfer) -> Option<String> {
    let saved = (transfer.bytes_saved > 0).then(|| format!("{} were there already", text::size(transfer.bytes_saved)));
    let resumed =
        (transfer.resumed > 0).then(|| format!("it broke and went on {}", text::count(transfer.resumed, "time")));
    let said: Vec<String> = saved.into_iter().chain(resumed).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// How far the reading of a disk for damage is: `all good 3 hours ago`, `42 %; all good 8 days ago`.
pub fn scrub(scrub: &ScrubStatus, now_ms: i64) -> String {
    let done = u128::from(scrub.bytes_done) * 100 / u128::from(scrub.bytes_total.max(1));
    let running = scrub.running.then(|| format!("{done} %"));
    let finished = scrub.finished_at_ms.map(|at_ms| {
        let seconds = u64::try_from(now_ms.saturating_sub(at_ms) / 1_000).unwrap_or_default();
        format!("all good {} ago", text::span(seconds))
    });
    let said: Vec<String> = running.into_iter().chain(finished).collect();
    if said.is_empty() { "not yet".into() } else { said.join("; ") }
}

/// The offset of a clock from the cluster's median: `+3 ms`, `-1.25 s`.
pub fn clock(seconds: f64) -> String {
    if seconds.abs() < 1.0 { format!("{:+.0} ms", seconds * 1000.0) } else { format!("{seconds:+.2} s") }
}

/// Whether a clock is wrong enough to be shown as such.
pub fn clock_is_off(seconds: f64) -> bool {
    seconds.abs() >= CLOCK_SECONDS
}

/// How far a node is behind: a bar for people, and the number.
pub fn lag(behind: u64, look: &Look) -> Line<'static> {
    /// One cell of the bar for each of these.
    const STEPS: [u64; 5] = [1, 10, 100, 1_000, 10_000];
    let theme = look.theme;
    let style = match behind {
        0..100 => theme.text,
        100..1_000 => theme.warn,
        _ => theme.bad,
    };
    let filled = STEPS.iter().filter(|step| behind >= **step).count();
    let bar = format!("{}{}", look.glyphs.full.repeat(filled), look.glyphs.empty.repeat(STEPS.len() - filled));
    if look.plain {
        return Line::styled(behind.to_string(), style);
    }
    Line::from(vec![
        Span::styled(bar, if filled == 0 { theme.dim } else { style }),
        Span::styled(format!(" {behind}"), style),
    ])
}

/// How far back so many columns reach: `2 minutes`.
pub fn reach(columns: usize) -> String {
    let ms = i64::try_from(columns).unwrap_or(0).saturating_mul(BUCKET_MS);
    text::span(u64::try_from(ms / 1000).unwrap_or(0))
}

/// An event on a line: when, then what.
pub fn event(event: &Event, look: &Look) -> Line<'static> {
    let style = event_style(event, look);
    Line::from(vec![
        Span::styled(time_of_day(event.at_ms, look), look.theme.dim),
        Span::raw("  "),
        Span::styled(event.words(), style),
    ])
}

/// The style of an event's words.
pub fn event_style(event: &Event, look: &Look) -> Style {
    match event.weight() {
        Weight::Plain => look.theme.text,
        Weight::Good => look.theme.good,
        Weight::Bad => look.theme.bad,
    }
}

/// `23:59:07`; with the day where it is not today.
pub fn time_of_day(ms: i64, look: &Look) -> String {
    let at = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_zoned_datetime(look.zone.clone()));
    match (at(ms), at(look.now_ms)) {
        (Ok(time), Ok(now)) if time.date() == now.date() => time.strftime("%H:%M:%S").to_string(),
        (Ok(time), _) => time.strftime("%-d %b %H:%M").to_string(),
        (Err(_), _) => look.glyphs.dash.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshots_savings_and_a_scrubs_progress_are_told_in_words() {
        let transfer = SnapshotTransfer { bytes_done: 1 << 20, bytes_total: 5 << 20, ..SnapshotTransfer::default() };
        assert!(!snapshot(&transfer).contains("left"), "nothing is known of its rate");
        assert_eq!(snapshot_saved(&transfer), None);
        let transfer = SnapshotTransfer { bytes_per_second: 1 << 20, bytes_saved: 1 << 30, resumed: 1, ..transfer };
        assert!(snapshot(&transfer).ends_with("1.0 MiB of 5.0 MiB (20 %), 4 s left"), "{}", snapshot(&transfer));
        assert_eq!(snapshot_saved(&transfer).unwrap(), "1.0 GiB were there already; it broke and went on 1 time");

        let never = ScrubStatus::default();
        assert_eq!(scrub(&never, 0), "not yet");
        let running = ScrubStatus { running: true, bytes_done: 21, bytes_total: 50, ..never };
        assert_eq!(scrub(&running, 0), "42 %");
        let again = ScrubStatus { finished_at_ms: Some(5_000), ..running };
        assert_eq!(scrub(&again, 3_605_000), "42 %; all good 1 hour ago");
    }

    #[test]
    fn times_are_read_in_the_unit_that_fits() {
        assert_eq!(latency(40), "0.0 ms");
        assert_eq!(latency(470), "0.4 ms");
        assert_eq!(latency(12_900), "12 ms");
        assert_eq!(latency(1_540_000), "1.5 s");
        assert_eq!(clock(0.003), "+3 ms");
        assert_eq!(clock(-1.25), "-1.25 s");
        assert_eq!(reach(60), "2 minutes");
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        let mut look = Look::new(lectern_tui_kit::theme::ThemeName::Mono, false);
        look.now_ms = crate::testing::START_MS;
        assert_eq!(time_of_day(look.now_ms, &look), "23:59:00");
        assert_eq!(time_of_day(look.now_ms - 86_400_000, &look), "30 Nov 23:59");
    }
}
