use proptest::prelude::*;

use super::*;

#[test]
fn a_page_has_fifty_rows_unless_asked_and_never_more_than_five_hundred() {
    for (asked, rows) in [(0, 50), (1, 1), (500, 500), (501, 500), (u32::MAX, 500)] {
        assert_eq!(PageRequest::new(asked, "").unwrap().rows, rows);
    }
}

#[test]
fn a_page_goes_on_after_the_last_key_and_ends_when_it_came_short() {
    let page = PageRequest::new(2, "").unwrap();
    assert_eq!(page.after, None);
    let token = page.next_token(2, Some(b"key"));
    assert_eq!(PageRequest::new(2, &token).unwrap().after.as_deref(), Some(&b"key"[..]));
    assert_eq!((page.next_token(1, Some(b"key")), page.next_token(0, None)), (String::new(), String::new()));
}

#[test]
fn a_token_that_no_list_gave_is_refused() {
    for token in ["x", "abc", "é", "0 "] {
        assert!(PageRequest::new(0, token).is_err(), "{token}");
    }
}

proptest! {
    #[test]
    fn hexadecimal_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
    }
}
