//! home
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn mark_read(_tx: &mut Tx<'_, '_>, _request: &v1::MarkReadRequest) -> Result<v1::MarkReadResponse> {
    refuse(Reason::WrongState, "not available")
}
