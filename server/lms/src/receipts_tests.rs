use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::Class;

fn set(class: &mut Class, who: &str, number: u8) -> std::result::Result<v1::RotateReceiptKeyResponse, String> {
    let request = SetReceiptKey {
        salt: vec![number; 32],
        public_key: vec![number + 100; 32],
        key_id: format!("key {number}"),
        reason: "a laptop was lost".into(),
    };
    class.world.run(who, Body::SetReceiptKey(request))
}

fn receipt(class: &Class, who: &str, user: &str) -> std::result::Result<Facts, String> {
    let request =
        v1::GetReceiptRequest { course: "cs101".into(), assignment: "hw1".into(), user: user.into(), attempt: 1 };
    class.world.ask(who, |view| get_receipt(view, &request))
}

#[test]
fn the_cluster_sets_its_first_key_and_admins_rotate_it_with_old_ones_kept() {
    let mut class = Class::new();
    assert_eq!(current_key(&class.world.store), Ok(None));
    set(&mut class, "", 1).unwrap();
    for who in ["ada", "tom", "ines"] {
        assert_eq!(set(&mut class, who, 9).unwrap_err(), "WRONG_ROLE", "{who}");
    }
    class.world.now_ms += 1_000;
    set(&mut class, "root", 2).unwrap();
    let listed = list_receipt_keys(&class.world.store).unwrap().keys;
    let told: Vec<_> = listed.iter().map(|key| (&*key.key_id, key.public_key[0], key.retired_at_ms)).collect();
    assert_eq!(told, [("key 1", 101, Some(class.world.now_ms)), ("key 2", 102, None)]);
    assert_eq!(current_key(&class.world.store).unwrap().unwrap().salt, [2; 32]);
    let asked = v1::ListAuditRequest::default();
    let audit = class.world.ask("root", |view| crate::audit::list_audit(view, &asked)).unwrap().entries;
    assert_eq!((&*audit[0].action, &*audit[0].before, &*audit[0].after), ("receipt_key.set", "key 1", "key 2"));
    assert_eq!(audit[0].reason, "a laptop was lost");
}

#[test]
fn a_key_of_another_shape_is_refused() {
    let mut class = Class::new();
    let right = SetReceiptKey { salt: vec![1; 32], public_key: vec![1; 32], key_id: "k".into(), reason: String::new() };
    for wrong in [
        SetReceiptKey { salt: vec![1; 31], ..right.clone() },
        SetReceiptKey { public_key: Vec::new(), ..right.clone() },
        SetReceiptKey { key_id: String::new(), ..right.clone() },
    ] {
        let refused = class.world.run::<v1::RotateReceiptKeyResponse>("", Body::SetReceiptKey(wrong));
        assert_eq!(refused.unwrap_err(), "INVALID_ARGUMENT");
    }
}

#[test]
fn a_receipt_is_for_the_student_and_the_staff_and_there_is_none_before_the_first_key() {
    let mut class = Class::new();
    let (hw1, ada) = (class.assignment("hw1", 10, |_| {}), class.ada.clone());
    class.submission(&hw1, &ada, 1, false);
    assert_eq!(receipt(&class, "ada", "").unwrap_err(), "WRONG_STATE");
    set(&mut class, "", 1).unwrap();
    let own = receipt(&class, "ada", "").unwrap();
    assert_eq!((own.submission.attempt, &*own.key.key_id), (1, "key 1"));
    assert_eq!(receipt(&class, "tom", "ada"), Ok(own));
    assert_eq!(receipt(&class, "bob", "ada").unwrap_err(), "WRONG_ROLE");
    assert_eq!(receipt(&class, "eve", "ada").unwrap_err(), "NOT_FOUND");
    assert_eq!(receipt(&class, "bob", "").unwrap_err(), "NOT_FOUND", "bob has handed nothing in");
}
