//! What is found, for whom, and when.

use std::path::Path;

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000;

fn section(title: &str, page: u32, text: &str) -> Section {
    Section { title: title.into(), pages: vec![Page { number: page, text: text.into() }] }
}

fn material(course: &str, id: &str, from_ms: i64, sections: Vec<Section>) -> Material {
    let audience = Audience::Students { from_ms };
    Material { course: course.into(), id: id.into(), title: format!("Book {id}"), audience, sections }
}

fn one(course: &str, id: &str, from_ms: i64, text: &str) -> Change {
    Change::Put(material(course, id, from_ms, vec![section("Loops", 1, text)]))
}

fn asker(course: &str) -> Asker<'_> {
    Asker { course, now_ms: NOW, among: None }
}

fn found(index: &Index, course: &str, question: &str) -> Vec<String> {
    let passages = index.search(&asker(course), question).expect("a search");
    passages.into_iter().map(|passage| passage.material).collect()
}

fn fed(changes: &[Change]) -> Index {
    let index = Index::in_memory().expect("an index");
    index.apply(changes, "1").expect("a change");
    index
}

#[test]
fn a_passage_says_where_it_stands() {
    let sections = vec![
        section("Conditions", 3, "An if statement runs its body when a condition holds."),
        section("Loops", 7, "A while loop repeats its body as long as a condition holds."),
    ];
    let index = fed(&[Change::Put(material("cs", "m", 0, sections))]);
    let best = index.search(&asker("cs"), "How does a while loop repeat?").expect("a search").remove(0);
    assert_eq!((best.material_title.as_str(), best.title.as_str(), best.page()), ("Book m", "Loops", 7));
    assert_eq!(best.text(), "A while loop repeats its body as long as a condition holds.");
    assert_eq!((best.section, best.ordinal, best.hash.len()), (1, 1, 64));
}

#[test]
fn another_course_and_the_unreleased_are_not_there() {
    let index = fed(&[
        one("cs", "open", NOW, "recursion calls itself"),
        one("cs", "later", NOW + 1, "recursion calls itself again"),
        one("math", "other", 0, "recursion in mathematics"),
    ]);
    assert_eq!(found(&index, "cs", "recursion"), ["open"]);
    assert_eq!(found(&index, "math", "recursion"), ["other"]);
    assert!(found(&index, "", "recursion").is_empty());
}

#[test]
fn what_is_for_staff_alone_is_refused_and_nothing_of_its_batch_is_kept() {
    let index = fed(&[]);
    let mut key = material("cs", "key", 0, vec![section("Answers", 1, "CANARY-7 forty two")]);
    key.audience = Audience::Staff;
    let refused = index.apply(&[one("cs", "m", 0, "loops"), Change::Put(key)], "2");
    assert!(matches!(refused, Err(SearchError::StaffOnly { material }) if material == "key"));
    assert!(found(&index, "cs", "CANARY-7 forty two loops").is_empty());
    assert_eq!(index.position().expect("a position").as_deref(), Some("1"));
}

#[test]
fn a_change_is_found_at_once_and_what_it_replaced_no_longer() {
    let index = fed(&[one("cs", "m", 0, "tuples are immutable")]);
    index.apply(&[one("cs", "m", 0, "lists can grow")], "2").expect("a change");
    assert!(found(&index, "cs", "immutable tuples").is_empty());
    assert_eq!(found(&index, "cs", "growing lists"), ["m"]);
    index.apply(&[Change::Remove("m".into())], "3").expect("a change");
    assert!(found(&index, "cs", "growing lists").is_empty());
    assert_eq!(index.chunks(), 0);
}

#[test]
fn a_material_that_is_staff_only_now_leaves_with_its_removal() {
    let index = fed(&[one("cs", "m", 0, "the answer is forty two")]);
    index.apply(&[Change::Remove("m".into())], "2").expect("a change");
    assert!(found(&index, "cs", "forty two").is_empty());
}

#[test]
fn an_index_is_found_again_with_its_position_and_one_of_another_version_is_made_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("search");
    let open = |path: &Path| Index::open(path).expect("an index");
    open(&path).apply(&[one("cs", "m", 0, "loops repeat")], "event 7").expect("a change");
    let again = open(&path);
    assert_eq!(found(&again, "cs", "loop"), ["m"]);
    assert_eq!(again.position().expect("a position").as_deref(), Some("event 7"));
    drop(again);
    std::fs::write(path.join("lectern-version"), "0").expect("a file");
    let anew = open(&path);
    assert_eq!((anew.chunks(), anew.position().expect("a position")), (0, None));
}

#[test]
fn an_overview_gives_way_to_the_section_that_explains() {
    let text = "Recursion is when a function calls itself.";
    let sections = vec![section("Summary", 1, text), section("Recursive functions", 2, text)];
    let index = fed(&[Change::Put(material("cs", "m", 0, sections))]);
    let titles = index.search(&asker("cs"), "What is recursion?").expect("a search");
    assert_eq!(titles.iter().map(|p| p.title.as_str()).collect::<Vec<_>>(), ["Recursive functions", "Summary"]);
}

#[test]
fn at_most_two_passages_are_of_one_section_and_five_in_all() {
    let long = "recursion base case. ".repeat(300);
    let sections = (0..4).map(|n| section(&format!("Part {n}"), n + 1, &long)).collect();
    let index = fed(&[Change::Put(material("cs", "m", 0, sections))]);
    let kept = index.search(&asker("cs"), "recursion").expect("a search");
    assert_eq!(kept.len(), KEPT);
    for n in 0..4 {
        assert!(kept.iter().filter(|passage| passage.section == n).count() <= 2);
    }
}

#[test]
fn no_words_find_nothing() {
    let index = fed(&[one("cs", "m", 0, "loops")]);
    assert!(found(&index, "cs", "?!… ").is_empty());
    assert!(found(&index, "cs", "").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_question(question in ".{0,400}") {
        let index = fed(&[one("cs", "m", 0, "what is f(x) = x^2 + 1?")]);
        for passage in index.search(&asker("cs"), &question).expect("a search") {
            prop_assert_eq!(passage.text(), "what is f(x) = x^2 + 1?");
        }
    }
}

#[test]
fn only_the_materials_that_the_asker_may_see_are_searched() {
    let index = fed(&[one("cs", "open", 0, "A loop repeats."), one("cs", "closed", 0, "A loop repeats its body.")]);
    let found = |among: &[String]| {
        let asker = Asker { among: Some(among), ..asker("cs") };
        let passages = index.search(&asker, "loop").expect("a search");
        passages.into_iter().map(|passage| passage.material).collect::<Vec<_>>()
    };
    assert_eq!(found(&["open".into()]), ["open"]);
    assert_eq!(found(&["open".into(), "closed".into()]).len(), 2);
    assert!(found(&[]).is_empty());
}
