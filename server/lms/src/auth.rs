//! auth
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn issue_token(_tx: &mut Tx<'_, '_>, _request: &internal::IssueToken) -> Result<v1::SignInResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn activate_account(
    _tx: &mut Tx<'_, '_>,
    _request: &internal::ActivateAccount,
) -> Result<v1::SignInResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn sign_out(_tx: &mut Tx<'_, '_>, _request: &v1::SignOutRequest) -> Result<v1::SignOutResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn set_password(
    _tx: &mut Tx<'_, '_>,
    _request: &internal::SetPassword,
) -> Result<v1::ChangePasswordResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn revoke_token(_tx: &mut Tx<'_, '_>, _request: &v1::RevokeTokenRequest) -> Result<v1::RevokeTokenResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn set_codes(_tx: &mut Tx<'_, '_>, _request: &internal::SetCodes) -> Result<v1::IssueCodesResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn touch_token(_tx: &mut Tx<'_, '_>, _request: &internal::TouchToken) -> Result<()> {
    refuse(Reason::WrongState, "not available")
}
