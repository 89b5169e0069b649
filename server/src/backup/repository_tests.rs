use super::super::manifest::tests::sample;
use super::*;

const PASSPHRASE: &[u8] = b"a passphrase for tests";
const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const LATER: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAW";

fn made() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("repository");
    Repository::init(&root, PASSPHRASE).unwrap();
    (temp, root)
}

fn open(root: &Path, access: Access) -> Repository {
    Repository::open(root, PASSPHRASE, access).unwrap()
}

#[test]
fn content_comes_back_to_the_byte_and_is_stored_once() {
    let (_temp, root) = made();
    let repository = open(&root, Access::Write);
    let first = repository.store(&mut &b"content"[..]).unwrap();
    assert!(first.added_bytes > 0);
    let again = repository.store(&mut &b"content"[..]).unwrap();
    assert_eq!(again, Stored { added_bytes: 0, ..first });
    assert!(repository.has(&first.content.digest));
    assert!(!repository.has(&blake3::hash(b"other")));
    repository.sync().unwrap();
    let mut content = Vec::new();
    repository.read_object(&first.content.digest, "a", &mut content).unwrap();
    assert_eq!(content, b"content");
    assert_eq!(fs::read_dir(root.join(PARTIAL)).unwrap().count(), 0);
}

#[test]
fn a_backup_exists_once_its_manifest_does_and_the_newest_is_the_default() {
    let (_temp, root) = made();
    let repository = open(&root, Access::Write);
    assert!(matches!(repository.manifest_or_newest(None), Err(BackupError::NoBackups(_))));
    for id in [LATER, ID] {
        repository.add_manifest(&sample(id)).unwrap();
    }
    assert_eq!(repository.backups().unwrap(), [ID, LATER]);
    assert_eq!(repository.manifest_or_newest(None).unwrap(), sample(LATER));
    assert_eq!(repository.manifest_or_newest(Some(ID)).unwrap(), sample(ID));
    for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAX", "../repository.json", ""] {
        assert!(matches!(repository.manifest(unknown), Err(BackupError::NoBackup { .. })), "{unknown}");
    }
}

#[test]
fn a_manifest_in_the_place_of_another_is_refused() {
    let (_temp, root) = made();
    let repository = open(&root, Access::Write);
    repository.add_manifest(&sample(ID)).unwrap();
    fs::copy(repository.manifest_path(ID), repository.manifest_path(LATER)).unwrap();
    assert!(matches!(repository.manifest(LATER), Err(BackupError::Damaged { .. })));
}

#[test]
fn damaged_missing_and_exchanged_content_is_refused_by_name() {
    let (_temp, root) = made();
    let repository = open(&root, Access::Write);
    let [one, other] =
        [&b"one"[..], b"other"].map(|mut content| repository.store(&mut content).unwrap().content.digest);
    let path = repository.object(&one);
    let why = || repository.read_object(&one, "000007.sst", &mut Vec::new()).unwrap_err().to_string();
    fs::copy(repository.object(&other), &path).unwrap();
    assert!(why().contains("000007.sst") && why().contains("something else"), "{}", why());
    let mut bytes = fs::read(&path).unwrap();
    bytes[50] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(why().contains("000007.sst") && why().contains("damaged"), "{}", why());
    fs::remove_file(&path).unwrap();
    assert!(why().contains("missing"), "{}", why());
}

#[test]
fn a_repository_opens_with_its_passphrase_only_and_is_made_in_an_empty_directory_only() {
    let (temp, root) = made();
    let refused = |root: &Path, passphrase: &[u8]| Repository::open(root, passphrase, Access::Read).err().unwrap();
    assert!(matches!(refused(&root, b"another passphrase"), BackupError::WrongPassphrase(_)));
    assert!(matches!(refused(temp.path(), PASSPHRASE), BackupError::NoRepository(_)));
    assert!(matches!(Repository::init(&root, PASSPHRASE), Err(BackupError::NotEmpty(_))));
    let header = fs::read_to_string(root.join(FILE)).unwrap();
    fs::write(root.join(FILE), header.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(matches!(refused(&root, PASSPHRASE), BackupError::Newer { .. }));
}

#[test]
fn who_writes_is_alone_and_who_reads_is_not() {
    let (_temp, root) = made();
    let again = |access| Repository::open(&root, PASSPHRASE, access).map(|_| ());
    let reading = open(&root, Access::Read);
    assert!(again(Access::Read).is_ok());
    assert!(matches!(again(Access::Write), Err(BackupError::Busy(_))));
    drop(reading);
    let _writing = open(&root, Access::Write);
    assert!(matches!(again(Access::Read), Err(BackupError::Busy(_))));
}

#[test]
fn what_an_interrupted_backup_was_writing_is_swept_away_by_the_next() {
    let (_temp, root) = made();
    fs::write(root.join(PARTIAL).join("half"), "half").unwrap();
    drop(open(&root, Access::Read));
    assert!(root.join(PARTIAL).join("half").exists());
    drop(open(&root, Access::Write));
    assert!(!root.join(PARTIAL).join("half").exists());
}

#[test]
fn what_no_backup_names_is_deleted() {
    let (_temp, root) = made();
    let repository = open(&root, Access::Write);
    let [kept, other] = [&b"kept"[..], b"other"].map(|mut content| repository.store(&mut content).unwrap());
    assert_eq!(repository.delete_all_but([kept.content.digest].iter()).unwrap(), (1, other.added_bytes));
    assert!(repository.has(&kept.content.digest) && !repository.has(&other.content.digest));
}
