//! One node: everything it says of itself, how the others see it, what happened to it.

use crossterm::event::MouseEvent;
use lectern_proto::v1::NodeStatus;
use lectern_tui_kit::action::{Action, CLUSTER, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::scroll::Scroll;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::orders::{self, MEMBERSHIP, Orders};
use super::words;
use crate::actions::{HOLD, NEXT_NODE, ONE_NODE, PREVIOUS_NODE, SCROLL};
use crate::effects::{Heard, Monitor};
use crate::members::standing;
use crate::model::{Live, Model, Row};

/// What it can do.
pub const SCOPE: Scope = Scope { name: "node", title: "One node", groups: &[&ONE_NODE, &MEMBERSHIP, &SCROLL] };

/// Columns of a fact's name, and from which width on facts stand in two columns.
const NAME: usize = 13;
const TWO_COLUMNS: u16 = 72;
/// Events of one node that are shown, and changes of the leadership it remembers.
const EVENTS: usize = 50;
const REMEMBERED: usize = 20;
/// Lines of the chart, and from which height on it is shown.
const CHART: u16 = 3;
const TALL_ENOUGH: u16 = 18;

/// The screen.
pub struct NodeScreen {
    /// As [`Row::key`] names it.
    key: String,
    scroll: Scroll,
    orders: Orders,
}

impl NodeScreen {
    /// Of the node with this key.
    pub fn new(key: String) -> Self {
        Self { key, scroll: Scroll::default(), orders: Orders::default() }
    }

    /// Its number; none for an address that never said whose it is.
    fn number(&self, model: &Model) -> Option<u64> {
        model.shown().row(&self.key)?.number
    }

    fn go(&mut self, step: isize, model: &Model) {
        let rows = model.shown().rows();
        let at = rows.iter().position(|row| row.key() == self.key).unwrap_or(0);
        let count = isize::try_from(rows.len()).unwrap_or(isize::MAX);
        if count > 0 {
            let next = (isize::try_from(at).unwrap_or(0) + step).rem_euclid(count);
            self.key = rows[usize::try_from(next).unwrap_or(0)].key();
            self.scroll.to_start();
        }
    }
}

impl Screen<Monitor> for NodeScreen {
    fn scope(&self) -> &'static Scope {
        &SCOPE
    }

    fn title(&self, model: &Model) -> String {
        model.shown().row(&self.key).map_or_else(|| self.key.clone(), |row| row.name())
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        match *action {
            CLUSTER => Some("The screen before this one shows the cluster.".into()),
            NEXT_NODE | PREVIOUS_NODE if model.shown().rows().len() < 2 => Some("There is no other node.".into()),
            _ => orders::disabled(action, self.number(model), model),
        }
    }

    fn opened(&mut self, _cx: &mut Cx<'_, Monitor>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Monitor>) -> bool {
        match *action {
            HOLD => cx.model.hold(cx.now_ms),
            NEXT_NODE => self.go(1, cx.model),
            PREVIOUS_NODE => self.go(-1, cx.model),
            _ => match (orders::deed_of(action), self.number(cx.model)) {
                (Some(deed), Some(node)) => self.orders.begin(deed, node, cx),
                _ => return self.scroll.act(action),
            },
        }
        true
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, Monitor>) {
        self.scroll.mouse(event);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Monitor>) {
        self.orders.confirmed(request, cx);
    }

    fn received(&mut self, request: RequestId, heard: Heard, cx: &mut Cx<'_, Monitor>) {
        self.orders.heard(request, heard, cx);
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let look = Look { now_ms: model.shown_at(canvas.look.now_ms), ..canvas.look.clone() };
        let live = model.shown();
        let trips = live.row(&self.key).and_then(|row| live.round_trips.get(&row.number?));
        let chart = if trips.is_some() && area.height >= TALL_ENOUGH { CHART } else { 0 };
        let text = Rect { height: area.height - chart, ..area };
        let lines = lines(live, &self.key, area.width, &look);
        self.scroll.view(lines.len(), |at| lines[at].clone(), text, canvas);
        if let Some(trips) = trips.filter(|_| chart > 0) {
            let name = format!("round trip, {}", words::reach(area.width.into()));
            trips.view(&name, words::latency, Rect { y: text.bottom(), height: chart, ..area }, canvas);
        }
    }
}

