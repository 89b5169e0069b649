//! What a tutor's question asks to be computed: `85-77`, "the product of 9 and 8", "how many times 4 goes into 6".

use super::numbers::{Number, numbers, of_value};

/// How two numbers are put together, by the words or signs between them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Plus,
    Minus,
    Times,
    Over,
    /// The second over the first.
    Into,
    /// The larger minus the smaller.
    Difference,
    /// The second minus the first.
    From,
    /// The second over the first, which is the factor that is asked for.
    Factor,
}

/// The results of what is asked for in a text; none where nothing is.
pub(super) fn results(text: &str) -> Vec<String> {
    let found = numbers(text);
    let mut results = Vec::new();
    for pair in found.windows(2) {
        let [first, second] = pair else { continue };
        let (Ok(a), Ok(b)) = (first.value.parse::<f64>(), second.value.parse::<f64>()) else { continue };
        let Some(operation) = operation(text, first, second) else { continue };
        for value in compute(operation, a, b) {
            let value = of_value(value);
            if !results.contains(&value) {
                results.push(value);
            }
        }
    }
    results
}

fn compute(operation: Operation, a: f64, b: f64) -> Vec<f64> {
    // A division is right with its remainder left out, too.
    let ratio = |a: f64, b: f64| if b == 0.0 { Vec::new() } else { vec![a / b, (a / b).floor()] };
    match operation {
        Operation::Plus => vec![a + b],
        Operation::Minus => vec![a - b],
        Operation::Times => vec![a * b],
        Operation::Over => ratio(a, b),
        Operation::Into => ratio(b, a),
        Operation::Difference => vec![(a - b).abs()],
        Operation::From => vec![b - a],
        Operation::Factor => ratio(b, a).into_iter().take(1).collect(),
    }
}

fn operation(text: &str, first: &Number, second: &Number) -> Option<Operation> {
    let between: String = text[first.end..second.start].trim().trim_end_matches('$').trim().to_lowercase();
    let before = text[..first.start].trim_end().trim_end_matches('$').trim_end().to_lowercase();
    match without_unit(&between) {
        "+" | "plus" | "added to" => return Some(Operation::Plus),
        "-" | "–" | "−" | "minus" => return Some(Operation::Minus),
        "*" | "x" | "×" | "times" | "multiplied by" | "multiply by" => return Some(Operation::Times),
        "/" | "÷" | "divided by" | "divide by" => return Some(Operation::Over),
        "is" | "equals" | "makes" if before.ends_with("what times") => return Some(Operation::Factor),
        _ => {}
    }
    let joined = matches!(between.as_str(), "and" | "to");
    let named = |words: &[&str]| joined && words.iter().any(|word| before.ends_with(word));
    if named(&["sum of", "add", "adding"]) {
        Some(Operation::Plus)
    } else if named(&["product of"]) {
        Some(Operation::Times)
    } else if named(&["difference between", "difference of"]) {
        Some(Operation::Difference)
    } else if between == "from" && before.ends_with("subtract") {
        Some(Operation::From)
    } else if between.contains("go") && between.split_whitespace().any(|word| matches!(word, "in" | "into")) {
        Some(Operation::Into)
    } else {
        None
    }
}

/// What stands between two numbers, without the unit of the first: `centimetres -` is `-`.
fn without_unit(between: &str) -> &str {
    let Some((unit, sign)) = between.split_once(char::is_whitespace) else { return between };
    let sign = sign.trim();
    let is_sign = !sign.is_empty() && sign.chars().all(|c| "+-–−*×/÷".contains(c));
    if is_sign && unit.chars().all(char::is_alphabetic) { sign } else { between }
}
