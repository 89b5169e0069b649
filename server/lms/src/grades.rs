//! grades
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn set_grade(_tx: &mut Tx<'_, '_>, _request: &v1::SetGradeRequest) -> Result<v1::SetGradeResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn post_grades(_tx: &mut Tx<'_, '_>, _request: &v1::PostGradesRequest) -> Result<v1::PostGradesResponse> {
    refuse(Reason::WrongState, "not available")
}
