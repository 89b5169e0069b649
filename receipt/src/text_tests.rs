use lectern_proto::v1::{FileRef, PersonRef};
use proptest::prelude::*;

use super::*;

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn submission() -> Submission {
    let file = |name: &str, size| FileRef { name: name.into(), size, digest: vec![9; 32], ..FileRef::default() };
    Submission {
        submission_id: "01K4SUBMISSION".into(),
        course_slug: "cs101".into(),
        assignment_slug: "hw1".into(),
        submitter: Some(PersonRef { user_id: "01K4ADA".into(), username: "ada".into(), name: "Ada".into() }),
        attempt: 2,
        submitted_at_ms: 1_788_264_000_123,
        stamped_at_ms: 1_788_264_001_000,
        due_at_ms: Some(1_788_270_000_000),
        text: "hello".into(),
        text_digest: vec![8; 32],
        files: vec![file("src/main file.rs", 12), file("notes.txt", 0)],
        index: 118,
        term: 2,
        ..Submission::default()
    }
}

fn verify(bytes: &[u8]) -> Result<PublicKey, ReceiptError> {
    Receipt::read(bytes)?.verify(&[key().public()])
}

#[test]
fn a_receipt_is_a_text_that_a_person_reads_and_its_key_verifies() {
    let text = sign("01K4CLUSTER", &submission(), &key());
    let shown = format!(
        "Lectern receipt, format 1\ncluster: 01K4CLUSTER\ncourse: cs101\nassignment: hw1\nstudent: ada 01K4ADA\nattempt: 2\n\
         submission: 01K4SUBMISSION\nhanded in: 2026-09-01T12:00:00.123Z\nstored: 2026-09-01T12:00:01Z\n\
         due: 2026-09-01T13:40:00Z\nlate: no\nlog: index 118, term 2\ndigests: BLAKE3\ntext: {} 5\n\
         file: {nine} 12 src/main file.rs\nfile: {nine} 0 notes.txt\nkey: {}\nsignature: ",
        "08".repeat(32),
        key().public().id(),
        nine = "09".repeat(32),
    );
    assert!(text.starts_with(&shown), "{text}");
    assert_eq!(text.len(), shown.len() + SIGNATURE_DIGITS + 1);
    assert_eq!(verify(text.as_bytes()), Ok(key().public()));
    assert_eq!(sign("01K4CLUSTER", &submission(), &key()), text, "the same facts, the same bytes");
}

#[test]
fn an_unknown_key_is_told_from_a_change_and_both_from_what_is_no_receipt() {
    let text = sign("C", &submission(), &key());
    let receipt = Receipt::read(text.as_bytes()).unwrap();
    let other = SigningKey::from_seed(&[8; 32]).public();
    assert_eq!(receipt.verify(&[other]), Err(ReceiptError::UnknownKey(key().public().id())));
    assert_eq!(receipt.verify(&[other, key().public()]), Ok(key().public()));
    assert_eq!(verify(text.replace("late: no", "late: yes").as_bytes()), Err(ReceiptError::Changed));
    for no_receipt in
        ["", "hello\n", "Lectern receipt, format 2\n", "Lectern receipt, format 1\n", &text[..text.len() - 1]]
    {
        assert!(matches!(verify(no_receipt.as_bytes()), Err(ReceiptError::NotAReceipt(_))), "{no_receipt}");
    }
}

#[test]
fn no_name_can_write_a_line_of_a_receipt() {
    let mut forged = submission();
    forged.files[0].name = "a\nlate: yes\nfile: b".into();
    let text = sign("C", &forged, &key());
    let receipt = Receipt::read(text.as_bytes()).unwrap();
    assert_eq!(receipt.fact("late"), Some("no"));
    assert_eq!(receipt.facts().filter(|(name, _)| *name == "late").count(), 1);
}

#[test]
fn the_same_submission_signed_by_another_key_says_the_same() {
    let read = |submission: &Submission, seed| {
        Receipt::read(sign("C", submission, &SigningKey::from_seed(&[seed; 32])).as_bytes()).unwrap()
    };
    assert_eq!(read(&submission(), 1).differences(&read(&submission(), 2)), []);
    let late = Submission { late: true, ..submission() };
    assert_eq!(read(&submission(), 1).differences(&read(&late, 1)), [("late: no", "late: yes")]);
}

/// One byte changed, removed or added, anywhere.
#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Remove,
    Insert(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![any::<u8>().prop_map(Change::Set), Just(Change::Remove), any::<u8>().prop_map(Change::Insert)]
}

proptest! {
    #[test]
    fn whatever_byte_is_changed_the_receipt_does_not_verify(
        at in any::<prop::sample::Index>(), change in change(), name in "\\PC{0,12}", text in "\\PC{0,8}",
    ) {
        let mut submission = submission();
        submission.files[0].name = name;
        submission.text = text;
        let whole = sign("01K4CLUSTER", &submission, &key()).into_bytes();
        prop_assert_eq!(verify(&whole), Ok(key().public()));
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        match change {
            Change::Set(byte) => bytes[at] = byte,
            Change::Remove => drop(bytes.remove(at)),
            Change::Insert(byte) => bytes.insert(at, byte),
        }
        prop_assume!(bytes != whole);
        prop_assert!(verify(&bytes).is_err(), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_bit_of_a_receipt_counts() {
    let whole = sign("01K4CLUSTER", &submission(), &key()).into_bytes();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(verify(&bytes).is_err(), "byte {at}, bit {bit}");
        }
    }
}
