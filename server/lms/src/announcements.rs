//! announcements
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn create_announcement(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateAnnouncementRequest,
) -> Result<v1::CreateAnnouncementResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn delete_announcement(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::DeleteAnnouncementRequest,
) -> Result<v1::DeleteAnnouncementResponse> {
    refuse(Reason::WrongState, "not available")
}
