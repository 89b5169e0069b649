//! assignments
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn create_assignment(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateAssignmentRequest,
) -> Result<v1::CreateAssignmentResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_assignment(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::UpdateAssignmentRequest,
) -> Result<v1::UpdateAssignmentResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn delete_assignment(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::DeleteAssignmentRequest,
) -> Result<v1::DeleteAssignmentResponse> {
    refuse(Reason::WrongState, "not available")
}
