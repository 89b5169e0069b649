//! uploads
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn begin_upload(_tx: &mut Tx<'_, '_>, _request: &v1::BeginUploadRequest) -> Result<v1::BeginUploadResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn put_chunk(_tx: &mut Tx<'_, '_>, _request: &v1::PutChunkRequest) -> Result<v1::PutChunkResponse> {
    refuse(Reason::WrongState, "not available")
}
