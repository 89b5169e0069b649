//! accounts
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn found_cluster(_tx: &mut Tx<'_, '_>, _request: &internal::FoundCluster) -> Result<()> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn create_user(_tx: &mut Tx<'_, '_>, _request: &v1::CreateUserRequest) -> Result<v1::CreateUserResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_user(_tx: &mut Tx<'_, '_>, _request: &v1::UpdateUserRequest) -> Result<v1::UpdateUserResponse> {
    refuse(Reason::WrongState, "not available")
}
