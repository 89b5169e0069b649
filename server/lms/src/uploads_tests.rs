use lectern_proto::CHUNK_BYTES;
use lectern_proto::internal::v1::{EnrollmentRecord, UsageRecord, command::Body};
use lectern_proto::v1::{EnrollmentState, SubmissionType};

use super::*;
use crate::fixture::{Class, HOUR_MS};
use crate::fixture_files::{bytes, chunk, declare};
use crate::keys::NO_ID;

fn class() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |settings| {
        settings.submission_types = vec![SubmissionType::Files.into(), SubmissionType::Directory.into()];
    });
    class
}

fn missing(class: &Class, who: &str, upload_id: &str) -> std::result::Result<Vec<u32>, String> {
    let request = v1::GetUploadRequest { upload_id: upload_id.into() };
    let upload = class.world.ask(who, |view| get_upload(view, &request))?.upload.unwrap();
    Ok(upload.files[0].missing.clone())
}

fn used(class: &Class, who: &str) -> UsageRecord {
    class.world.store.record(Table::Usage, &key2(&class.course_id, who)).unwrap().unwrap_or_default()
}

#[test]
fn an_upload_goes_on_with_what_is_missing() {
    let mut class = class();
    let data = bytes(1, 3 * CHUNK_BYTES + 5);
    let upload = class.begin("tom", &[("book.pdf", &data)]).unwrap();
    assert_eq!(upload.files[0].chunk_count, 4);
    assert_eq!(class.put_chunk("tom", chunk(&upload.upload_id, 0, 2, &data)), Ok(3));
    assert_eq!(class.put_chunk("tom", chunk(&upload.upload_id, 0, 2, &data)), Ok(3), "again");
    assert_eq!(class.put_chunk("tom", chunk(&upload.upload_id, 0, 3, &data)), Ok(2));
    assert_eq!(missing(&class, "tom", &upload.upload_id), Ok(vec![0, 1]));
    assert_eq!(missing(&class, "ines", &upload.upload_id), Err("NOT_FOUND".into()));
}

