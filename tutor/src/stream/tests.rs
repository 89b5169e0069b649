//! Every fault that was seen, at every place where the bytes may be split.

use super::*;

const DONE: &str = r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":3}"#;

fn line(text: &str) -> String {
    format!("{}\n", serde_json::json!({"message": {"role": "assistant", "content": text}, "done": false}))
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, End) {
    let mut reader = Reader::default();
    let mut text = String::new();
    for piece in pieces {
        text += &reader.feed(piece);
    }
    let (rest, end) = reader.finish();
    (text + &rest, end)
}

/// Every body that was seen to go wrong somewhere, with what it is.
fn bodies() -> Vec<(String, &'static str, End)> {
    let said = line("Grüße, ") + &line("Zoë 🦆");
    let counts = Counts { prompt: 9, answer: 3 };
    let error = || End::UpstreamError("model runner has unexpectedly stopped".into());
    vec![
        (format!("{said}{DONE}\n"), "Grüße, Zoë 🦆", End::Stop(counts)),
        (format!("{said}{DONE}"), "Grüße, Zoë 🦆", End::Stop(counts)),
        (format!("{said}\r\n\n{DONE}\n"), "Grüße, Zoë 🦆", End::Stop(counts)),
        (format!("{said}{}\n", DONE.replace("stop", "length")), "Grüße, Zoë 🦆", End::Length(counts)),
        (format!("{said}{{\"error\":\"model runner has unexpectedly stopped\"}}\n"), "Grüße, Zoë 🦆", error()),
        (said.clone(), "Grüße, Zoë 🦆", End::Truncated),
        (format!("{said}{}", &DONE[..40]), "Grüße, Zoë 🦆", End::Truncated),
        (String::new(), "", End::Truncated),
        (format!("{said}{DONE}\n{}", line("after the end")), "Grüße, Zoë 🦆", End::Stop(counts)),
    ]
}

#[test]
fn no_byte_is_lost_and_every_end_is_told_wherever_the_body_is_split() {
    for (body, text, end) in bodies() {
        let bytes = body.as_bytes();
        for at in 0..=bytes.len() {
            let read = read([&bytes[..at], &bytes[at..]]);
            assert_eq!((read.0.as_str(), &read.1), (text, &end), "split at {at}: {body}");
        }
        let by_byte = read(bytes.chunks(1));
        assert_eq!((by_byte.0.as_str(), by_byte.1), (text, end));
    }
}

#[test]
fn what_is_no_answer_is_an_error_and_not_an_end() {
    for body in ["<html>\n", "{}\n", "[1]\n", "{\"message\":{\"content\":\"\u{fffd}\"", "\u{0}\n"] {
        let (text, end) = read([body.as_bytes()]);
        assert_eq!(text, "");
        assert!(!end.is_whole(), "{body}: {end:?}");
    }
    let (_, end) = read([b"{\"message\":{\"content\":\"\xff\"},\"done\":false}\n".as_slice()]);
    assert!(matches!(end, End::UpstreamError(_)), "{end:?}");
    let reason = DONE.replace("\"stop\"", "\"unload\"") + "\n";
    assert!(matches!(read([reason.as_bytes()]).1, End::UpstreamError(_)));
}

#[test]
fn a_line_without_an_end_is_not_collected_for_ever() {
    let mut reader = Reader::default();
    let piece = vec![b' '; 64 * 1024];
    for _ in 0..=MOST_LINE_BYTES / piece.len() {
        reader.feed(&piece);
    }
    assert!(matches!(reader.end(), Some(End::UpstreamError(_))));
}

proptest::proptest! {
    #[test]
    fn any_bytes_come_to_an_end(pieces in proptest::collection::vec(proptest::collection::vec(0u8.., 0..40), 0..10)) {
        let (_, end) = read(pieces.iter().map(Vec::as_slice));
        proptest::prop_assert!(!end.is_whole());
    }

    #[test]
    fn any_text_arrives_as_it_was_sent(texts in proptest::collection::vec(".{0,20}", 0..8), size in 1usize..50) {
        let body = texts.iter().map(|text| line(text)).collect::<String>() + DONE;
        let (text, end) = read(body.as_bytes().chunks(size));
        proptest::prop_assert_eq!(text, texts.concat());
        proptest::prop_assert!(end.is_whole());
    }
}
