//! Finding in texts, whatever the case of their letters.

use std::ops::Range;

/// A text as it is compared, and for each of its bytes the place in the text it came from; none where both agree.
struct Folded {
    text: String,
    places: Option<Vec<usize>>,
}

fn fold(text: &str) -> Folded {
    // A line that was broken still matches: a newline is a space.
    if text.is_ascii() {
        return Folded { text: text.to_ascii_lowercase().replace('\n', " "), places: None };
    }
    let mut folded = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let letter = if letter == '\n' { ' ' } else { letter };
        folded.extend(letter.to_lowercase());
        places.resize(folded.len(), at);
    }
    Folded { text: folded, places: Some(places) }
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// What a person typed.
    pub fn new(typed: &str) -> Self {
        Self(fold(typed).text)
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a text matches, in bytes, in order, without overlap.
    pub fn matches(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let folded = fold(text);
        let hits = folded.text.match_indices(&self.0).map(|(at, hit)| at..at + hit.len());
        let Some(places) = &folded.places else {
            return hits.collect();
        };
        let mut found: Vec<Range<usize>> = Vec::new();
        for hit in hits {
            let last = places[hit.end - 1];
            let end = last + text[last..].chars().next().map_or(0, char::len_utf8);
            let range = places[hit.start]..end;
            // A letter that becomes two can hold two matches: it is shown once.
            if found.last().is_none_or(|before| before.end <= range.start) {
                found.push(range);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, query: &str) -> Vec<&'t str> {
        Query::new(query).matches(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn case_and_broken_lines_do_not_hide_a_match() {
        assert_eq!(found("A lecture, two LECTURES", "Lecture"), ["lecture", "LECTURE"]);
        assert_eq!(found("leader\nelection", "leader election"), ["leader\nelection"]);
        assert_eq!(found("Ärger, ärger", "äRGER"), ["Ärger", "ärger"]);
        assert_eq!(found("anything", ""), Vec::<&str>::new());
    }

    #[test]
    fn letters_that_change_their_length_are_found_whole() {
        assert_eq!(found("in İstanbul", "i̇stan"), ["İstan"]);
        assert_eq!(found("İİ", "i"), ["İ", "İ"]);
    }

    proptest::proptest! {
        #[test]
        fn matches_are_in_order_and_between_characters(text in "[aAİßé \n]{0,30}", query in "[aiİse ]{1,3}") {
            let mut end = 0;
            for range in Query::new(&query).matches(&text) {
                proptest::prop_assert!(range.start >= end && range.end > range.start);
                proptest::prop_assert!(text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
