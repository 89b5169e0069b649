//! What is told and what is merely said.

use super::*;

const KEY: [u8; 32] = [7; 32];

fn guard(answer: &str, so_far: &str) -> Guard {
    Guard::new(Fingerprint::new(KEY, answer, ""), so_far)
}

#[test]
fn an_answer_that_is_told_is_caught_however_it_is_written() {
    let guard = guard("He takes 1,200 steps", "How many steps does he take?");
    for told in ["That makes $1200.", "It is 1,200 steps.", "1200.0!", "So, wouldn't that be 1200?", "600 × 2 = 1200"]
    {
        assert_eq!(guard.check(told), Verdict::TellsAnswer, "{told}");
    }
    for said in ["What is 600 times 2?", "Do you see 1200 anywhere?", "Try 1200 / 2 first."] {
        assert_eq!(guard.check(said), Verdict::Fine, "{said}");
    }
}

#[test]
fn a_number_that_was_said_before_counts_only_as_a_result() {
    let guard = guard("49", "We have 49 computers. I think 57 is the answer.");
    assert_eq!(guard.check("You started with 49 computers."), Verdict::Fine);
    assert_eq!(guard.check("The total is 49."), Verdict::TellsAnswer);
}

#[test]
fn what_the_tutor_asks_to_be_computed_is_guarded_without_a_key() {
    let asked = |question| Guard::new(Fingerprint::default(), question).asked(question);
    for (question, told) in [
        ("What is the value of 85-77?", "It equals 8."),
        ("What is the product of 9 and 8?", "Actually, it is 72."),
        ("How many times does 4 go into 9?", "It goes two times."),
        ("What is the difference between 31 and 25?", "The length is 6."),
        ("Subtract 25 from 31.", "That leaves 6."),
        ("What is 7*60?", "The product is 420, not 520."),
        ("What is 4 centimetres - 0 centimetres?", "It is just 4."),
        ("What times 3 is 24?", "So 8 is the answer."),
    ] {
        assert_eq!(asked(question).check(told), Verdict::TellsAnswer, "{question}");
        assert_eq!(asked(question).check("Have another look at it."), Verdict::Fine);
    }
    assert_eq!(asked("What is the value of pi?").check("It is about 3.14."), Verdict::TellsAnswer);
    assert_eq!(asked("What is the value of pi?").check("One thing: it has no end."), Verdict::Fine);
    assert_eq!(
        asked("What is the name of the shape?").check("A shape with six sides is a hexagon."),
        Verdict::TellsAnswer
    );
    assert_eq!(asked("What is the name of the shape?").check("How many sides does the shape have?"), Verdict::Fine);
    assert_eq!(asked("What is the value of pi?").check("2 points for trying."), Verdict::Fine);
    assert!(asked("How are you?").is_idle());
}

#[test]
fn words_of_the_key_are_caught_unless_the_conversation_has_them() {
    let key = "The loop never ends because the counter is not increased in its body.";
    let print = Fingerprint::new(KEY, "", key);
    let guard = Guard::new(print.clone(), "Why does it hang?");
    assert_eq!(guard.check("It hangs because the counter is not increased in its body"), Verdict::RepeatsKey);
    assert_eq!(guard.check("Look at what the counter does."), Verdict::Fine);
    let quoted = Guard::new(print, "I wrote: because the counter is not increased in its body");
    assert_eq!(quoted.check("You wrote because the counter is not increased in its body"), Verdict::Fine);
}

#[test]
fn nothing_is_given_away_by_a_fingerprint_but_digests() {
    let print = format!("{:?}", Fingerprint::new(KEY, "CANARY 4711", "CANARY-KEY one two three four five six"));
    assert!(!print.contains("CANARY") && !print.contains("4711"));
}

proptest::proptest! {
    #[test]
    fn any_sentence_has_a_verdict(sentence in ".{0,200}", so_far in ".{0,100}") {
        let guard = guard("42", &so_far).asked(&so_far);
        let _ = guard.check(&sentence);
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written(n in 0u32..100_000_000) {
        let grouped = n.to_string().as_bytes().rchunks(3).rev()
            .map(|group| std::str::from_utf8(group).expect("digits")).collect::<Vec<_>>().join(",");
        for written in [n.to_string(), grouped, format!("${n}.00")] {
            let guard = guard(&n.to_string(), "");
            proptest::prop_assert_eq!(guard.check(&format!("It is {written}.")), Verdict::TellsAnswer);
        }
    }
}
