//! Files: chunks in, through the log; pieces out, from this node's state.

use lectern_lms::{Reason, Refusal, StoreError, Table, files, materials, uploads};
use lectern_proto::internal::v1::{FileRecord, command::Body};
use lectern_proto::{CHUNK_BYTES, v1};
use lectern_rpc::v1::file_service_server::FileService;
use tonic::{Request, Response, Status};

use super::materials::excerpt;
use super::metadata::Caller;
use super::stream::{self, Pieces};
use super::{Door, errors, service};

service! {
    FileService {
        read get_upload(GetUploadRequest) = uploads::get_upload;
        write begin_upload(BeginUploadRequest) = BeginUpload;
    }
    custom {
        async fn put_chunk(
            &self,
            request: Request<v1::PutChunkRequest>,
        ) -> Result<Response<v1::PutChunkResponse>, Status> {
            check_chunk(request.get_ref())?;
            self.at_leader(request, async |caller, request| {
                caller.require_token()?;
                let _place = self.chunks.enter().await?;
                self.propose(&caller, String::new(), Vec::new(), Body::PutChunk(request)).await
            })
            .await
        }

        async fn read_file_pages(
            &self,
            request: Request<v1::ReadFilePagesRequest>,
        ) -> Result<Response<v1::ReadPagesResponse>, Status> {
            let caller = Caller::of(&request)?;
            let v1::ReadFilePagesRequest { file_id, first_page, page_count } = request.into_inner();
            let file = self.query(&caller, move |view| files::open_file(view, &file_id)).await?;
            let pages = self.pages_of(caller.token_id, materials::kind_of(&file.name), &file).await?;
            Ok(Response::new(excerpt(&pages, first_page, page_count)))
        }

        type DownloadStream = Pieces<v1::DownloadResponse>;

        async fn download(
            &self,
            request: Request<v1::DownloadRequest>,
        ) -> Result<Response<Self::DownloadStream>, Status> {
            let caller = Caller::of(&request)?;
            let v1::DownloadRequest { file_id, offset } = request.into_inner();
            let wanted = file_id.clone();
            let asked =
                self.query(&caller, move |view| Ok((view.actor.user_id().to_owned(), files::open_file(view, &wanted)?)));
            let (user_id, file) = asked.await?;
            // An account's own share comes first: nobody fills the queue, either.
            let share = self.own_downloads.take(&user_id)?;
            let place = self.downloads.enter().await?;
            let first = first_chunk(&file, offset)?;
            let door = self.clone();
            Ok(Response::new(stream::spawn(self.stopping(), async move |out| {
                let _places = (share, place);
                let mut about = Some(v1::FileRef {
                    file_id: file.file_id.clone(),
                    name: file.name.clone(),
                    size: file.size,
                    digest: file.digest.clone(),
                });
                for digest in &file.chunk_digests[first..] {
                    let data = door.permitted_chunk(&caller.token_id, &file_id, digest).await?;
                    out.send(v1::DownloadResponse { file: about.take(), data }).await?;
                }
                if about.is_some() {
                    out.send(v1::DownloadResponse { file: about, data: Vec::new() }).await?;
                }
                Ok(())
            })))
        }
    }
}

impl Door {
    /// A chunk of a file that the token's owner may read at this moment: a role removed during a download ends it.
    pub(super) async fn permitted_chunk(
        &self,
        token_id: &[u8],
        file_id: &str,
        digest: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let (file_id, digest) = (file_id.to_owned(), digest.to_vec());
        self.query_local(token_id, move |view| {
            files::open_file(view, &file_id)?;
            let chunk = view
                .store
                .get(Table::Chunks, &digest)?
                .ok_or_else(|| Refusal::new(Reason::NotFound, "the file was deleted while it was being read"))?;
            verified(chunk, &digest)
        })
        .await
    }
}

/// The bytes, when they are what their digest says: a disk may lie.
pub(super) fn verified(chunk: Vec<u8>, digest: &[u8]) -> lectern_lms::Result<Vec<u8>> {
    if blake3::hash(&chunk).as_bytes() == digest {
        return Ok(chunk);
    }
    Err(StoreError::Damaged { table: Table::Chunks, problem: "a chunk does not match its digest".into() }.into())
}

/// The chunk an offset begins at.
fn first_chunk(file: &FileRecord, offset: u64) -> Result<usize, Status> {
    let refused = |message: &str| Err(errors::refused(Reason::InvalidArgument, message));
    if offset > file.size {
        return refused("offset lies behind the end of the file");
    }
    if offset == file.size {
        return Ok(file.chunk_digests.len());
    }
    let chunk = offset / CHUNK_BYTES as u64;
    match usize::try_from(chunk) {
        Ok(chunk) if offset.is_multiple_of(CHUNK_BYTES as u64) && chunk <= file.chunk_digests.len() => Ok(chunk),
        _ => refused("offset must be a multiple of 262144"),
    }
}

/// What can be said of a chunk without the state, so that a damaged one never enters the log.
fn check_chunk(request: &v1::PutChunkRequest) -> Result<(), Status> {
    if request.data.is_empty() || request.data.len() > CHUNK_BYTES {
        return Err(errors::refused(Reason::InvalidArgument, "a chunk has 1 to 262144 bytes"));
    }
    if blake3::hash(&request.data).as_bytes() != request.digest.as_slice() {
        return Err(errors::refused(
            Reason::DigestMismatch,
            "the chunk's bytes are not what its digest says; send the chunk again",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = CHUNK_BYTES as u64;

    #[test]
    fn a_download_begins_at_a_chunk_or_at_the_end() {
        let file = FileRecord { size: 2 * CHUNK + 5, chunk_digests: vec![vec![0; 32]; 3], ..FileRecord::default() };
        for (offset, chunk) in [(0, 0), (CHUNK, 1), (2 * CHUNK, 2), (2 * CHUNK + 5, 3)] {
            assert_eq!(first_chunk(&file, offset).unwrap(), chunk);
        }
        for offset in [1, CHUNK + 1, 2 * CHUNK + 6, 3 * CHUNK, u64::MAX] {
            assert!(first_chunk(&file, offset).is_err(), "{offset}");
        }
        assert_eq!(first_chunk(&FileRecord::default(), 0).unwrap(), 0);
    }

    #[test]
    fn a_chunk_that_is_not_its_digest_is_refused_at_the_door() {
        let data = vec![7; 100];
        let digest = blake3::hash(&data).as_bytes().to_vec();
        let good = v1::PutChunkRequest { data: data.into(), digest, ..v1::PutChunkRequest::default() };
        assert!(check_chunk(&good).is_ok());
        assert!(check_chunk(&v1::PutChunkRequest { digest: vec![0; 32], ..good.clone() }).is_err());
        assert!(check_chunk(&v1::PutChunkRequest { data: vec![].into(), ..good.clone() }).is_err());
        assert!(check_chunk(&v1::PutChunkRequest { data: vec![0; CHUNK_BYTES + 1].into(), ..good }).is_err());
    }

    #[test]
    fn a_chunk_from_a_lying_disk_is_not_handed_out() {
        assert!(verified(vec![1], blake3::hash(&[1]).as_bytes()).is_ok());
        assert!(verified(vec![2], blake3::hash(&[1]).as_bytes()).is_err());
    }
}
