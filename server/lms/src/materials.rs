//! materials
#![allow(missing_docs, unused_imports)]
use crate::context::Tx;
use crate::refusal::{Reason, Result, refuse};
use lectern_proto::{internal::v1 as internal, v1};

pub(crate) fn create_module(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateModuleRequest,
) -> Result<v1::CreateModuleResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_module(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::UpdateModuleRequest,
) -> Result<v1::UpdateModuleResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn create_material(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::CreateMaterialRequest,
) -> Result<v1::CreateMaterialResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn update_material(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::UpdateMaterialRequest,
) -> Result<v1::UpdateMaterialResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn delete_material(
    _tx: &mut Tx<'_, '_>,
    _request: &v1::DeleteMaterialRequest,
) -> Result<v1::DeleteMaterialResponse> {
    refuse(Reason::WrongState, "not available")
}

pub(crate) fn mark_opened(_tx: &mut Tx<'_, '_>, _request: &v1::MarkOpenedRequest) -> Result<v1::MarkOpenedResponse> {
    refuse(Reason::WrongState, "not available")
}
