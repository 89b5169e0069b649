//! The first screen: all nodes, figures of the last minutes, what happened.

use crossterm::event::MouseEvent;
use lectern_tui_kit::action::{self, Action, LIST, OPEN, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::node::NodeScreen;
use super::orders::{self, MEMBERSHIP, Orders};
use super::words;
use crate::actions::{HOLD, NEXT_PANE, OVERVIEW};
use crate::effects::{Effect, Heard, Monitor};
use crate::events::Event;
use crate::history::Series;
use crate::model::{Live, Model, Row};

/// What it can do.
pub const SCOPE: Scope = Scope { name: "overview", title: "All nodes", groups: &[&OVERVIEW, &MEMBERSHIP, &LIST] };

/// The log is shown where it has at least so many lines, with its heading.
const LEAST_LOG: u16 = 3;
/// From this height on a chart is several lines high.
const TALL: u16 = 30;

/// Which pane has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pane {
    Nodes,
    Log,
}

/// The screen.
pub struct Overview {
    nodes: Table<Row>,
    log: Table<Event>,
    pane: Pane,
    orders: Orders,
    /// Where the log was drawn: a click in it brings the keyboard there.
    log_area: std::cell::Cell<Rect>,
}

impl Default for Overview {
    fn default() -> Self {
        Self {
            nodes: nodes_table(),
            log: log_table(),
            pane: Pane::Nodes,
            orders: Orders::default(),
            log_area: std::cell::Cell::default(),
        }
    }
}

/// A fact of a node's own word, or a dash.
fn fact(row: &Row, look: &Look, fact: impl Fn(&lectern_proto::v1::NodeStatus) -> String) -> Line<'static> {
    let words = row.status.as_ref().filter(|_| row.answers).map(fact);
    words.map_or_else(|| Line::styled(look.glyphs.dash, look.theme.dim), Line::raw)
}

fn nodes_table() -> Table<Row> {
    let number = |row: &Row, look: &Look| row.number.map_or(look.glyphs.dash.to_owned(), |number| number.to_string());
    let columns = vec![
        Column::new("node", Width::Fixed(4), move |row: &Row, look: &Look| Line::raw(number(row, look))).right(),
        Column::new("role", Width::Fill(1), |row: &Row, look: &Look| Line::from(words::role(row, look))).least(18),
        Column::new("address", Width::Fixed(18), |row: &Row, _| Line::raw(row.address.clone())).keep(2),
        Column::new("term", Width::Fixed(5), |row: &Row, look: &Look| {
            Line::raw(row.term.map_or(look.glyphs.dash.to_owned(), |term| term.to_string()))
        })
        .right()
        .keep(6),
        Column::new("commit", Width::Fixed(9), |row: &Row, look: &Look| {
            fact(row, look, |status| status.commit_index.to_string())
        })
        .right()
        .keep(5),
        Column::new("applied", Width::Fixed(9), |row: &Row, look: &Look| {
            fact(row, look, |status| status.applied_index.to_string())
        })
        .right()
        .keep(4),
        Column::new("behind", Width::Fixed(12), |row: &Row, look: &Look| match row.behind.filter(|_| row.answers) {
            Some(behind) => words::lag(behind, look),
            None => Line::styled(look.glyphs.dash, look.theme.dim),
        }),
        Column::new("memory", Width::Fixed(9), |row: &Row, look: &Look| {
            fact(row, look, |status| text::size(status.resident_bytes))
        })
        .right()
        .keep(7),
        Column::new("disk free", Width::Fixed(10), |row: &Row, look: &Look| {
            fact(row, look, |status| text::size(status.disk_free_bytes))
        })
        .right()
        .keep(8),
        Column::new("clock", Width::Fixed(8), clock_cell).right().keep(9),
        Column::new("trip", Width::Fixed(7), |row: &Row, look: &Look| match row.round_trip_us {
            Some(us) => Line::raw(words::latency(us)),
            None => Line::styled(look.glyphs.dash, look.theme.dim),
        })
        .right()
        .keep(3),
        Column::new("answered", Width::Fixed(14), |row: &Row, look: &Look| {
            let style = if row.answers { look.theme.good } else { look.theme.bad };
            Line::styled(words::answered(row, look.now_ms), style)
        })
        .keep(1),
    ];
    Table::new(columns, Row::key, "No node is known yet.")
}

