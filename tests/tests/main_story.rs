//! The main story: a course from roster to grade, by subcommands, on three nodes, while leaders are killed.

use std::fs;
use std::path::PathBuf;

use lectern_tests::cluster::{Cluster, make_file};
use lectern_tests::{Person, wait};
use serde_json::Value;

const MIB: usize = 1024 * 1024;

#[test]
fn a_course_from_roster_to_grade_survives_the_death_of_two_leaders_and_of_the_whole_cluster() {
    let mut cluster = Cluster::start();
    let admin = cluster.admin();
    let instructor = cluster.account(&admin, "noether", "Emmy Noether");
    set_up_the_course(&cluster, &admin, &instructor);
    let student = activate_from_the_exported_codes(&cluster, &instructor);
    let reading = publish_a_real_pdf(&cluster, &instructor, &student);

    // The student drafts, then hands in 20 MB; the leader dies while they travel.
    let essay = "Every symmetry has its conserved quantity.\n";
    let draft = student.run_with_input(&["draft", "save", "cs101/hw1", "-"], essay).json();
    assert_eq!(draft["revision"], 1);
    let big = cluster.path("measurements.bin");
    make_file(&big, 20 * MIB, 7);
    let mut upload =
        student.start(&["submit", "cs101/hw1", big.to_str().expect("UTF-8"), "--draft", "--comment", "as discussed"]);
    await_chunks(&cluster, &student, &mut upload);
    let first = cluster.kill_leader();
    let receipt = upload.finish().json();
    assert_eq!(receipt["submission"]["attempt"], 1);
    assert_eq!(receipt["submission"]["late"], false);
    assert_eq!(receipt["submission"]["text"], essay);
    let digest = b3sum(&big);
    assert_eq!(receipt["submission"]["files"][0]["digest"], digest.as_str());
    cluster.start_node(first);

    // The instructor grades; the leader dies in the middle of it.
    let waiting = instructor.run(&["submission", "list", "cs101/hw1", "--needs-grading"]).json();
    assert_eq!(waiting["submissions"].as_array().map(Vec::len), Some(1), "{waiting}");
    let second = cluster.kill_leader();
    let graded = instructor
        .run(&["grade", "set", "cs101/hw1", "ada", "87.5", "--feedback", "Clear and complete; see page 3."])
        .json();
    assert_eq!(graded["grade"]["score"], "87.5");
    cluster.start_node(second);
    let unseen = student.run(&["grade", "list", "cs101"]).json();
    assert_eq!(unseen["grades"][0]["grade"], Value::Null, "a grade is hidden until it is posted: {unseen}");
    instructor.run(&["grade", "post", "cs101/hw1"]).ok();
    assert_the_student_sees_the_grade(&student);

    // Everything dies at once, and everything is still there.
    cluster.await_caught_up();
    (1..=3).for_each(|node| cluster.kill(node));
    cluster.start_all();
    assert_the_student_sees_the_grade(&student);
    let back = cluster.path("back");
    student.run(&["submission", "fetch", "cs101/hw1", "--dir", back.to_str().expect("UTF-8")]).ok();
    assert!(
        fs::read(back.join("measurements.bin")).expect("fetched") == fs::read(&big).expect("made"),
        "byte for byte"
    );
    if let Some((path, slug)) = reading {
        let saved = cluster.path("saved.pdf");
        student.run(&["material", "save", &format!("cs101/{slug}"), "--output", saved.to_str().expect("UTF-8")]).ok();
        assert!(fs::read(saved).expect("saved") == fs::read(path).expect("installed"), "byte for byte");
    }
    let kept = student.run(&["draft", "show", "cs101/hw1"]).json();
    assert_eq!(kept["text"], essay);
    cluster.assert_none_stopped();
}

