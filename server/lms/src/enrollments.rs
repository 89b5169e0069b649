//! enrollments
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn enroll(_tx: &mut Tx<'_, '_>, _request: &v1::EnrollRequest) -> Result<v1::EnrollResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_enrollment(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::UpdateEnrollmentRequest,
) -> Result<v1::UpdateEnrollmentResponse> {
    refuse(Reason::WrongState, "not available")
}