fn clock_cell(row: &Row, look: &Look) -> Line<'static> {
    let offset = row.status.as_ref().filter(|_| row.answers).and_then(|status| status.clock_offset_seconds);
    match offset {
        Some(seconds) if words::clock_is_off(seconds) => Line::styled(words::clock(seconds), look.theme.bad),
        Some(seconds) => Line::raw(words::clock(seconds)),
        None => Line::styled(look.glyphs.dash, look.theme.dim),
    }
}

fn log_table() -> Table<Event> {
    let columns = vec![
        Column::new("time", Width::Fixed(12), |event: &Event, look: &Look| {
            Line::styled(words::time_of_day(event.at_ms, look), look.theme.dim)
        }),
        Column::new("what happened", Width::Fill(1), |event: &Event, look: &Look| {
            Line::styled(event.words(), words::event_style(event, look))
        }),
    ];
    let key = |event: &Event| format!("{} {}", event.at_ms, event.words());
    Table::new(columns, key, "Nothing has happened since the monitor was started.")
}

impl Overview {
    fn refresh(&mut self, live: &Live) {
        self.nodes.set_rows(live.rows());
        let at_top = self.log.position() == 0;
        self.log.set_rows(live.log.newest_first().cloned().collect());
        if at_top {
            // Whoever looks at the newest event goes on looking at the newest.
            self.log.act(&action::TOP);
        }
    }

    /// The node that an order would be about.
    fn selected(&self) -> Option<u64> {
        match self.pane {
            Pane::Nodes => self.nodes.selected().and_then(|row| row.number),
            Pane::Log => self.log.selected().and_then(|event| event.node),
        }
    }

    fn table(&mut self) -> &mut dyn Part {
        match self.pane {
            Pane::Nodes => &mut self.nodes,
            Pane::Log => &mut self.log,
        }
    }
}

impl Screen<Monitor> for Overview {
    fn scope(&self) -> &'static Scope {
        &SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "cluster".into()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        match *action {
            action::CLUSTER => Some("This screen is about the cluster already.".into()),
            OPEN if self.pane == Pane::Log && self.log.selected().is_none_or(|event| event.node.is_none()) => {
                Some("This event is about no node in particular.".into())
            }
            OPEN if model.shown().rows().is_empty() => Some("No node is known yet.".into()),
            _ => orders::disabled(action, self.selected(), model),
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Monitor>) {
        let addresses: Vec<String> = cx.model.shown().addresses().map(ToOwned::to_owned).collect();
        for address in addresses {
            cx.request(Effect::Follow { address });
        }
        self.refresh(cx.model.shown());
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Monitor>) -> bool {
        match *action {
            HOLD => {
                cx.model.hold(cx.now_ms);
                self.refresh(cx.model.shown());
            }
            NEXT_PANE => self.pane = if self.pane == Pane::Nodes { Pane::Log } else { Pane::Nodes },
            OPEN => {
                let key = match self.pane {
                    Pane::Nodes => self.nodes.selected().map(Row::key),
                    Pane::Log => self.log.selected().and_then(|event| event.node).map(|number| number.to_string()),
                };
                if let Some(key) = key {
                    cx.push(NodeScreen::new(key));
                }
            }
            _ => match (orders::deed_of(action), self.selected()) {
                (Some(deed), Some(node)) => self.orders.begin(deed, node, cx),
                _ => return self.table().act(action),
            },
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(match self.pane {
            Pane::Nodes => &self.nodes,
            Pane::Log => &self.log,
        })
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(self.table())
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Monitor>) {
        let in_log = self.log_area.get().contains(Position::new(event.column, event.row));
        self.pane = if in_log { Pane::Log } else { Pane::Nodes };
        let outcome = self.table().mouse(event);
        self.used(outcome, cx);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Monitor>) {
        self.orders.confirmed(request, cx);
    }

    fn received(&mut self, request: RequestId, heard: Heard, cx: &mut Cx<'_, Monitor>) {
        let answer = match heard {
            Heard::Status(answer) => answer,
            other => return self.orders.heard(request, other, cx),
        };
        for address in cx.model.take_in(answer, cx.now_ms) {
            cx.request(Effect::Follow { address });
        }
        if !cx.model.is_held() {
            self.refresh(cx.model.shown());
        }
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let live = model.shown();
        let look = Look { now_ms: model.shown_at(canvas.look.now_ms), ..canvas.look.clone() };
        let mut canvas = Held { canvas, look };
        canvas.with(|canvas| self.view_at(live, area, canvas));
    }
}

/// A canvas whose moment may be an earlier one.
struct Held<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    look: Look,
}

