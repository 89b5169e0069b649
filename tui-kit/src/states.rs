//! How a value of the server is drawn while it is not there, and what is said beside one that may be old. The same on
//! every screen.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::look::Canvas;
use crate::remote::{Failure, Remote, Shown};
use crate::text;

/// Draws that `what` is on its way, or why it is not there. Where there is a value: gives the room that is left for it,
/// less a line that says why it may be old.
pub fn room<T>(remote: &Remote<T>, what: &str, area: Rect, canvas: &mut Canvas<'_>) -> Option<Rect> {
    match remote.shown() {
        Shown::Idle | Shown::Loading => {
            let dim = canvas.look.theme.dim;
            canvas.line(area, Line::styled(format!("Asking for {what} {}", canvas.look.glyphs.ellipsis), dim));
            None
        }
        Shown::Failed(failure) => {
            failed(failure, what, area, canvas);
            None
        }
        Shown::Ready { failure: None, .. } => Some(area),
        Shown::Ready { failure: Some(failure), .. } => {
            let row = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
            let words = format!("This may be old: {} (ctrl-r asks again)", text::clean(&sentence(failure)));
            canvas.line(row, Line::styled(words, canvas.look.theme.warn));
            Some(Rect { height: area.height.saturating_sub(1), ..area })
        }
    }
}

/// Draws why something is not there, and which key asks again.
pub fn failed(failure: &Failure, what: &str, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.look.theme;
    let width = usize::from(area.width);
    let mut lines =
        vec![Line::styled(format!("{} There is no answer for {what}.", canvas.look.glyphs.failed), theme.bad)];
    let why = text::wrap(&text::clean_body(&sentence(failure)), width);
    lines.extend(why.into_iter().map(|line| Line::styled(line, theme.text)));
    lines.push(Line::styled("ctrl-r asks again.", theme.dim));
    canvas.lines(area, lines);
}

/// Message and advice in one sentence, without advice that speaks of the command line.
pub fn sentence(failure: &Failure) -> String {
    match failure.reason.as_str() {
        "USAGE" | "UNREACHABLE" | "NOT_SIGNED_IN" | "LOCAL_FILE" => failure.message.clone(),
        _ => failure.sentence(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;
    use crate::remote::RequestId;
    use crate::testkit::render;
    use crate::theme::ThemeName;

    fn shown(remote: &Remote<u8>) -> String {
        let look = Look::new(ThemeName::Mono, false);
        render(60, 4, &look, |area, canvas| {
            if let Some(left) = room(remote, "the courses", area, canvas) {
                canvas.line(left, format!("value, {} rows", left.height));
            }
        })
    }

    #[test]
    fn each_state_says_in_words_what_it_is() {
        let mut remote = Remote::default();
        remote.start(RequestId(1));
        assert!(shown(&remote).starts_with("Asking for the courses …\n"));
        remote.finish(RequestId(1), Err(Failure::local("nobody answers")));
        let picture = shown(&remote);
        assert!(
            picture.contains("There is no answer for the courses.\nnobody answers\nctrl-r asks again."),
            "{picture}"
        );
        remote.put(1);
        assert!(shown(&remote).starts_with("value, 4 rows\n"));
        remote.start(RequestId(2));
        remote.finish(RequestId(2), Err(Failure::local("nobody answers")));
        let picture = shown(&remote);
        assert!(
            picture.starts_with("value, 3 rows") && picture.contains("This may be old: nobody answers"),
            "{picture}"
        );
    }
}
