//! Letting an answer out, one sentence after the other, each looked at before, and nothing invisible with it.

use lectern_search::{Passage, sentences};

use crate::citations::{self, Cited};
use crate::fences::visible;
use crate::leaks::{Guard, Verdict};

/// No sentence is held back for longer than so many bytes.
const LONGEST_SENTENCE: usize = 2_000;

/// What becomes of a piece of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Released {
    /// A sentence may be shown.
    Sentence(Cited),
    /// A sentence gives away what is guarded: it is not shown, and the answer ends.
    Withheld(Verdict),
}

/// Collects the model's words into sentences and lets them out.
#[derive(Debug)]
pub struct Release<'a> {
    guard: Guard,
    passages: &'a [Passage],
    held: String,
    over: bool,
}

impl<'a> Release<'a> {
    /// For an answer from these passages.
    pub fn new(guard: Guard, passages: &'a [Passage]) -> Release<'a> {
        Release { guard, passages, held: String::new(), over: false }
    }

    /// Takes words of the model, and gives the sentences that are whole with them.
    pub fn feed(&mut self, words: &str) -> Vec<Released> {
        self.held += &visible(words);
        let mut released = Vec::new();
        while let Some(end) = self.whole() {
            let sentence: String = self.held.drain(..end).collect();
            self.let_out(&sentence, &mut released);
        }
        released
    }

    /// The answer is over: what is left of it.
    pub fn finish(mut self) -> Vec<Released> {
        let rest = std::mem::take(&mut self.held);
        let mut released = Vec::new();
        self.let_out(&rest, &mut released);
        released
    }

    /// Whether a sentence was withheld, and the model need not go on.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Where the first whole sentence ends: where the next one has begun, since only then it is known that it is whole.
    fn whole(&self) -> Option<usize> {
        if self.held.len() > LONGEST_SENTENCE {
            return Some(self.held.floor_char_boundary(LONGEST_SENTENCE));
        }
        let found = sentences(&self.held);
        let [_, second, ..] = found.as_slice() else { return None };
        Some(second.as_ptr().addr() - self.held.as_ptr().addr())
    }

    fn let_out(&mut self, text: &str, released: &mut Vec<Released>) {
        if self.over || text.trim().is_empty() {
            return;
        }
        match self.guard.check(text) {
            Verdict::Fine => released.push(Released::Sentence(citations::check(text, self.passages))),
            verdict => {
                self.over = true;
                released.push(Released::Withheld(verdict));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::citations::tests::passage;
    use crate::leaks::Fingerprint;

    fn shown(released: &[Released]) -> String {
        let text = |released: &Released| match released {
            Released::Sentence(cited) => cited.text.clone(),
            Released::Withheld(_) => "■".into(),
        };
        released.iter().map(text).collect()
    }

    #[test]
    fn a_leak_stops_before_it_is_shown_however_the_words_come() {
        let answer = "Look at the loop. The total is 4711. So you are done.";
        let guard = Guard::new(Fingerprint::new([1; 32], "4711", ""), "");
        for size in 1..answer.len() {
            let mut release = Release::new(guard.clone(), &[]);
            let mut released = Vec::new();
            for words in answer.as_bytes().chunks(size) {
                released.extend(release.feed(std::str::from_utf8(words).expect("ASCII")));
            }
            assert!(release.is_over() || size > 40);
            released.extend(release.finish());
            assert_eq!(shown(&released), "Look at the loop. ■", "{size}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_fine_is_let_out_whole(answer in "[a-zé .!?\\n]{0,300}", size in 1usize..20) {
            let guard = Guard::new(Fingerprint::default(), "");
            let passages = [passage(1, "text")];
            let mut release = Release::new(guard, &passages);
            let chars: Vec<char> = answer.chars().collect();
            let mut released = Vec::new();
            for words in chars.chunks(size) {
                released.extend(release.feed(&words.iter().collect::<String>()));
            }
            released.extend(release.finish());
            let shown = shown(&released);
            proptest::prop_assert_eq!(shown.trim_end(), answer.trim_end());
        }
    }
}
