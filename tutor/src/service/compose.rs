//! An answer as it is written into the thread: its text, what it stands on, and how it came about.

use std::collections::HashMap;
use std::fmt::Write as _;

use lectern_client::v1::{Citation, Excerpt, TutorAnswer, TutorEnd};
use lectern_search::Passage;

use crate::answer::{Event, Outcome};
use crate::citations::Cited;
use crate::ladder::{NOTHING_FOUND, QUOTATIONS_NOTE, quotation};
use crate::stream::{Counts, End};

/// What is said where a sentence was withheld.
const WITHHELD_NOTE: &str =
    "*The tutor stops here: what came next would have given away what you are to find yourself.*";
/// What is said where an answer was as long as one may be.
const LENGTH_NOTE: &str = "*The answer was as long as one may be; ask on from here.*";
/// What goes after every answer of a model.
const CAUTION: &str = "*A language model wrote this from the pages below. It can be wrong: read them.*";
/// What goes after sentences that their pages do not bear out.
const UNVERIFIED_NOTE: &str = "*Not borne out by the page it names.*";

/// Collects what happens on the way.
#[derive(Debug, Default)]
pub(super) struct Composer {
    slugs: HashMap<String, String>,
    found: Vec<Passage>,
    sentences: Vec<Cited>,
    withheld: bool,
    quoted: Vec<Passage>,
}

/// What a sentence is on the screen.
pub(super) struct Piece {
    /// Its text.
    pub text: String,
    /// It cites, and its pages do not bear it out.
    pub unverified: bool,
}

impl Composer {
    /// For materials with these slugs, by id.
    pub fn new(slugs: HashMap<String, String>) -> Composer {
        Composer { slugs, ..Composer::default() }
    }

    /// Takes what happened; gives the piece of the answer that it is, if it is one.
    pub fn take(&mut self, event: Event) -> Option<Piece> {
        match event {
            Event::Waiting(_) | Event::AskInstructor => None,
            Event::Excerpts(found) => {
                self.found = found;
                None
            }
            Event::Sentence(cited) => {
                let unverified = !cited.passages.is_empty() && !cited.verified;
                let piece = Piece { text: cited.text.clone(), unverified };
                self.sentences.push(cited);
                Some(piece)
            }
            Event::Withheld(_) => {
                self.withheld = true;
                Some(Piece { text: format!("\n\n{WITHHELD_NOTE}"), unverified: false })
            }
            Event::Quotations(quoted) => {
                self.quoted = quoted;
                None
            }
        }
    }

    /// A passage as programs are told of it.
    pub fn excerpt(&self, passage: &Passage) -> Excerpt {
        Excerpt { citation: Some(self.citation(passage, true)), section: passage.title.clone(), text: passage.text() }
    }

    fn citation(&self, passage: &Passage, verified: bool) -> Citation {
        let mut pages: Vec<u32> = passage.parts.iter().map(|part| part.page).collect();
        pages.dedup();
        Citation {
            material_id: passage.material.clone(),
            material_slug: self.slugs.get(&passage.material).cloned().unwrap_or_default(),
            material_title: passage.material_title.clone(),
            pages,
            ordinal: passage.ordinal,
            hash: passage.hash.clone(),
            verified,
        }
    }

    /// The text and the record of an answer that ended like this; none where its asker left.
    pub fn compose(self, outcome: &Outcome) -> Option<(String, TutorAnswer)> {
        match outcome {
            Outcome::Left => None,
            Outcome::NothingFound => Some((
                NOTHING_FOUND.into(),
                TutorAnswer { end: TutorEnd::NothingFound.into(), ..TutorAnswer::default() },
            )),
            Outcome::FellBack(_) => Some(self.quotations()),
            Outcome::Answered(end) => Some(self.answered(end)),
        }
    }

    fn quotations(self) -> (String, TutorAnswer) {
        let quotations: Vec<String> = self.quoted.iter().map(quotation).collect();
        let citations = self.quoted.iter().map(|passage| self.citation(passage, true)).collect();
        let body = format!("{QUOTATIONS_NOTE}\n\n{}", quotations.join("\n\n"));
        (body, TutorAnswer { citations, end: TutorEnd::Quoted.into(), ..TutorAnswer::default() })
    }

    fn answered(self, end: &End) -> (String, TutorAnswer) {
        let mut numbers = Numbers::default();
        let mut body = String::new();
        for cited in &self.sentences {
            let text = numbers.renumber(&cited.text, &cited.passages);
            body += &text;
            if !cited.passages.is_empty() && !cited.verified {
                let room = if text.ends_with(char::is_whitespace) { "" } else { " " };
                // Writing to a string cannot fail.
                let _ = write!(body, "{room}{UNVERIFIED_NOTE} ");
            }
        }
        let mut body = body.trim_end().to_owned();
        let (end, Counts { prompt, answer }) = match end {
            _ if self.withheld => (TutorEnd::Withheld, Counts::default()),
            End::Length(counts) => (TutorEnd::Length, *counts),
            End::Stop(counts) => (TutorEnd::Answered, *counts),
            _ => (TutorEnd::Answered, Counts::default()),
        };
        match end {
            TutorEnd::Withheld => body.extend(["\n\n", WITHHELD_NOTE]),
            TutorEnd::Length => body.extend(["\n\n", LENGTH_NOTE]),
            _ => {}
        }
        body.extend(["\n\n", CAUTION]);
        let mut citations = Vec::new();
        for passage in numbers.order {
            let verified = self.sentences.iter().all(|it| it.verified || !it.passages.contains(&passage));
            citations.push(self.citation(&self.found[passage], verified));
        }
        body += &sources(&citations);
        let counted = TutorAnswer { prompt_tokens: prompt, answer_tokens: answer, ..TutorAnswer::default() };
        (body.trim_start().to_owned(), TutorAnswer { citations, end: end.into(), ..counted })
    }
}

