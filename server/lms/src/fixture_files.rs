//! Uploading and handing in, as a client does it, for tests.

use lectern_proto::CHUNK_BYTES;
use lectern_proto::internal::v1::{Advance, CourseRecord, command::Body};
use lectern_proto::v1::{self, FileDeclaration};

use crate::fixture::Class;
use crate::keys::key1;
use crate::store::StoreExt;
use crate::tables::Table;

/// Bytes that look like nothing in particular; another `seed` gives others.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let mut data = vec![0; length];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut data);
    data
}

/// What a client declares of a file.
pub(crate) fn declare(name: &str, data: &[u8]) -> FileDeclaration {
    let digest = blake3::hash(data).as_bytes().to_vec();
    FileDeclaration { name: name.into(), size: data.len() as u64, digest }
}

/// The request that puts one chunk of a file.
pub(crate) fn chunk(upload_id: &str, file_index: u32, chunk_index: u32, data: &[u8]) -> v1::PutChunkRequest {
    let data = data.chunks(CHUNK_BYTES).nth(chunk_index as usize).unwrap_or_default().to_vec();
    let digest = blake3::hash(&data).as_bytes().to_vec();
    v1::PutChunkRequest { upload_id: upload_id.into(), file_index, chunk_index, data: data.into(), digest }
}

impl Class {
    pub(crate) fn begin(&mut self, who: &str, files: &[(&str, &[u8])]) -> Result<v1::Upload, String> {
        let files = files.iter().map(|(name, data)| declare(name, data)).collect();
        let request = v1::BeginUploadRequest { course: "cs101".into(), files };
        let begun: v1::BeginUploadResponse = self.world.run(who, Body::BeginUpload(request))?;
        Ok(begun.upload.unwrap())
    }

    pub(crate) fn put_chunk(&mut self, who: &str, request: v1::PutChunkRequest) -> Result<u32, String> {
        let put: v1::PutChunkResponse = self.world.run(who, Body::PutChunk(request))?;
        Ok(put.missing_in_file)
    }

    /// Puts every chunk of every file.
    pub(crate) fn send(&mut self, who: &str, upload: &v1::Upload, files: &[(&str, &[u8])]) {
        for (file_index, (_, data)) in (0..).zip(files) {
            for chunk_index in 0..crate::file_tree::chunk_count(data.len() as u64) {
                self.put_chunk(who, chunk(&upload.upload_id, file_index, chunk_index, data)).unwrap();
            }
        }
    }

    /// A complete upload of staff's; its id.
    pub(crate) fn upload(&mut self, who: &str, files: &[(&str, &[u8])]) -> String {
        let upload = self.begin(who, files).unwrap();
        self.send(who, &upload, files);
        upload.upload_id
    }

    pub(crate) fn pledge(
        &mut self,
        who: &str,
        assignment: &str,
        files: &[(&str, &[u8])],
    ) -> Result<v1::Pledge, String> {
        let files = files.iter().map(|(name, data)| declare(name, data)).collect();
        self.pledge_declared(who, assignment, files)
    }

    pub(crate) fn pledge_declared(
        &mut self,
        who: &str,
        assignment: &str,
        files: Vec<FileDeclaration>,
    ) -> Result<v1::Pledge, String> {
        let request = v1::PledgeRequest {
            course: "cs101".into(),
            assignment: assignment.into(),
            files,
            ..v1::PledgeRequest::default()
        };
        let pledged: v1::PledgeResponse = self.world.run(who, Body::Pledge(request))?;
        Ok(pledged.pledge.unwrap())
    }

    /// Hands in a text, or files by pledge where `pledge_id` is not empty.
    pub(crate) fn submit(
        &mut self,
        who: &str,
        assignment: &str,
        text: &str,
        pledge_id: &str,
    ) -> Result<v1::SubmitResponse, String> {
        self.world.run(who, submit_body(assignment, text, pledge_id))
    }

    /// Pledges, uploads and hands in.
    pub(crate) fn hand_in(
        &mut self,
        who: &str,
        assignment: &str,
        files: &[(&str, &[u8])],
    ) -> Result<v1::SubmitResponse, String> {
        let pledge = self.pledge(who, assignment, files)?;
        self.send(who, pledge.upload.as_ref().unwrap(), files);
        self.submit(who, assignment, "", &pledge.pledge_id)
    }

    /// Time passes, and what is due happens, until nothing is.
    pub(crate) fn advance(&mut self, milliseconds: i64) {
        self.world.now_ms += milliseconds;
        loop {
            self.world.run::<()>("", Body::Advance(Advance::default())).unwrap();
            let next = crate::schedule::next_due(&self.world.store).unwrap();
            if next.is_none_or(|due| due > self.world.now_ms) {
                break;
            }
        }
    }

    /// The cluster had no leader since that long; now it has.
    pub(crate) fn end_outage(&mut self, milliseconds: i64) {
        let leaderless_since_ms = Some(self.world.now_ms - milliseconds);
        self.world.run::<()>("", Body::Advance(Advance { leaderless_since_ms })).unwrap();
    }

    pub(crate) fn change_course(&mut self, change: impl FnOnce(&mut CourseRecord)) {
        let key = key1(&self.course_id);
        let mut course: CourseRecord = self.world.store.record(Table::Courses, &key).unwrap().unwrap();
        change(&mut course);
        self.put(Table::Courses, key, &course);
    }
}

pub(crate) fn submit_body(assignment: &str, text: &str, pledge_id: &str) -> Body {
    Body::Submit(v1::SubmitRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        text: text.into(),
        pledge_id: pledge_id.into(),
        comment: String::new(),
    })
}
