//! courses
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn create_course(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateCourseRequest,
) -> Result<v1::CreateCourseResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_course(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::UpdateCourseRequest,
) -> Result<v1::UpdateCourseResponse> {
    refuse(Reason::WrongState, "not available")
}
