//! Whether a sentence gives an answer away, decided before anybody sees it.
//!
//! The tutor cannot read keys and model solutions. What it gets for an assignment's question is a [`Fingerprint`]: keyed
//! digests of the answer's numbers and of every run of [`SHINGLE_WORDS`] words of the key, made where the key is. A digest
//! tells whether a sentence says the same; it does not tell what the key says. (A short number can be guessed by
//! trying all: the fingerprint keeps a tutor from repeating the key by accident or by persuasion, not a thief of the tutor's
//! memory from guessing.)
//!
//! Saying a number is not giving it away: a tutor may name what the question names, multiply with it, and ask about it. So a
//! number of the answer counts in these cases only:
//!
//! - it is not an operand of what is still to be computed;
//! - and it is told as a result ("which is …", "= …", "should be …"), and not asked about; or it is new in the
//!   conversation, and not merely asked about. A question with a "not" in it ("wouldn't that be …?") asks about nothing.
//!
//! Where there is no key for what the student was just asked, what the conversation itself asks for is guarded in the same
//! way ([`Guard::asked`]).

mod arithmetic;
mod guard;
mod numbers;
#[cfg(test)]
mod tests;

pub use guard::{Fingerprint, Guard, SHINGLE_WORDS, Verdict};