fn set_up_the_course(cluster: &Cluster, admin: &Person, instructor: &Person) {
    admin
        .run(&["course", "create", "cs101", "--code", "CS 101", "--title", "Invariants", "--instructor", "noether"])
        .ok();
    instructor.run(&["course", "publish", "cs101"]).ok();
    let users = "user_id,login_id,full_name,email,status\n\
                 s-1,ada,Ada Lovelace,ada@example.org,active\n\
                 s-2,grace,Grace Hopper,grace@example.org,active\n";
    let enrollments = "course_id,user_id,role,section_id,status\n\
                       cs101,s-1,student,,active\n\
                       cs101,s-2,student,,active\n";
    fs::write(cluster.path("users.csv"), users).expect("the folder is writable");
    fs::write(cluster.path("enrollments.csv"), enrollments).expect("the folder is writable");
    let (users, enrollments) = (cluster.path("users.csv"), cluster.path("enrollments.csv"));
    let import = [
        "roster",
        "import",
        "cs101",
        "--enrollments",
        enrollments.to_str().expect("UTF-8"),
        "--users",
        users.to_str().expect("UTF-8"),
    ];
    let preview = instructor.run(&[&import[..], &["--preview"]].concat()).json();
    let saved = instructor.run(&import).json();
    assert_eq!(preview["rows"], saved["rows"], "the preview equals what is saved");
    assert_eq!(saved["invited"], 2);
    instructor
        .run(&[
            "assignment",
            "create",
            "cs101/hw1",
            "--title",
            "Symmetry",
            "--points",
            "100",
            "--due",
            "+2d",
            "--type",
            "text",
            "--type",
            "files",
        ])
        .ok();
}

fn activate_from_the_exported_codes(cluster: &Cluster, instructor: &Person) -> Person {
    let codes = instructor.run(&["roster", "codes", "cs101"]).json();
    let all = codes["codes"].as_array().expect("codes");
    assert_eq!(all.len(), 2, "{codes}");
    let ada = all.iter().find(|code| code["username"] == "ada").expect("ada has a code");
    cluster.activate("ada", ada["code"].as_str().expect("a code is text")).with("lectern-student")
}

/// Uploads a PDF of Debian's documentation and reads it as the student; skipped, saying so, where none is installed.
fn publish_a_real_pdf(cluster: &Cluster, instructor: &Person, student: &Person) -> Option<(PathBuf, &'static str)> {
    let Some(pdf) = real_pdf(cluster) else {
        eprintln!("skipped: no PDF of debian-reference-en or developers-reference is installed here");
        return None;
    };
    let path = pdf.to_str().expect("UTF-8");
    instructor.run(&["material", "add", "cs101", path, "--slug", "reference", "--title", "The reference"]).ok();
    let pages = student.run(&["material", "read", "cs101/reference", "--page", "2", "--pages", "3"]).json();
    assert_eq!(pages["pages"][0]["number"], 2);
    assert!(pages["total_pages"].as_u64() > Some(20), "a book has pages: {}", pages["total_pages"]);
    let text: String =
        pages["pages"].as_array().expect("pages").iter().filter_map(|page| page["text"].as_str()).collect();
    assert!(text.contains("Debian"), "the text is the book's: {text}");
    Some((pdf, "reference"))
}

fn real_pdf(cluster: &Cluster) -> Option<PathBuf> {
    let plain = [
        "/usr/share/developers-reference/developers-reference.pdf",
        "/usr/share/doc/developers-reference/developers-reference.pdf",
        "/usr/share/debian-reference/debian-reference.en.pdf",
        "/usr/share/doc/debian-reference-common/docs/debian-reference.en.pdf",
    ];
    if let Some(path) = plain.iter().map(PathBuf::from).find(|path| path.exists()) {
        return Some(path);
    }
    let packed = plain.iter().map(|path| PathBuf::from(format!("{path}.gz"))).find(|path| path.exists())?;
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(packed).output().ok()?;
    let path = cluster.path("reference.pdf");
    fs::write(&path, unpacked.stdout).expect("the folder is writable");
    Some(path)
}

/// Waits until the upload is in its middle: pledged, some chunks stored, not all.
fn await_chunks(cluster: &Cluster, student: &Person, upload: &mut lectern_tests::program::Running) {
    wait::until("chunks of the upload", lectern_tests::cluster::PATIENCE, || {
        assert!(upload.is_running(), "the upload ended before the leader could be killed");
        let attempts = student.run(&["submission", "list", "cs101/hw1"]).json();
        let pledge = attempts["pledges"].get(0)?;
        let missing = pledge["missing_chunks"].as_u64()?;
        let total = (20 * MIB).div_ceil(lectern_proto::CHUNK_BYTES) as u64;
        (missing > 0 && missing < total).then_some(())
    });
    assert_eq!(cluster.status()["nodes"].as_array().map(Vec::len), Some(3));
}

fn assert_the_student_sees_the_grade(student: &Person) {
    let seen = student.run(&["grade", "list", "cs101"]).json();
    assert_eq!(seen["grades"][0]["grade"]["score"], "87.5", "{seen}");
    assert_eq!(seen["grades"][0]["grade"]["feedback"], "Clear and complete; see page 3.");
}

fn b3sum(path: &std::path::Path) -> String {
    blake3::hash(&fs::read(path).expect("readable")).to_hex().to_string()
}
