//! What reading, checking and letting out costs a token, and whether a citation dangles.
//!
//! ```text
//! cargo run --release -p lectern-tutor --example relay
//! ```
//!
//! A thousand answers of a hundred words, which cite what was given and what was not, go through the stream reader and the
//! release with a guarded key. The output is one line of JSON.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use lectern_search::{Part, Passage};
use lectern_tutor::citations;
use lectern_tutor::leaks::{Fingerprint, Guard};
use lectern_tutor::release::{Release, Released};
use lectern_tutor::stream::Reader;

const ANSWERS: u32 = 1_000;
const WORDS: u32 = 100;

fn passages() -> Vec<Passage> {
    let text = "A while loop repeats its body as long as its condition holds. ".repeat(12);
    let passage = |ordinal| Passage {
        material: "book".into(),
        material_title: "Book".into(),
        title: "Loops".into(),
        section: ordinal,
        ordinal,
        hash: String::new(),
        parts: vec![Part { page: ordinal + 1, text: text.clone() }],
        score: 1.0,
    };
    (0..5).map(passage).collect()
}

fn main() {
    let given = passages();
    let key = "the counter must be increased in the body of the loop ".repeat(20);
    let guard = Guard::new(Fingerprint::new([3; 32], "4711", &key), "How many steps?");
    let words = ["The", "while", "loop", "repeats", "[1].", "Its", "condition", "holds", "[7, 2].", "12"];
    let mut dangling = 0_u32;
    let start = Instant::now();
    for _ in 0..ANSWERS {
        let mut reader = Reader::default();
        let mut release = Release::new(guard.clone(), &given);
        let mut released = Vec::new();
        for word in words.iter().cycle().take(WORDS as usize) {
            let line = format!("{{\"message\":{{\"role\":\"assistant\",\"content\":\"{word} \"}},\"done\":false}}\n");
            released.extend(release.feed(&reader.feed(line.as_bytes())));
        }
        released.extend(release.finish());
        for sentence in released {
            let Released::Sentence(cited) = sentence else { continue };
            let again = citations::check(&cited.text, &given);
            dangling += u32::from(again.text != cited.text || cited.text.contains("[7"));
        }
    }
    let a_token = start.elapsed().as_secs_f64() * 1e3 / f64::from(ANSWERS * WORDS);
    println!("{{\"relay_ms_per_token\":{a_token:.6},\"dangling_citations\":{dangling}}}");
}
