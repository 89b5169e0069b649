//! Statistics of an assignment's scores, or of a course's totals.

use lectern_cli::format;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::widgets::chart::{Bucket, histogram};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions;
use crate::effects::{Effect, Message, Read};
use crate::model::{Hw, Model};
use crate::program::{Cx, Instructor};

/// The statistics.
pub struct StatisticsScreen {
    /// Without an assignment, of the whole course.
    hw: Hw,
    value: Live<v1::GetStatisticsResponse>,
}

impl StatisticsScreen {
    /// Of an assignment; of the course where it is empty.
    pub fn new(hw: Hw) -> Self {
        Self { hw, value: Live::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.value.ask(cx, Effect::Read(Read::Statistics(self.hw.clone())));
    }

    fn is_of_course(&self) -> bool {
        self.hw.assignment.is_empty()
    }

    /// The numbers in one or two lines.
    fn facts(&self, it: &v1::GetStatisticsResponse, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let theme = canvas.look.theme;
        let value = |value| if self.is_of_course() { format::percent(Some(value)) } else { text::points(value) };
        let who = format!("{} of {} have a score", it.count, text::count(it.students, "student"));
        if it.count == 0 {
            return vec![Line::styled(who, theme.dim)];
        }
        let pair = |name: &'static str, number| {
            [Span::styled(format!("{name} "), theme.dim), Span::styled(format!("{}   ", value(number)), theme.title)]
        };
        let of = if self.is_of_course() { String::new() } else { format!(", of {}", text::points(it.points_possible)) };
        vec![
            Line::styled(format!("{who}{of}"), theme.dim),
            Line::from([pair("mean", it.mean), pair("median", it.median)].concat()),
            Line::from([pair("lower quartile", it.lower_quartile), pair("upper quartile", it.upper_quartile)].concat()),
            Line::from([pair("lowest", it.lowest), pair("highest", it.highest)].concat()),
        ]
    }
}

impl Screen<Instructor> for StatisticsScreen {
    fn scope(&self) -> &'static Scope {
        &actions::STATISTICS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        if self.is_of_course() { "statistics".into() } else { format!("statistics of {}", self.hw.assignment) }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        if *action == REFRESH {
            self.load(cx);
        }
        *action == REFRESH
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        let Message::Statistics(result) = message else { return };
        self.value.finish(request, result);
        if self.value.is_stale() {
            self.load(cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        use v1::EventKind::{Assignment, Enrollment, Grade, Grading};
        if concerns(change, cx.model.course_id(&self.hw.course), &[Assignment, Enrollment, Grade, Grading]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = if self.is_of_course() {
            format!("{}, so far", self.hw.course)
        } else {
            format!("{}/{}", self.hw.course, self.hw.assignment)
        };
        let inner = canvas.pane(area, &title, true);
        let Some(room) = states::room(self.value.remote(), "the statistics", inner, canvas) else { return };
        let Some(it) = self.value.value() else { return };
        let facts = self.facts(it, canvas);
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(room.height);
        canvas.lines(Rect { height: used, ..room }, facts);
        let gap = u16::from(room.height > used + 12);
        let below = Rect { y: room.y + used + gap, height: room.height.saturating_sub(used + gap), ..room };
        if it.count > 0 {
            histogram(&buckets(&it.histogram), below, canvas);
        }
    }
}

/// Classes of ten percent.
fn buckets(classes: &[u32]) -> Vec<Bucket> {
    let label = |at: usize| match at {
        10.. => "100 % and more".into(),
        at => format!("{} to {} %", at * 10, at * 10 + 10),
    };
    classes.iter().enumerate().map(|(at, count)| Bucket { label: label(at), count: u64::from(*count) }).collect()
}
