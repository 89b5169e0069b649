//! Receipts on this machine: fetched, verified with keys that are pinned to the profile, and kept.
//!
//! They are kept in `receipts/PROFILE/USERNAME/COURSE/ASSIGNMENT-ATTEMPT.receipt` below the state directory. The keys come from the
//! cluster while it is connected to, the way the profile trusts it; after that a receipt is verified without it.

use std::fs;
use std::path::{Path, PathBuf};

use lectern_proto::v1;
pub use lectern_receipt::{PublicKey, Receipt, ReceiptError};
use tonic::Code;

use crate::local::read_regular;
use crate::upload::malformed;
use crate::{Client, ClientError, Dirs, Profiles, private_file};

const EXTENSION: &str = "receipt";

/// A receipt, as text and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The text, as it was signed.
    pub text: String,
    /// What it says.
    pub receipt: Receipt,
}

/// Asks the cluster for its keys, and pins them to the profile.
pub async fn pin_keys(
    client: &Client,
    profiles: &Profiles,
    profile: &str,
) -> Result<v1::ListReceiptKeysResponse, ClientError> {
    let told = client.call(v1::ListReceiptKeysRequest {}).await?;
    let keys = told.keys.iter().map(|key| PublicKey::try_from(&*key.public_key));
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(|_| malformed("a receipt key"))?;
    profiles.pin_receipt_keys(profile, &keys)?;
    Ok(told)
}

/// Fetches the receipt of an attempt, and verifies it. A key that is new here is asked for and pinned.
pub async fn fetch(
    client: &Client,
    profiles: &Profiles,
    profile: &str,
    request: v1::GetReceiptRequest,
) -> Result<Signed, ClientError> {
    let text = client.call(request).await?.receipt;
    let receipt = Receipt::read(text.as_bytes()).map_err(|error| refused(&error))?;
    let mut keys = profiles.receipt_keys(profile)?;
    if matches!(receipt.verify(&keys), Err(ReceiptError::UnknownKey(_))) {
        pin_keys(client, profiles, profile).await?;
        keys = profiles.receipt_keys(profile)?;
    }
    receipt.verify(&keys).map_err(|error| refused(&error))?;
    Ok(Signed { text, receipt })
}

/// Reads a receipt from a file; says nothing of its worth.
pub fn read(path: &Path) -> Result<Signed, ClientError> {
    let bytes = read_regular(path, lectern_receipt::MAX_RECEIPT_BYTES)?;
    let receipt = Receipt::read(&bytes).map_err(|error| refused(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| refused(&ReceiptError::NotAReceipt("it is not UTF-8 text")))?;
    Ok(Signed { text, receipt })
}

/// Keeps a receipt in its place; returns where that is.
pub fn keep(dirs: &Dirs, profile: &str, signed: &Signed) -> Result<PathBuf, ClientError> {
    let fact = |name: &str| part(signed.receipt.fact(name).unwrap_or_default());
    let username = part(signed.receipt.fact("student").and_then(|it| it.split(' ').next()).unwrap_or_default());
    let folder = folder(dirs, profile).join(username).join(fact("course"));
    let path = folder.join(format!("{}-{}.{EXTENSION}", fact("assignment"), fact("attempt")));
    // One that was signed by an earlier key is as good as this one.
    let same = read(&path).is_ok_and(|kept| kept.receipt.differences(&signed.receipt).is_empty());
    if !same {
        private_file::replace(&path, &signed.text)?;
    }
    Ok(path)
}

/// The receipts that are kept for a profile, in the order of their paths.
pub fn kept(dirs: &Dirs, profile: &str) -> Result<Vec<PathBuf>, ClientError> {
    let (mut folders, mut found) = (vec![folder(dirs, profile)], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ClientError::io(&folder, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| ClientError::io(&folder, error))?;
            let (kind, path) = (entry.file_type().map_err(|error| ClientError::io(&folder, error))?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn folder(dirs: &Dirs, profile: &str) -> PathBuf {
    dirs.state.join("receipts").join(part(profile))
}

/// A name as a part of a path that leads nowhere else.
fn part(name: &str) -> String {
    let clean = name.replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '@' | '+'), "_");
    if clean.is_empty() { "_".into() } else { clean }
}

/// What is wrong with a receipt, as a refusal with a reason of its own.
pub fn refused(error: &ReceiptError) -> ClientError {
    let reason = match error {
        ReceiptError::NotAReceipt(_) => "NOT_A_RECEIPT",
        ReceiptError::UnknownKey(_) => "RECEIPT_KEY_UNKNOWN",
        ReceiptError::Changed => "RECEIPT_CHANGED",
    };
    ClientError::refused(Code::DataLoss, reason, error.to_string())
}

#[cfg(test)]
mod tests {
    use lectern_receipt::{SigningKey, sign};

    use super::*;

    fn signed(course: &str, attempt: u32, seed: u8) -> Signed {
        let submission = v1::Submission {
            course_slug: course.into(),
            assignment_slug: "hw1".into(),
            submitter: Some(v1::PersonRef { username: "ada".into(), ..v1::PersonRef::default() }),
            attempt,
            ..v1::Submission::default()
        };
        let text = sign("C", &submission, &SigningKey::from_seed(&[seed; 32]));
        Signed { receipt: Receipt::read(text.as_bytes()).unwrap(), text }
    }

    #[test]
    fn receipts_are_kept_by_what_they_say_and_one_that_says_the_same_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { config: dir.path().join("config"), state: dir.path().join("state") };
        assert_eq!(kept(&dirs, "default").unwrap(), Vec::<PathBuf>::new());
        let first = keep(&dirs, "default", &signed("cs101", 1, 1)).unwrap();
        assert_eq!(first, dirs.state.join("receipts/default/ada/cs101/hw1-1.receipt"));
        let second = keep(&dirs, "default", &signed("cs101", 2, 1)).unwrap();
        assert_eq!(keep(&dirs, "default", &signed("cs101", 1, 2)).unwrap(), first);
        assert_eq!(read(&first).unwrap(), signed("cs101", 1, 1), "the earlier key's is as good");
        assert_eq!(kept(&dirs, "default").unwrap(), [first, second]);
        let outside = keep(&dirs, "../x", &signed("../../etc", 1, 1)).unwrap();
        assert!(outside.starts_with(dirs.state.join("receipts")) && !outside.to_str().unwrap().contains(".."));
    }
}
