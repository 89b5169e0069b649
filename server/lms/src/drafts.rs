//! drafts
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn save_draft(_tx: &mut Tx<'_, '_>, _request: &v1::SaveDraftRequest) -> Result<v1::SaveDraftResponse> {
    refuse(Reason::WrongState, "not available")
}