impl Held<'_, '_> {
    fn with(&mut self, view: impl FnOnce(&mut Canvas<'_>)) {
        let mut canvas = Canvas::new(self.canvas.buf, &self.look);
        view(&mut canvas);
        self.canvas.cursor = canvas.cursor;
    }
}

/// Where things are drawn, from the top.
struct Layout {
    headline: Rect,
    nodes: Rect,
    charts: Rect,
    log: Rect,
}

impl Overview {
    fn view_at(&self, live: &Live, area: Rect, canvas: &mut Canvas<'_>) {
        let said = said(live, area, canvas.look);
        let layout = self.layout(area, said.len(), canvas.look);
        canvas.lines(layout.headline, said);
        self.log_area.set(layout.log);
        self.nodes.view(layout.nodes, canvas, self.pane == Pane::Nodes);
        view_charts(live, layout.charts, canvas);
        self.log.view(layout.log, canvas, self.pane == Pane::Log);
    }

    /// The nodes first, then the log, then the charts: what has no room is left out, but never what has the keyboard.
    fn layout(&self, area: Rect, said: usize, look: &Look) -> Layout {
        let airy = u16::from(area.height > 14);
        let headline_height = u16::try_from(said).unwrap_or(u16::MAX).min(area.height);
        let slice = |y: u16, height: u16| {
            let y = y.min(area.bottom());
            Rect { y, height: height.min(area.bottom() - y), ..area }
        };
        let headline = slice(area.y, headline_height);
        let top = headline.bottom() + airy;
        let room = area.bottom().saturating_sub(top);
        let wanted = u16::try_from(self.nodes.rows().len()).unwrap_or(u16::MAX).saturating_add(1);
        if room < wanted.saturating_add(LEAST_LOG) {
            let whole = slice(top, room);
            let nothing = slice(area.bottom(), 0);
            let (nodes, log) = if self.pane == Pane::Nodes { (whole, nothing) } else { (nothing, whole) };
            return Layout { headline, nodes, charts: nothing, log };
        }
        // A filter that is typed takes a line more.
        let filter = u16::from(self.nodes.text_focus() || self.nodes.shown_count() < self.nodes.rows().len());
        let nodes = slice(top, (wanted + filter).min(room - LEAST_LOG));
        let chart = charts_height(area, look);
        let left = area.bottom().saturating_sub(nodes.bottom());
        let charts_fit = left >= chart + 2 * airy + LEAST_LOG + 2;
        let charts = slice(nodes.bottom() + airy, if charts_fit { chart } else { 0 });
        let below = if charts_fit { charts.bottom() } else { nodes.bottom() };
        let log = slice(below + airy, area.height);
        Layout { headline, nodes, charts, log }
    }
}

/// The headline, what happens to members next, and what nodes say of themselves, as lines.
fn said(live: &Live, area: Rect, look: &Look) -> Vec<Line<'static>> {
    /// Of notices; the log has all.
    const MOST: usize = 3;
    let most = if area.height >= TALL { live.cluster.nodes.len() } else { MOST };
    let (sentence, style) = words::headline(live, look);
    let lines = text::wrap(&sentence, area.width.into()).into_iter().map(|line| Line::styled(line, style));
    let joint = live.cluster.membership.as_ref().is_some_and(|membership| membership.joint);
    let joint = joint.then(|| Line::styled(words::JOINT, look.theme.info));
    let next =
        live.next().into_iter().take(most).map(|(number, degraded, next)| words::next(number, degraded, next, look));
    let notices = live.notices().take(MOST).flat_map(|(number, notice)| {
        let words = format!("node {number}: {}", text::clean(notice));
        noticed(&words, area, look)
    });
    let outside = live.cluster.outside.iter().take(MOST);
    let outside = outside.flat_map(|(number, address)| noticed(&words::outside(*number, address), area, look));
    let transfers = live.transfers().take(MOST).map(|(number, transfer)| {
        Line::styled(format!("  node {number} {}", words::snapshot(transfer)), look.theme.info)
    });
    lines.chain(joint).chain(next).chain(notices).chain(outside).chain(transfers).collect()
}