/// Everything there is to say, as lines of `width` columns.
fn lines(live: &Live, key: &str, width: u16, look: &Look) -> Vec<Line<'static>> {
    let Some(row) = live.row(key) else {
        return vec![Line::styled("This node is no member any more.", look.theme.warn)];
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    let (sentence, style) = headline(&row, look);
    lines.extend(text::wrap(&sentence, width.into()).into_iter().map(|line| Line::styled(line, style)));
    if let Some(notice) = row.status.as_ref().map(|status| text::clean(&status.notice)).filter(|_| row.answers)
        && !notice.is_empty()
    {
        let words = text::wrap(&format!("It says: {notice}"), width.into());
        lines.extend(words.into_iter().map(|line| Line::styled(line, look.theme.warn)));
    }
    if let Some(member) = row.member.as_ref().filter(|member| !member.next.is_empty()) {
        let style = if member.degraded { look.theme.bad } else { look.theme.info };
        let next = text::wrap(&format!("Next: it {}", text::clean(&member.next)), width.into());
        lines.extend(next.into_iter().map(|line| Line::styled(line, style)));
    }
    lines.extend(transfers(&row, look));
    lines.push(Line::default());
    lines.extend(in_columns(facts(&row, look), width, look));
    lines.extend(as_seen(live, &row, look));
    lines.push(Line::default());
    lines.push(Line::styled("What happened to it", look.theme.title));
    let events = live.log.newest_first().filter(|event| event.node.is_some() && event.node == row.number).take(EVENTS);
    let before = lines.len();
    lines.extend(events.map(|event| words::event(event, look)));
    if lines.len() == before {
        lines.push(Line::styled("Nothing since the monitor was started.", look.theme.dim));
    }
    lines.extend(remembered(live, &row, look));
    lines
}

fn headline(row: &Row, look: &Look) -> (String, ratatui::style::Style) {
    let name = text::clean(&row.name());
    let theme = look.theme;
    match (&row.problem, row.term) {
        (Some(problem), _) => {
            let seen = words::answered(row, look.now_ms);
            (format!("{name} does not answer: {}. Its last answer: {seen}.", text::clean(problem)), theme.bad)
        }
        (None, Some(term)) if row.leads => (format!("{name} leads in term {term}."), theme.accent),
        (None, Some(term)) => (format!("{name} is a {} in term {term}.", row.role), theme.text),
        (None, None) => (format!("{name} is being asked …"), theme.dim),
    }
}

type Fact = (&'static str, Line<'static>);

fn facts(row: &Row, look: &Look) -> Vec<Fact> {
    let mut facts: Vec<Fact> = vec![("address", Line::raw(text::clean(&row.address)))];
    if let Some(member) = &row.member {
        facts.push(("belongs as", Line::raw(standing(member))));
    }
    let Some(status) = &row.status else { return facts };
    facts.push(("peers at", Line::raw(text::clean(&status.peer_address))));
    facts.push(("version", Line::raw(text::clean(&status.version))));
    facts.push(("up for", Line::raw(text::span(status.uptime_seconds))));
    facts.push(("committed", Line::raw(status.commit_index.to_string())));
    facts.push(("applied", Line::raw(status.applied_index.to_string())));
    facts.push(("behind", words::lag(row.behind.unwrap_or(0), look)));
    facts.push(("log", Line::raw(format!("entries {} to {}", status.first_index, status.last_index))));
    facts.push(("memory", Line::raw(text::size(status.resident_bytes))));
    facts.push(("disk", disk(status, look)));
    if status.log_bytes + status.state_bytes > 0 {
        let words = format!("log {}, state {}", text::size(status.log_bytes), text::size(status.state_bytes));
        facts.push(("on disk", Line::raw(words)));
    }
    if let Some(scrub) = &status.scrub {
        facts.push(("disk read", Line::raw(words::scrub(scrub, look.now_ms))));
    }
    let measures = [
        ("commit", status.commit_latency_p50_us, status.commit_latency_p99_us),
        ("log sync", status.log_sync_p50_us, status.log_sync_p99_us),
    ];
    for (name, p50, p99) in measures {
        let words = words::percentiles(p50, p99);
        facts.push((name, words.map_or_else(|| Line::styled(look.glyphs.dash, look.theme.dim), Line::raw)));
    }
    facts.push(("elections", Line::raw(format!("{} begun by it", status.elections_total))));
    let clock = status.clock_offset_seconds.map_or_else(
        || Line::styled("not known", look.theme.dim),
        |seconds| {
            let style = if words::clock_is_off(seconds) { look.theme.bad } else { look.theme.text };
            Line::styled(format!("{} from the median", words::clock(seconds)), style)
        },
    );
    facts.push(("clock", clock));
    facts.push(("answered", Line::raw(words::answered(row, look.now_ms))));
    facts
}

