//! Words that these screens have in common.

use lectern_proto::v1;
use ratatui::text::Line;

use crate::look::Look;
use crate::program::Change;
use crate::text;

/// Whether a change on the server is one of `kinds` in the course `course_id`; of any course where that is not known.
pub(super) fn concerns(change: &Change, course_id: Option<&str>, kinds: &[v1::EventKind]) -> bool {
    match change {
        Change::Resync { .. } => true,
        Change::Event(event) => {
            kinds.contains(&event.kind())
                && course_id.is_none_or(|course| event.course_id.is_empty() || course == event.course_id)
        }
    }
}

/// The mark of what is unread.
pub(super) fn mark(unread: bool, look: &Look) -> Line<'static> {
    if unread { Line::styled(look.glyphs.unread, look.theme.info) } else { Line::default() }
}

/// Who asked, as far as it is known.
pub(super) fn asker(thread: &v1::Thread) -> String {
    match &thread.author {
        Some(author) if !author.name.is_empty() => text::clean(&author.name),
        _ => "anonymous".into(),
    }
}
