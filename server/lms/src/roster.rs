//! roster
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn import_users(_tx: &mut Tx<'_, '_>, _request: &v1::ImportUsersRequest) -> Result<v1::ImportUsersResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn import_roster(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::ImportRosterRequest,
) -> Result<v1::ImportRosterResponse> {
    refuse(Reason::WrongState, "not available")
}