#[test]
fn a_chunk_must_be_what_was_declared() {
    let mut class = class();
    let data = bytes(1, CHUNK_BYTES + 5);
    let upload = class.begin("tom", &[("a", &data)]).unwrap();
    let good = chunk(&upload.upload_id, 0, 1, &data);
    let with = |change: &dyn Fn(&mut v1::PutChunkRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (reason, request) in [
        ("INVALID_ARGUMENT", with(&|it| it.file_index = 1)),
        ("INVALID_ARGUMENT", with(&|it| it.chunk_index = 2)),
        ("INVALID_ARGUMENT", with(&|it| it.chunk_index = 0)),
        ("INVALID_ARGUMENT", with(&|it| it.data = it.data.slice(1..))),
        ("DIGEST_MISMATCH", with(&|it| it.digest[0] ^= 1)),
        ("DIGEST_MISMATCH", with(&|it| it.digest = Vec::new())),
        ("NOT_FOUND", with(&|it| it.upload_id = "nothing".into())),
    ] {
        assert_eq!(class.put_chunk("tom", request), Err(reason.into()));
    }
    class.put_chunk("tom", good).unwrap();
    let other = bytes(2, CHUNK_BYTES + 5);
    assert_eq!(class.put_chunk("tom", chunk(&upload.upload_id, 0, 1, &other)), Err("DIGEST_MISMATCH".into()));
}

#[test]
fn another_students_chunk_cannot_be_claimed_by_its_digest() {
    let mut class = class();
    let secret = bytes(7, CHUNK_BYTES + 100);
    let files: &[(&str, &[u8])] = &[("essay.txt", &secret)];
    class.hand_in("ada", "hw1", files).unwrap();
    // Bob has read the digests on Ada's receipt, and declares the same file without having it.
    let pledge = class.pledge("bob", "hw1", files).unwrap();
    let upload_id = pledge.upload.unwrap().upload_id;
    assert_eq!(missing(&class, "bob", &upload_id), Ok(vec![0, 1]), "presence does not show");
    assert_eq!(class.submit("bob", "hw1", "", &pledge.pledge_id), Err("CHUNKS_MISSING".into()));
    let mut empty = chunk(&upload_id, 0, 0, &secret);
    empty.data = vec![0; CHUNK_BYTES].into();
    assert_eq!(class.put_chunk("bob", empty), Err("DIGEST_MISMATCH".into()));
    // Nor can a session of another person be used or fed.
    let of_ada = class.pledge("ada", "hw1", files).unwrap();
    let ada_upload = of_ada.upload.unwrap().upload_id;
    assert_eq!(class.put_chunk("bob", chunk(&ada_upload, 0, 0, &secret)), Err("NOT_FOUND".into()));
    assert_eq!(class.submit("bob", "hw1", "", &of_ada.pledge_id), Err("UPLOAD_EXPIRED".into()));
}

#[test]
fn uploads_for_the_course_are_the_staffs() {
    let mut class = class();
    assert_eq!(class.begin("ada", &[("a", b"x")]).unwrap_err(), "WRONG_ROLE");
    assert_eq!(class.begin("eve", &[("a", b"x")]).unwrap_err(), "NOT_FOUND");
    assert!(class.begin("ines", &[("a", b"x")]).is_ok());
}

#[test]
fn declarations_are_checked_before_anything_is_sent() {
    let mut class = class();
    let file = |name: &str, size: u64| FileDeclaration { size, ..declare(name, b"x") };
    let short_digest = FileDeclaration { digest: vec![1; 31], ..declare("a", b"x") };
    let many = (0..=limits::FILES_PER_UPLOAD).map(|number| file(&format!("{number}"), 1)).collect();
    let too_large_together = (0..11).map(|number| file(&format!("{number}"), limits::FILE_BYTES)).collect();
    for (reason, files) in [
        ("INVALID_ARGUMENT", vec![]),
        ("INVALID_ARGUMENT", vec![file("../a", 1)]),
        ("INVALID_ARGUMENT", vec![short_digest]),
        ("DUPLICATE_NAME", vec![file("a", 1), file("A", 1)]),
        ("TOO_LARGE", vec![file("a", limits::FILE_BYTES + 1)]),
        ("TOO_LARGE", too_large_together),
        ("TOO_MANY", many),
    ] {
        assert_eq!(class.pledge_declared("ada", "hw1", files).map(|_| ()), Err(reason.into()));
    }
    assert_eq!(used(&class, &class.ada), UsageRecord::default());
}

#[test]
fn quotas_count_files_and_what_open_uploads_declared() {
    let mut class = class();
    class.change_course(|course| course.student_quota_bytes = 100);
    class.hand_in("ada", "hw1", &[("a", &[1; 40])]).unwrap();
    let open = class.pledge("ada", "hw1", &[("b", &[2; 40])]).unwrap();
    assert_eq!(class.pledge("ada", "hw1", &[("c", &[3; 30])]).unwrap_err(), "QUOTA_EXCEEDED");
    assert!(class.pledge("bob", "hw1", &[("c", &[3; 30])]).is_ok(), "another student has another quota");
    let request = v1::WithdrawPledgeRequest { pledge_id: open.pledge_id };
    class.world.run::<v1::WithdrawPledgeResponse>("ada", Body::WithdrawPledge(request)).unwrap();
    assert!(class.pledge("ada", "hw1", &[("c", &[3; 30])]).is_ok());
    class.change_course(|course| course.course_quota_bytes = 120);
    assert_eq!(class.begin("ines", &[("book", &[4; 30])]).unwrap_err(), "QUOTA_EXCEEDED");
    assert!(class.begin("ines", &[("book", &[4; 20])]).is_ok());
}

#[test]
fn open_uploads_are_limited() {
    let mut class = class();
    for number in 0..limits::OPEN_UPLOADS {
        class.begin("tom", &[(&format!("{number}"), b"x")]).unwrap();
    }
    assert_eq!(class.begin("tom", &[("more", b"x")]).unwrap_err(), "TOO_MANY");
    class.advance(limits::UPLOAD_WINDOW_MS + 1);
    assert!(class.begin("tom", &[("more", b"x")]).is_ok());
}

#[test]
fn an_upload_that_is_not_finished_in_time_leaves_nothing_behind() {
    let mut class = class();
    let data = bytes(3, 2 * CHUNK_BYTES);
    let pledge = class.pledge("ada", "hw1", &[("a", &data)]).unwrap();
    let upload_id = pledge.upload.unwrap().upload_id;
    class.put_chunk("ada", chunk(&upload_id, 0, 0, &data)).unwrap();
    class.world.now_ms += limits::UPLOAD_WINDOW_MS + 1;
    assert_eq!(class.put_chunk("ada", chunk(&upload_id, 0, 1, &data)), Err("UPLOAD_EXPIRED".into()));
    class.advance(0);
    for table in [
        Table::Uploads,
        Table::UploadChunks,
        Table::ChunkHolds,
        Table::Chunks,
        Table::Pledges,
        Table::PledgesById,
        Table::Schedule,
    ] {
        assert_eq!(class.world.store.len(table), 0, "{table:?}");
    }
    assert_eq!((used(&class, &class.ada), used(&class, NO_ID)), Default::default());
}

#[test]
fn an_outage_at_the_end_of_the_window_extends_it() {
    let mut class = class();
    let files: &[(&str, &[u8])] = &[("a", b"bytes")];
    let pledge = class.pledge("ada", "hw1", files).unwrap();
    class.world.now_ms += limits::UPLOAD_WINDOW_MS + 10_000;
    class.end_outage(20_000);
    class.advance(30_000);
    class.send("ada", pledge.upload.as_ref().unwrap(), files);
    assert!(class.submit("ada", "hw1", "", &pledge.pledge_id).is_ok());
}

#[test]
fn equal_chunks_are_stored_once_and_collected_when_nothing_names_them() {
    let mut class = class();
    let same = bytes(5, CHUNK_BYTES);
    let twice = [&*same, &*same].concat();
    let mut create = |slug: &str, files: &[(&str, &[u8])]| {
        let upload_id = class.upload("ines", files);
        let request = v1::CreateMaterialRequest {
            course: "cs101".into(),
            slug: slug.into(),
            title: slug.into(),
            upload_id,
            ..v1::CreateMaterialRequest::default()
        };
        class.world.run::<v1::CreateMaterialResponse>("ines", Body::CreateMaterial(request)).unwrap();
    };
    create("one", &[("one.txt", &same)]);
    create("two", &[("two.txt", &twice)]);
    assert_eq!(class.world.store.len(Table::Chunks), 1);
    for (material, left) in [("two", 1), ("one", 0)] {
        let request = v1::DeleteMaterialRequest { course: "cs101".into(), material: material.into() };
        class.world.run::<v1::DeleteMaterialResponse>("ines", Body::DeleteMaterial(request)).unwrap();
        class.advance(0);
        assert_eq!(class.world.store.len(Table::Chunks), left, "after {material}");
    }
    assert_eq!(class.world.store.len(Table::ChunkHolds), 0);
    assert_eq!(used(&class, NO_ID).bytes, 0);
}

#[test]
fn a_chunk_that_comes_again_before_it_is_collected_stays() {
    let mut class = class();
    let files: &[(&str, &[u8])] = &[("a", b"the same")];
    let pledge = class.pledge("ada", "hw1", files).unwrap();
    class.send("ada", pledge.upload.as_ref().unwrap(), files);
    let request = v1::WithdrawPledgeRequest { pledge_id: pledge.pledge_id };
    class.world.run::<v1::WithdrawPledgeResponse>("ada", Body::WithdrawPledge(request)).unwrap();
    class.hand_in("bob", "hw1", files).unwrap();
    class.advance(HOUR_MS);
    assert_eq!(class.world.store.len(Table::Chunks), 1);
}

#[test]
fn bytes_that_are_not_the_declared_file_are_refused_at_the_end() {
    let mut class = class();
    let (declared, sent) = (bytes(1, CHUNK_BYTES + 1), bytes(2, CHUNK_BYTES + 1));
    let pledge = class.pledge("ada", "hw1", &[("a", &declared)]).unwrap();
    class.send("ada", pledge.upload.as_ref().unwrap(), &[("a", &sent)]);
    assert_eq!(class.submit("ada", "hw1", "", &pledge.pledge_id), Err("DIGEST_MISMATCH".into()));
}

#[test]
fn who_lost_their_role_may_not_go_on() {
    let mut class = class();
    let upload = class.begin("tom", &[("a", b"x")]).unwrap();
    let tom = lookup_id(&class, "tom");
    let key = key2(&class.course_id, &tom);
    let mut enrollment: EnrollmentRecord = class.world.store.record(Table::Enrollments, &key).unwrap().unwrap();
    enrollment.set_state(EnrollmentState::Inactive);
    class.put(Table::Enrollments, key, &enrollment);
    assert_eq!(class.put_chunk("tom", chunk(&upload.upload_id, 0, 0, b"x")), Err("NOT_FOUND".into()));
}

fn lookup_id(class: &Class, username: &str) -> String {
    crate::lookup::user(&class.world.store, username).unwrap().unwrap().user.unwrap().user_id
}
