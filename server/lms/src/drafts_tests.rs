use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::Class;

fn class() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class
}

fn save(
    class: &mut Class,
    who: &str,
    text: &str,
    base_revision: u64,
) -> std::result::Result<v1::SaveDraftResponse, String> {
    let request = v1::SaveDraftRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: text.into(),
        base_revision,
        device_label: "laptop".into(),
    };
    class.world.run(who, Body::SaveDraft(request))
}

fn get(class: &Class, who: &str, revision: u64) -> std::result::Result<v1::DraftRevision, String> {
    let request = v1::GetDraftRequest { course: "cs101".into(), assignment: "hw1".into(), revision };
    Ok(class.world.ask(who, |view| get_draft(view, &request))?.draft.unwrap())
}

#[test]
fn two_laptops_never_overwrite_each_other() {
    let mut class = class();
    assert_eq!(save(&mut class, "ada", "one", 0).unwrap().conflicting_revision, None);
    assert_eq!(save(&mut class, "ada", "two", 1).unwrap().conflicting_revision, None);
    let other = save(&mut class, "ada", "other two", 1).unwrap();
    assert_eq!((other.saved.unwrap().revision, other.conflicting_revision), (3, Some(2)));
    assert_eq!(get(&class, "ada", 2).unwrap().text, "two");
    assert_eq!(get(&class, "ada", 0).unwrap().text, "other two");
    assert_eq!(save(&mut class, "ada", "from nowhere", 9).unwrap_err(), "INVALID_ARGUMENT");
}

#[test]
fn a_draft_is_its_writers_alone() {
    let mut class = class();
    save(&mut class, "ada", "secret", 0).unwrap();
    assert_eq!(class.world.events[0].audience, Audience::User(class.ada.clone()));
    assert_eq!(get(&class, "bob", 0).unwrap_err(), "NOT_FOUND");
    for staff in ["tom", "ines", "root"] {
        assert_eq!(get(&class, staff, 0).unwrap_err(), "WRONG_ROLE", "{staff}");
        assert_eq!(save(&mut class, staff, "text", 0).unwrap_err(), "WRONG_ROLE", "{staff}");
    }
}

#[test]
fn the_last_revisions_are_kept_and_listed_newest_first() {
    let mut class = class();
    for revision in 0..limits::DRAFT_REVISIONS + 2 {
        save(&mut class, "ada", &format!("text {revision}"), revision).unwrap();
    }
    assert_eq!(get(&class, "ada", 2).unwrap_err(), "NOT_FOUND");
    assert_eq!(get(&class, "ada", 3).unwrap().text, "text 2");
    let request = v1::ListDraftRevisionsRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        page_size: 40,
        ..v1::ListDraftRevisionsRequest::default()
    };
    let first = class.world.ask("ada", |view| list_draft_revisions(view, &request)).unwrap();
    assert_eq!((first.revisions[0].revision, &*first.revisions[0].text), (52, ""));
    let request = v1::ListDraftRevisionsRequest { page_token: first.next_page_token, ..request };
    let rest = class.world.ask("ada", |view| list_draft_revisions(view, &request)).unwrap();
    assert_eq!((rest.revisions.len(), rest.revisions.last().unwrap().revision), (10, 3));
    assert_eq!(rest.next_page_token, "");
}

#[test]
fn a_draft_has_a_limit() {
    let mut class = class();
    let text = "x".repeat(usize::try_from(limits::TEXT_BYTES).unwrap() + 1);
    assert_eq!(save(&mut class, "ada", &text, 0).unwrap_err(), "TOO_LONG");
}
