//! Writes frames to the terminal: only cells that differ, inside a synchronised update; nothing where nothing differs.

use std::io::{self, Write};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The most that is copied to the clipboard: terminals drop longer sequences.
const MAX_CLIPBOARD_BYTES: usize = 74_000;

/// What the terminal shows, and the way to change it.
pub struct Painter<W: Write> {
    backend: CrosstermBackend<W>,
    shown: Buffer,
    next: Buffer,
    cursor: Option<Position>,
    /// What the terminal shows is not known.
    stale: bool,
}

impl<W: Write> Painter<W> {
    /// A painter for a terminal that is cleared with the first frame.
    pub fn new(writer: W) -> Self {
        let nothing = Buffer::empty(Rect::ZERO);
        Self {
            backend: CrosstermBackend::new(writer),
            shown: nothing.clone(),
            next: nothing,
            cursor: None,
            stale: true,
        }
    }

    /// Draws every cell with the next frame.
    pub fn forget(&mut self) {
        self.stale = true;
    }

    /// Draws one frame of `width` × `height` cells. Returns whether anything was written.
    pub fn frame(
        &mut self,
        (width, height): (u16, u16),
        view: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> io::Result<bool> {
        let area = Rect::new(0, 0, width, height);
        if self.stale || self.shown.area != area {
            self.stale = true;
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
        } else {
            self.next.reset();
        }
        let cursor = view(&mut self.next);
        let changes = self.shown.diff(&self.next);
        if !self.stale && changes.is_empty() && cursor == self.cursor {
            return Ok(false);
        }
        queue!(self.backend, BeginSynchronizedUpdate)?;
        if self.stale {
            queue!(self.backend, Hide, Clear(ClearType::All))?;
        } else if self.cursor.is_some() && !changes.is_empty() && cursor.is_none() {
            queue!(self.backend, Hide)?;
        }
        if !changes.is_empty() {
            self.backend.draw(changes.into_iter())?;
        }
        match cursor {
            Some(at) => {
                queue!(self.backend, MoveTo(at.x, at.y))?;
                if self.stale || self.cursor.is_none() {
                    queue!(self.backend, Show)?;
                }
            }
            None if self.cursor.is_some() => queue!(self.backend, Hide)?,
            None => {}
        }
        queue!(self.backend, EndSynchronizedUpdate)?;
        Write::flush(&mut self.backend)?;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = cursor;
        self.stale = false;
        Ok(true)
    }

    /// Copies a text to the person's clipboard, through the terminal. False when it is too long for that.
    pub fn copy(&mut self, text: &str) -> io::Result<bool> {
        if text.len() > MAX_CLIPBOARD_BYTES {
            return Ok(false);
        }
        queue!(self.backend, CopyToClipboard::to_clipboard_from(text))?;
        Write::flush(&mut self.backend)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::style::Style;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.borrow_mut())).unwrap()
        }
    }

    fn draw(painter: &mut Painter<Written>, text: &str, cursor: Option<Position>) -> bool {
        painter
            .frame((20, 2), |buf| {
                buf.set_string(0, 0, text, Style::default());
                cursor
            })
            .unwrap()
    }

    #[test]
    fn a_frame_that_changes_nothing_writes_nothing() {
        let written = Written::default();
        let mut painter = Painter::new(written.clone());
        assert!(draw(&mut painter, "hello", None));
        assert!(written.take().contains("hello"));
        assert!(!draw(&mut painter, "hello", None));
        assert_eq!(written.take(), "");
    }

    #[test]
    fn only_what_differs_is_written_and_in_few_bytes() {
        let written = Written::default();
        let mut painter = Painter::new(written.clone());
        draw(&mut painter, "hello", Some(Position::new(5, 0)));
        written.take();
        assert!(draw(&mut painter, "hello!", Some(Position::new(6, 0))));
        let bytes = written.take();
        assert!(bytes.contains('!') && !bytes.contains("hello") && bytes.len() < 80, "{bytes:?}");
    }

    #[test]
    fn a_cursor_that_only_moves_is_moved() {
        let written = Written::default();
        let mut painter = Painter::new(written.clone());
        draw(&mut painter, "hello", Some(Position::new(5, 0)));
        written.take();
        assert!(draw(&mut painter, "hello", Some(Position::new(4, 0))));
        assert!(written.take().contains("\u{1b}[1;5H"));
        assert!(draw(&mut painter, "hello", None));
        assert!(written.take().contains("\u{1b}[?25l"));
    }

    #[test]
    fn another_size_and_a_forgotten_screen_are_drawn_whole() {
        let written = Written::default();
        let mut painter = Painter::new(written.clone());
        draw(&mut painter, "hello", None);
        written.take();
        painter.forget();
        assert!(draw(&mut painter, "hello", None));
        assert!(written.take().contains("hello"));
        painter
            .frame((30, 3), |buf| {
                buf.set_string(0, 0, "hello", Style::default());
                None
            })
            .unwrap();
        assert!(written.take().contains("hello"));
    }
}
