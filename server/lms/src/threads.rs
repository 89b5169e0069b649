//! threads
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn create_thread(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateThreadRequest,
) -> Result<v1::CreateThreadResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn reply_thread(_tx: &mut Tx<'_, '_>, _request: &v1::ReplyThreadRequest) -> Result<v1::ReplyThreadResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn set_thread_state(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::SetThreadStateRequest,
) -> Result<v1::SetThreadStateResponse> {
    refuse(Reason::WrongState, "not available")
}
