//! extensions
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn decide_extension_request(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::DecideExtensionRequestRequest,
) -> Result<v1::DecideExtensionRequestResponse> {
    refuse(Reason::WrongState, "not available")
}
