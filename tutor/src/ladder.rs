//! What is answered when the model cannot.

use lectern_search::Passage;

/// How many passages are quoted without a model.
pub const QUOTED: usize = 3;

/// The step of the ladder that an answer stands on.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The model answers, from these passages.
    Model(Vec<Passage>),
    /// No model: these passages of the course, word for word, with their pages.
    Quotations(Vec<Passage>),
    /// Nothing was found: the instructor can be asked.
    AskInstructor,
}

/// What goes before quotations.
pub const QUOTATIONS_NOTE: &str = "No language model is running; these are quotations from your course.";
/// What is said when nothing was found.
pub const NOTHING_FOUND: &str = "Not found in this course. Send it to your instructor?";

/// The highest step that can be taken: whether a model can be asked, and what was found. A model without an excerpt to answer
/// from is not asked.
pub fn step(model: bool, mut found: Vec<Passage>) -> Step {
    if found.is_empty() {
        Step::AskInstructor
    } else if model {
        Step::Model(found)
    } else {
        found.truncate(QUOTED);
        Step::Quotations(found)
    }
}

/// A quotation as it is shown: the passage's own words, part by part, each with its page.
pub fn quotation(passage: &Passage) -> String {
    let part =
        |part: &lectern_search::Part| format!("{}\n  — {}, page {}", part.text, passage.material_title, part.page);
    passage.parts.iter().map(part).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::citations::tests::passage;

    #[test]
    fn the_ladder_goes_down_one_step_at_a_time() {
        let found: Vec<Passage> = (1..=5).map(|page| passage(page, "A loop repeats.")).collect();
        assert_eq!(step(true, found.clone()), Step::Model(found.clone()));
        assert_eq!(step(false, found.clone()), Step::Quotations(found[..QUOTED].to_vec()));
        assert_eq!(step(true, Vec::new()), Step::AskInstructor);
        assert_eq!(step(false, Vec::new()), Step::AskInstructor);
    }

    #[test]
    fn a_quotation_is_word_for_word_with_its_page() {
        assert_eq!(quotation(&passage(7, "A  loop\nrepeats.")), "A  loop\nrepeats.\n  — Book, page 7");
    }
}