/// What people should look after, whole: on as many lines as it takes.
fn noticed(words: &str, area: Rect, look: &Look) -> Vec<Line<'static>> {
    /// The mark and a space before the words, and as much before their other lines.
    const MARGIN: u16 = 2;
    let lines = text::wrap(words, area.width.saturating_sub(MARGIN).into()).into_iter().enumerate();
    let marked = |(at, line): (usize, String)| {
        let mark = if at == 0 { look.glyphs.failed } else { " " };
        Line::styled(format!("{mark} {line}"), look.theme.warn)
    };
    lines.map(marked).collect()
}

/// Two charts side by side where there is room, three on a wide screen, else one over the other.
fn charts_height(area: Rect, look: &Look) -> u16 {
    let one = match area.height {
        // In words they need two lines each, whatever the screen.
        _ if look.plain => 2,
        height if height >= TALL => 5,
        _ => 2,
    };
    if area.width >= WIDE { one } else { 2 * one }
}

/// From these widths on charts stand side by side.
const WIDE: u16 = 76;
const VERY_WIDE: u16 = 114;

fn view_charts(live: &Live, area: Rect, canvas: &mut Canvas<'_>) {
    let nothing = Series::default();
    let trips = live.cluster.leader.and_then(|leader| live.round_trips.get(&leader)).unwrap_or(&nothing);
    let writes: Chart<'_> = ("writes", live.writes.per_second(), words::rate);
    let trips: Chart<'_> = ("round trip to the leader", trips, words::latency);
    let commits: Chart<'_> = ("commit, median", &live.commits, words::latency);
    let mut charts = vec![writes];
    if live.commits.has_figures() {
        charts.push(commits);
    }
    if charts.len() == 1 || area.width >= VERY_WIDE {
        charts.push(trips);
    }
    if area.is_empty() {
        return;
    }
    let count = u16::try_from(charts.len()).unwrap_or(1);
    let beside = area.width >= WIDE;
    let (width, height) =
        if beside { ((area.width - 2 * (count - 1)) / count, area.height) } else { (area.width, area.height / count) };
    for (at, (name, series, words)) in (0..).zip(charts) {
        let place = if beside {
            Rect { x: area.x + at * (width + 2), width, ..area }
        } else {
            Rect { y: area.y + at * height, height, ..area }
        };
        series.view(name, words, place, canvas);
    }
}

/// A name, a series, and how its figures are said.
type Chart<'a> = (&'static str, &'a Series, fn(u64) -> String);
