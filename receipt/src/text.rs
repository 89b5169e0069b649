//! The text: written, read and verified.

use std::fmt::Write as _;

use jiff::Timestamp;
use lectern_proto::v1::Submission;

use crate::key::{from_hex, to_hex};
use crate::{PublicKey, SigningKey};

const HEADING: &str = "Lectern receipt, format 1";
const SIGNATURE: &str = "signature: ";
/// Hexadecimal digits of a signature.
const SIGNATURE_DIGITS: usize = 128;

/// A larger file is no receipt: 500 files of the longest names fit.
pub const MAX_RECEIPT_BYTES: u64 = 1 << 20;

/// Why a receipt is worth nothing, or cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It has not the shape of one.
    #[error("this is no receipt: {0}")]
    NotAReceipt(&'static str),
    /// It names a key that is not among those that are known.
    #[error("it is signed with key {0}, which is not known here: nothing can be said of it")]
    UnknownKey(String),
    /// It is not what the key has signed.
    #[error("this is not what the cluster signed: the receipt was changed, or it is a forgery")]
    Changed,
}

/// The signed receipt of a stored submission.
pub fn sign(cluster_id: &str, submission: &Submission, key: &SigningKey) -> String {
    let mut text = facts(cluster_id, submission, &key.public().id());
    let signature = to_hex(&key.sign(text.as_bytes()));
    text.push_str(SIGNATURE);
    text.push_str(&signature);
    text.push('\n');
    text
}

/// What is signed.
fn facts(cluster_id: &str, submission: &Submission, key_id: &str) -> String {
    let student = submission.submitter.clone().unwrap_or_default();
    let mut text = format!("{HEADING}\n");
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {}", one_line(value));
    };
    fact("cluster", cluster_id);
    fact("course", &submission.course_slug);
    fact("assignment", &submission.assignment_slug);
    fact("student", &format!("{} {}", student.username, student.user_id));
    fact("attempt", &submission.attempt.to_string());
    fact("submission", &submission.submission_id);
    fact("handed in", &time(submission.submitted_at_ms));
    fact("stored", &time(submission.stamped_at_ms));
    fact("due", &submission.due_at_ms.map_or_else(|| "no date".into(), time));
    fact("late", if submission.late { "yes" } else { "no" });
    fact("log", &format!("index {}, term {}", submission.index, submission.term));
    fact("digests", "BLAKE3");
    if !submission.text_digest.is_empty() {
        fact("text", &format!("{} {}", to_hex(&submission.text_digest), submission.text.len()));
    }
    for file in &submission.files {
        fact("file", &format!("{} {} {}", to_hex(&file.digest), file.size, file.name));
    }
    fact("key", key_id);
    text
}

/// UTC, with as many digits of a second as there are.
fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| time.to_string())
}

/// A value never begins a line of its own, whatever a name holds.
fn one_line(value: &str) -> String {
    value.chars().flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// A receipt that was read. Nothing it says is to be believed before [`Receipt::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    signed: String,
    signature: Vec<u8>,
}

impl Receipt {
    /// Reads the bytes of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let not = ReceiptError::NotAReceipt;
        if bytes.len() as u64 > MAX_RECEIPT_BYTES {
            return Err(not("it is too large"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| not("it is not UTF-8 text"))?;
        if text.lines().next() != Some(HEADING) {
            return Err(not("its first line is another one"));
        }
        let without_newline = text.strip_suffix('\n').ok_or(not("its last line has no end"))?;
        let (before, last) = without_newline.rsplit_once('\n').ok_or(not("it has no signature"))?;
        let digits = last.strip_prefix(SIGNATURE).filter(|digits| digits.len() == SIGNATURE_DIGITS);
        let signature = digits.and_then(from_hex).ok_or(not("its last line is no signature"))?;
        Ok(Self { signed: format!("{before}\n"), signature })
    }

    /// The value of a line, `attempt` for instance; the first one of that name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts().find(|(of, _)| *of == name).map(|(_, value)| value)
    }

    /// All lines as names and values, in their order.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.signed.lines().skip(1).filter_map(|line| line.split_once(": "))
    }

    /// The id of the key that it says it is signed with.
    pub fn key_id(&self) -> &str {
        self.fact("key").unwrap_or_default()
    }

    /// Whether one of these keys has signed exactly this; the key that has.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<PublicKey, ReceiptError> {
        let named: Vec<&PublicKey> = keys.iter().filter(|key| key.id() == self.key_id()).collect();
        if named.is_empty() {
            return Err(ReceiptError::UnknownKey(self.key_id().to_owned()));
        }
        let signer = named.into_iter().find(|key| key.has_signed(self.signed.as_bytes(), &self.signature));
        signer.copied().ok_or(ReceiptError::Changed)
    }

    /// What differs from another receipt of the same submission, line by line as (here, there): the key that signed is no
    /// difference.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'a str, &'a str)> {
        let lines = |receipt: &'a Self| receipt.signed.lines().filter(|line| !line.starts_with("key: "));
        let (mut here, mut there) = (lines(self), lines(other));
        let mut differing = Vec::new();
        loop {
            match (here.next(), there.next()) {
                (None, None) => return differing,
                (one, two) if one != two => differing.push((one.unwrap_or("nothing"), two.unwrap_or("nothing"))),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
