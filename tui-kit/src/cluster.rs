//! The cluster panel: which nodes there are, who leads, how far each is. The same screen in every program.

use lectern_cli::cluster::{Cluster, Member};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::action::{Action, Scope};
use crate::look::Canvas;
use crate::program::{KitAnswer, Program};
use crate::remote::{Remote, RequestId, Shown};
use crate::screen::{Cx, KitWork, Screen};
use crate::text;

/// What the panel can do: what every screen can.
pub const SCOPE: Scope = Scope { name: "cluster", title: "Cluster", groups: &[] };

/// The panel.
#[derive(Default)]
pub struct ClusterScreen {
    cluster: Remote<Cluster>,
    watch: RequestId,
}

impl<P: Program> Screen<P> for ClusterScreen {
    fn scope(&self) -> &'static Scope {
        &SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        "cluster".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.watch = cx.kit(KitWork::WatchCluster);
        self.cluster.start(self.watch);
    }

    fn act(&mut self, _action: &Action, _cx: &mut Cx<'_, P>) -> bool {
        false
    }

    fn received(&mut self, _request: RequestId, _message: P::Message, _cx: &mut Cx<'_, P>) {}

    fn answered(&mut self, request: RequestId, answer: KitAnswer, _cx: &mut Cx<'_, P>) {
        if let KitAnswer::Cluster(seen) = answer {
            self.cluster.start(self.watch);
            self.cluster.finish(request, seen);
        }
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Cluster", false);
        match self.cluster.shown() {
            Shown::Idle | Shown::Loading => canvas.line(inner, "Asking the nodes …"),
            Shown::Failed(failure) => {
                let style = canvas.look.theme.bad;
                let words = text::wrap(&text::clean_body(&failure.sentence()), inner.width.into());
                canvas.lines(inner, words.into_iter().map(|line| Line::styled(line, style)));
            }
            Shown::Ready { failure: Some(failure), .. } => {
                canvas.line(inner, format!("No node answers: {}", text::clean(&failure.message)));
            }
            Shown::Ready { value, .. } => panel(value, inner, canvas),
        }
    }
}

/// Draws a cluster into an area: a sentence, then a row for each node.
pub fn panel(cluster: &Cluster, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.look.theme;
    let (sentence, style) = headline(cluster, canvas);
    let mut lines: Vec<Line<'_>> =
        text::wrap(&sentence, area.width.into()).into_iter().map(|line| Line::styled(line, style)).collect();
    lines.push(Line::default());
    let wide = area.width >= 76;
    let head = if wide {
        format!("{:>4}  {:<11} {:<22} {:>11} {:>8} {:>10}", "node", "role", "address", "applied", "behind", "memory")
    } else {
        format!("{:>4}  {:<11} {:>11} {:>7}", "node", "role", "applied", "behind")
    };
    lines.push(Line::styled(head, theme.title));
    for (number, member) in &cluster.nodes {
        lines.push(row(*number, member, cluster, wide, canvas));
        let notice = text::clean(&member.status.notice);
        if !notice.is_empty() {
            lines.push(Line::styled(format!("      {notice}"), theme.warn));
        }
    }
    canvas.lines(area, lines);
}

fn headline(cluster: &Cluster, canvas: &Canvas<'_>) -> (String, Style) {
    let theme = canvas.look.theme;
    let (all, up) = (cluster.nodes.len(), cluster.reachable());
    let spare = cluster.spare();
    match cluster.leader {
        None => (
            format!(
                "No leader in term {}: {up} of {all} nodes answer. Work can be read; changes wait for a majority.",
                cluster.term
            ),
            theme.bad,
        ),
        Some(leader) if up == all => (
            format!("Node {leader} leads in term {}; all {all} nodes answer, and {spare} may fail.", cluster.term),
            theme.good,
        ),
        Some(leader) => (
            format!("Node {leader} leads in term {}; {up} of {all} nodes answer, and {spare} may fail.", cluster.term),
            theme.warn,
        ),
    }
}

fn row(number: u64, member: &Member, cluster: &Cluster, wide: bool, canvas: &Canvas<'_>) -> Line<'static> {
    let (theme, glyphs) = (canvas.look.theme, canvas.look.glyphs);
    let status = &member.status;
    let style = if !member.reachable {
        theme.bad
    } else if cluster.leader == Some(number) {
        theme.accent
    } else {
        theme.text
    };
    let behind = cluster.commit_index().saturating_sub(status.applied_index);
    let role = Span::styled(text::pad(member.role(), 11, glyphs.ellipsis), style);
    let dash = |words: String| if member.reachable { words } else { glyphs.dash.to_owned() };
    let rest = if wide {
        format!(
            " {} {:>11} {:>8} {:>10}",
            text::pad(&text::clean(&status.client_address), 22, glyphs.ellipsis),
            status.applied_index,
            dash(behind.to_string()),
            dash(text::size(status.resident_bytes))
        )
    } else {
        format!(" {:>11} {:>7}", status.applied_index, dash(behind.to_string()))
    };
    Line::from(vec![Span::raw(format!("{number:>4}  ")), role, Span::raw(rest)])
}
