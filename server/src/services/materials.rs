//! Modules and materials, and their text by page.

use lectern_lms::materials;
use lectern_proto::v1;
use lectern_rpc::v1::material_service_server::MaterialService;
use tonic::{Request, Response, Status};

use super::service;

service! {
    MaterialService {
        read list_modules(ListModulesRequest) = materials::list_modules;
        read get_material(GetMaterialRequest) = materials::get_material;
        read list_materials(ListMaterialsRequest) = materials::list_materials;
        write create_module(CreateModuleRequest) = CreateModule;
        write update_module(UpdateModuleRequest) = UpdateModule;
        write create_material(CreateMaterialRequest) = CreateMaterial;
        write update_material(UpdateMaterialRequest) = UpdateMaterial;
        write delete_material(DeleteMaterialRequest) = DeleteMaterial;
        write mark_opened(MarkOpenedRequest) = MarkOpened;
    }
    custom {
        async fn read_pages(
            &self,
            request: Request<v1::ReadPagesRequest>,
        ) -> Result<Response<v1::ReadPagesResponse>, Status> {
            let _ = request;
            Err(Status::unimplemented("this build reads no pages yet"))
        }
    }
}
