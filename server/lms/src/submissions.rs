//! submissions
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn pledge(_tx: &mut Tx<'_, '_>, _request: &v1::PledgeRequest) -> Result<v1::PledgeResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn submit(_tx: &mut Tx<'_, '_>, _request: &v1::SubmitRequest) -> Result<v1::SubmitResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn withdraw_pledge(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::WithdrawPledgeRequest,
) -> Result<v1::WithdrawPledgeResponse> {
    refuse(Reason::WrongState, "not available")
}