/// Free and total, in a colour where it runs out.
fn disk(status: &NodeStatus, look: &Look) -> Line<'static> {
    let (free, total) = (status.disk_free_bytes, status.disk_total_bytes);
    let style = match total {
        0 => look.theme.text,
        total if free < total / 20 => look.theme.bad,
        total if free < total / 10 => look.theme.warn,
        _ => look.theme.text,
    };
    Line::styled(format!("{} of {} free", text::size(free), text::size(total)), style)
}

/// Facts below each other, in two columns where there is room.
fn in_columns(facts: Vec<Fact>, width: u16, look: &Look) -> Vec<Line<'static>> {
    let named = |(name, value): Fact, room: usize| {
        let mut spans = vec![Span::styled(text::pad(name, NAME, ""), look.theme.dim)];
        let value = text::fit_line(value, room.saturating_sub(NAME), look.glyphs.ellipsis);
        let style = value.style;
        spans.extend(value.spans.into_iter().map(|span| Span::styled(span.content, style.patch(span.style))));
        Line::from(spans)
    };
    if width < TWO_COLUMNS || look.plain {
        return facts.into_iter().map(|fact| named(fact, width.into())).collect();
    }
    let half = usize::from(width) / 2;
    let rows = facts.len().div_ceil(2);
    let mut left: Vec<Line<'static>> = Vec::new();
    let mut right: Vec<Line<'static>> = Vec::new();
    for (at, fact) in facts.into_iter().enumerate() {
        if at < rows { left.push(named(fact, half - 2)) } else { right.push(named(fact, half)) }
    }
    let mut right = right.into_iter();
    left.into_iter()
        .map(|mut line| {
            if let Some(other) = right.next() {
                line.spans.push(Span::raw(" ".repeat(half.saturating_sub(line.width()))));
                line.spans.extend(other.spans);
            }
            line
        })
        .collect()
}

/// Snapshots it sends or receives.
fn transfers(row: &Row, look: &Look) -> Vec<Line<'static>> {
    let snapshots = row.status.iter().filter(|_| row.answers).flat_map(|status| &status.snapshots);
    let lines = snapshots.flat_map(|transfer| {
        let saved = words::snapshot_saved(transfer).map(|saved| format!("   {saved}"));
        [format!("It {}", words::snapshot(transfer))].into_iter().chain(saved)
    });
    lines.map(|line| Line::styled(line, look.theme.info)).collect()
}

/// What it remembers of the leadership: it was there when the monitor was not.
fn remembered(live: &Live, row: &Row, look: &Look) -> Vec<Line<'static>> {
    let Some(number) = row.number else { return Vec::new() };
    let mut lines: Vec<Line<'static>> = live
        .remembered(number)
        .take(REMEMBERED)
        .map(|change| {
            let led =
                if change.leader_id == 0 { "no leader".to_owned() } else { format!("node {} leads", change.leader_id) };
            let time = Span::styled(words::time_of_day(change.at_ms, look), look.theme.dim);
            Line::from(vec![time, Span::raw(format!("  {led} in term {}", change.term))])
        })
        .collect();
    if !lines.is_empty() {
        lines.splice(0..0, [Line::default(), Line::styled("What it remembers of the leadership", look.theme.title)]);
    }
    lines
}

/// What the other nodes say of it.
fn as_seen(live: &Live, row: &Row, look: &Look) -> Vec<Line<'static>> {
    let seen = row.number.map(|number| live.seen_by(number)).unwrap_or_default();
    if seen.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::default(), Line::styled("As the others see it", look.theme.title)];
    for (other, status) in seen {
        let heard = match status.last_contact_ms {
            Some(0..2_000) => "hears it".to_owned(),
            Some(ms) => format!("heard it {} ago", text::span(ms / 1000)),
            None => "has not heard it".to_owned(),
        };
        let has = if live.cluster.leader == Some(other) && status.match_index > 0 {
            format!(", knows it to have entry {}", status.match_index)
        } else {
            String::new()
        };
        let style = if status.reachable { look.theme.text } else { look.theme.warn };
        lines.push(Line::styled(format!("node {other} {heard}{has}"), style));
    }
    lines
}
