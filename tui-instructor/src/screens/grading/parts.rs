//! What a submission is made of, and the part that is shown: its lines, broken once for the width they have.

use std::cell::RefCell;
use std::rc::Rc;

use lectern_tui_kit::text;

use crate::effects::Work;

/// A part of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The text that was typed or handed in.
    Text,
    /// One of the files.
    File(usize),
}

/// The parts of a submission, the text first.
pub fn of(work: &Work) -> Vec<Part> {
    let text = (!work.submission.text.is_empty()).then_some(Part::Text);
    text.into_iter().chain((0..work.submission.files.len()).map(Part::File)).collect()
}

/// One row: the number of the line it begins, if it begins one, and its letters.
pub type Row = (Option<usize>, String);

/// Which text, and how wide.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    name: String,
    bytes: usize,
    width: usize,
}

/// The rows of the part on the screen.
#[derive(Debug, Default)]
pub struct Shown {
    rows: RefCell<Option<(Key, Rc<Vec<Row>>)>>,
}

impl Shown {
    /// The rows of a text with this name; broken again only when it is another one, or another width.
    pub fn rows(&self, name: &str, body: &str, width: usize) -> Rc<Vec<Row>> {
        let key = Key { name: name.to_owned(), bytes: body.len(), width };
        let mut kept = self.rows.borrow_mut();
        match &*kept {
            Some((of, rows)) if *of == key => Rc::clone(rows),
            _ => {
                let rows = Rc::new(broken(body, width));
                *kept = Some((key, Rc::clone(&rows)));
                rows
            }
        }
    }
}

fn broken(body: &str, width: usize) -> Vec<Row> {
    let body = text::clean_body(body);
    let mut rows = Vec::new();
    for (at, line) in body.trim_end().split('\n').enumerate() {
        for (row, words) in text::wrap(line, width).into_iter().enumerate() {
            rows.push(((row == 0).then_some(at + 1), words));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_numbered_once() {
        let shown = Shown::default();
        let rows = shown.rows("a", "one two\nthree\n", 4);
        let expected: Vec<Row> =
            vec![(Some(1), "one".into()), (None, "two".into()), (Some(2), "thre".into()), (None, "e".into())];
        assert_eq!(*rows, expected);
        assert!(Rc::ptr_eq(&rows, &shown.rows("a", "one two\nthree\n", 4)));
        assert!(!Rc::ptr_eq(&rows, &shown.rows("a", "one two\nthree\n", 5)));
    }
}
