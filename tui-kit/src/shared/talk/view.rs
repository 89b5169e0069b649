//! Words that these screens have in common.

use lectern_proto::v1;
use ratatui::text::Line;

use crate::look::Look;
use crate::text;

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