/// Passages in the order in which they are cited first: a reader meets 1 before 2.
#[derive(Debug, Default)]
struct Numbers {
    order: Vec<usize>,
}

impl Numbers {
    /// A sentence with its citations numbered so.
    fn renumber(&mut self, text: &str, cited: &[usize]) -> String {
        for passage in cited {
            if !self.order.contains(passage) {
                self.order.push(*passage);
            }
        }
        let mut renumbered = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('[') {
            renumbered += before;
            let number = after.split_once(']').and_then(|(number, after)| {
                let passage = number.parse::<usize>().ok()?.checked_sub(1)?;
                let place = self.order.iter().position(|known| *known == passage)?;
                Some((place + 1, after))
            });
            rest = if let Some((number, after)) = number {
                // Writing to a string cannot fail.
                let _ = write!(renumbered, "[{number}]");
                after
            } else {
                renumbered.push('[');
                after
            };
        }
        renumbered + rest
    }
}

/// What the numbers stand for, as a list at the end.
fn sources(citations: &[Citation]) -> String {
    let mut list = String::new();
    for (at, citation) in citations.iter().enumerate() {
        let lead = if at == 0 { "\n\n" } else { "\n" };
        let (title, pages) = (&citation.material_title, pages(&citation.pages));
        // Writing to a string cannot fail.
        let _ = write!(list, "{lead}- [{}] {title}, {pages}", at + 1);
    }
    list
}

fn pages(pages: &[u32]) -> String {
    match pages {
        [page] => format!("page {page}"),
        [first, .., last] => format!("pages {first}–{last}"),
        [] => "no page".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::citations;
    use crate::citations::tests::passage;
    use crate::leaks::Verdict;

    fn composer(sentences: &[&str]) -> Composer {
        let slugs = HashMap::from([("book".to_owned(), "notes".to_owned())]);
        let mut composer = Composer::new(slugs);
        let found = vec![passage(7, "A tuple is immutable."), passage(9, "A while loop repeats its body.")];
        composer.take(Event::Excerpts(found.clone()));
        for sentence in sentences {
            composer.take(Event::Sentence(citations::check(sentence, &found)));
        }
        composer
    }

    fn stop() -> Outcome {
        Outcome::Answered(End::Stop(Counts { prompt: 300, answer: 12 }))
    }

    #[test]
    fn an_answer_names_its_pages_in_the_order_in_which_it_cites_them() {
        let said = ["A while loop repeats its body [2]. ", "A tuple is immutable [1]."];
        let (body, answer) = composer(&said).compose(&stop()).expect("an answer");
        let expected = format!(
            "A while loop repeats its body [1]. A tuple is immutable [2].\n\n{CAUTION}\n\n- [1] Book, page 9\n- [2] Book, page 7"
        );
        assert_eq!(body, expected);
        let pages: Vec<&[u32]> = answer.citations.iter().map(|it| it.pages.as_slice()).collect();
        assert_eq!(pages, [[9].as_slice(), [7].as_slice()]);
        assert!(answer.citations.iter().all(|it| it.verified && it.material_slug == "notes"));
        assert_eq!((answer.end(), answer.prompt_tokens, answer.answer_tokens), (TutorEnd::Answered, 300, 12));
    }

    #[test]
    fn what_its_page_does_not_bear_out_is_told() {
        let (body, answer) = composer(&["Dogs bark loudly at night [1]. "]).compose(&stop()).expect("an answer");
        assert!(body.contains(UNVERIFIED_NOTE) && !answer.citations[0].verified, "{body}");
    }

    #[test]
    fn brackets_of_code_stay_as_they_are() {
        let (body, answer) = composer(&["Write a[0] or b[i]."]).compose(&stop()).expect("an answer");
        assert!(body.starts_with("Write a[0] or b[i].") && answer.citations.is_empty(), "{body}");
    }

    #[test]
    fn a_withheld_sentence_ends_the_answer_and_is_recorded() {
        let mut composer = composer(&["Look at the loop. "]);
        composer.take(Event::Withheld(Verdict::TellsAnswer));
        let (body, answer) = composer.compose(&Outcome::Answered(End::Cancelled)).expect("an answer");
        assert!(body.starts_with("Look at the loop.\n\n*The tutor stops here"), "{body}");
        assert_eq!(answer.end(), TutorEnd::Withheld);
    }

    #[test]
    fn without_a_model_the_pages_speak_word_for_word() {
        let mut composer = composer(&[]);
        composer.take(Event::Quotations(vec![passage(9, "A while loop repeats its body.")]));
        let (body, answer) = composer.compose(&Outcome::FellBack(None)).expect("quotations");
        assert!(body.starts_with(QUOTATIONS_NOTE) && body.contains("A while loop repeats its body."), "{body}");
        assert!(body.ends_with("Book, page 9"), "{body}");
        assert_eq!((answer.end(), answer.citations[0].pages.as_slice()), (TutorEnd::Quoted, [9].as_slice()));
    }

    #[test]
    fn who_left_gets_nothing_and_where_nothing_was_found_that_is_said() {
        assert!(composer(&[]).compose(&Outcome::Left).is_none());
        let (body, answer) = composer(&[]).compose(&Outcome::NothingFound).expect("a word");
        assert_eq!((body.as_str(), answer.end()), (NOTHING_FOUND, TutorEnd::NothingFound));
    }
}
