//! What is in an authority's folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lectern_certs::{Authority, CertsError, Term};
use lectern_tls::{Validity, read_certificates};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn keys_are_for_their_owner_alone() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("certs");
    let authority = Authority::found(&dir, "C1", Term::days(10)).unwrap();
    let node = authority.issue_node(1, &["n1.example.org".into(), "10.0.0.1".into()], Term::days(1), false).unwrap();
    let operator = authority.issue_operator("ada", Term::days(1), false).unwrap();
    assert_eq!(mode(&dir), 0o700);
    for key in [&dir.join("ca.key"), &node.key, &operator.key] {
        assert_eq!(mode(key), 0o600, "{}", key.display());
    }
    let renewed = authority.issue_node(1, &[], Term::days(1), true).unwrap();
    assert_eq!(mode(&renewed.key), 0o600);
}

#[test]
fn nothing_is_overwritten_and_what_is_renewed_is_kept() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let authority = Authority::found(dir, "C1", Term::days(10)).unwrap();
    let founded = fs::read(dir.join("ca.key")).unwrap();
    assert!(matches!(Authority::found(dir, "C1", Term::days(10)), Err(CertsError::Exists { .. })));
    assert_eq!(fs::read(dir.join("ca.key")).unwrap(), founded);
    assert!(matches!(authority.issue_node(1, &[], Term::days(1), true), Err(CertsError::Missing { .. })));
    let issued = authority.issue_node(1, &[], Term::days(1), false).unwrap();
    let first = fs::read(&issued.certificate).unwrap();
    assert!(matches!(authority.issue_node(1, &[], Term::days(1), false), Err(CertsError::Exists { .. })));
    assert_eq!(fs::read(&issued.certificate).unwrap(), first);
    authority.issue_node(1, &[], Term::days(1), true).unwrap();
    assert_ne!(fs::read(&issued.certificate).unwrap(), first);
    let kept = names(&dir.join("old"));
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.iter().any(|name| fs::read(dir.join("old").join(name)).unwrap() == first));
}

#[test]
fn a_half_written_pair_is_taken_back() {
    let temp = tempfile::tempdir().unwrap();
    let authority = Authority::found(temp.path(), "C1", Term::days(10)).unwrap();
    fs::write(temp.path().join("node-1.pem"), "somebody's").unwrap();
    assert!(matches!(authority.issue_node(1, &[], Term::days(1), false), Err(CertsError::Exists { .. })));
    assert!(!temp.path().join("node-1.key").exists());
}

#[test]
fn nothing_outlives_its_authority() {
    let temp = tempfile::tempdir().unwrap();
    let authority = Authority::found(temp.path(), "C1", Term::days(10)).unwrap();
    let issued = authority.issue_node(1, &[], Term::days(1_000), false).unwrap();
    let certificates = read_certificates(&issued.certificate).unwrap();
    assert_eq!(Validity::of(&certificates[0]).unwrap().not_after, authority.not_after());
}

#[test]
fn an_authority_that_follows_signs_and_both_are_trusted_until_one_retires() {
    let temp = tempfile::tempdir().unwrap();
    let first = Authority::found(temp.path(), "C1", Term::days(10)).unwrap();
    let (id, before) = (first.cluster().to_owned(), first.fingerprint());
    let second = first.succeed(Term::days(20)).unwrap();
    assert_ne!(second.fingerprint(), before);
    assert_eq!((second.cluster(), second.trusted()), (id.as_str(), 2));
    let issued = second.issue_node(1, &[], Term::days(1), false).unwrap();
    // The certificate, its authority, the link from the one before, and that one.
    assert_eq!(read_certificates(&issued.certificate).unwrap().len(), 4);
    let alone = second.retire().unwrap();
    assert_eq!(alone.trusted(), 1);
    assert_eq!(Authority::open(temp.path()).unwrap().fingerprint(), alone.fingerprint());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let authority = Authority::found(temp.path(), "C1", Term::days(10)).unwrap();
    assert!(matches!(authority.issue_node(0, &[], Term::days(1), false), Err(CertsError::Request(_))));
    for name in ["", "a b", "../ada", "a/b"] {
        assert!(matches!(authority.issue_operator(name, Term::days(1), false), Err(CertsError::Request(_))), "{name}");
    }
    assert!(authority.issue_node(1, &["not a host".into()], Term::days(1), false).is_err());
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Authority::open(empty.path()), Err(CertsError::NoAuthority { .. })));
    let other = tempfile::tempdir().unwrap();
    Authority::found(other.path(), "C1", Term::days(10)).unwrap();
    fs::copy(other.path().join("ca.key"), temp.path().join("ca.key")).unwrap();
    let words = Authority::open(temp.path()).unwrap_err().to_string();
    assert!(words.contains("another authority"), "{words}");
}
