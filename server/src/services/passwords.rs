//! Passwords: what a good one is, and argon2id on a bounded pool.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use lectern_lms::Reason;
use tonic::Status;
use unicode_normalization::UnicodeNormalization as _;

use super::errors;
use super::gate::Gate;

/// The fewest characters.
const MIN_CHARS: usize = 10;
/// The most bytes: argon2 hashes its whole input, and nobody types a book.
const MAX_BYTES: usize = 1024;
/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Sign-ins that wait: a large class at the beginning of an hour.
const QUEUE: usize = 512;

/// Beginnings of the passwords that are tried first, of ten characters and more or padded to it. Compared without case, and
/// with what only pads them (digits and signs at the end) taken away.
const COMMON: &[&str] = &[
    "abcdefghij",
    "administrator",
    "asdfghjkl",
    "asdfghjklqwertyuiop",
    "baseball",
    "basketball",
    "changeme",
    "chocolate",
    "computer",
    "correcthorsebatterystaple",
    "default",
    "dragon",
    "football",
    "iloveyou",
    "iloveyouforever",
    "lectern",
    "letmein",
    "liverpool",
    "manchester",
    "master",
    "michael",
    "monkey",
    "password",
    "passwort",
    "princess",
    "qazwsxedc",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "qwertzuiop",
    "secret",
    "shadow",
    "spiderman",
    "starwars",
    "student",
    "sunshine",
    "superman",
    "teacher",
    "trustno",
    "university",
    "universitaet",
    "unknown",
    "welcome",
    "whatever",
    "zaq1zaq1",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "q1w2e3r4t5",
];

/// Refuses a password that is too short, too common, or the username.
pub fn check(username: &str, password: &str) -> Result<(), Status> {
    let weak = |message: &str| Err(errors::refused(Reason::WeakPassword, message));
    if password.len() > MAX_BYTES {
        return weak("a password has at most 1024 bytes");
    }
    if password.nfc().count() < MIN_CHARS {
        return weak("a password has at least 10 characters; four random words make a good one");
    }
    let lower = password.to_lowercase();
    let username = username.to_lowercase();
    let core = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    if !username.is_empty() && (lower == username || core == username) {
        return weak("a password must not be the username; four random words make a good one");
    }
    if COMMON.contains(&core) || COMMON.contains(&lower.as_str()) || is_a_run(&lower) {
        return weak("this password is among the first that are tried; four random words make a good one");
    }
    Ok(())
}

/// One or two characters repeated, or one sequence such as 1234567890 or abcdefghijk.
fn is_a_run(password: &str) -> bool {
    let chars: Vec<u32> = password.chars().map(u32::from).collect();
    let mut distinct = chars.clone();
    distinct.sort_unstable();
    distinct.dedup();
    // 0 comes after 9 on a keyboard.
    let follows = |a: u32, b: u32| b == a + 1 || (a == u32::from('9') && b == u32::from('0'));
    distinct.len() < 3
        || chars.windows(2).all(|pair| follows(pair[0], pair[1]))
        || chars.windows(2).all(|pair| follows(pair[1], pair[0]))
}

/// Hashes and verifies, at most as many at once as the machine has cores.
#[derive(Clone)]
pub struct Passwords {
    gate: Gate,
    /// What the password of an unknown user is compared with, so that it takes as long as a known one's.
    nobody: Arc<str>,
}

impl Passwords {
    /// Hashes one password, so it takes some tens of milliseconds.
    pub fn new() -> Result<Self, argon2::password_hash::Error> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let nobody = hash_now("nobody's password")?;
        Ok(Self { gate: Gate::new("sign-ins", cores, QUEUE), nobody: nobody.into() })
    }

    /// The PHC string of `password`.
    pub async fn hash(&self, password: String) -> Result<String, Status> {
        let hashed = self.run(move || hash_now(&password)).await?;
        hashed.map_err(|error| errors::internal(&error.to_string()))
    }

    /// Whether `password` belongs to the PHC string `hash`. Without one it does not, and takes as long to say so.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Status> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let nobody = Arc::clone(&self.nobody);
        self.run(move || {
            let matches = verify_now(&password, hash.as_deref().unwrap_or(&nobody));
            matches && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
        let place = self.gate.enter().await?;
        // The place belongs to the work, not to the call: a call that is given up does not make room for another.
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|error| errors::internal(&error.to_string()))
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The same text typed on different systems may arrive composed or decomposed.
fn normal(password: &str) -> String {
    password.nfc().collect()
}

fn hash_now(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(argon2().hash_password(normal(password).as_bytes())?.to_string())
}

fn verify_now(password: &str, hash: &str) -> bool {
    argon2().verify_password(normal(password).as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_common_and_obvious_passwords_are_refused() {
        let weak = [
            "",
            "short",
            "123456789",
            "password123",
            "Password1234!",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "ababababab",
            "1234567890",
            "0987654321",
            "abcdefghijklm",
            "ada.lovelace",
            "Ada.Lovelace1815",
            "correcthorsebatterystaple",
        ];
        for password in weak {
            let status = check("ada.lovelace", password).expect_err(password);
            assert_eq!(status.code(), tonic::Code::InvalidArgument);
            assert!(password.is_empty() || !status.message().contains(password), "{password}");
        }
        assert!(check("ada", &"x y z".repeat(300)).is_err());
    }

    #[test]
    fn long_and_unusual_passwords_are_taken() {
        for password in ["lovelace writes notes", "grün-blau-7-Krähe", "tfjB7ahquk", "密码密码一二三四五六七八"]
        {
            assert!(check("ada", password).is_ok(), "{password}");
        }
    }

    #[tokio::test]
    async fn a_password_verifies_however_its_accents_were_typed() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("caf\u{e9} au lait".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("cafe\u{301} au lait".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("cafe au lait".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("nobody's password".into(), None).await.unwrap());
        assert_ne!(passwords.hash("caf\u{e9} au lait".into()).await.unwrap(), hash);
    }
}
