//! Modules and materials, and their text by page.

use std::sync::Arc;

use lectern_lms::materials;
use lectern_proto::internal::v1::FileRecord;
use lectern_proto::v1;
use lectern_rpc::v1::material_service_server::MaterialService;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::pages::Format;
use super::{Door, service};

/// Pages of one answer when none is said, and at most.
const PAGES: u32 = 10;
const MAX_PAGES: u32 = 100;
/// An answer stays below this, however long its pages are.
const MAX_ANSWER_BYTES: usize = 2 << 20;

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
            let caller = Caller::of(&request)?;
            let wanted = request.into_inner();
            let asked = wanted.clone();
            let (material, file) = self.query(&caller, move |view| materials::material_file(view, &asked)).await?;
            let pages = self.pages_of(caller.token_id, material.kind(), &file).await?;
            Ok(Response::new(excerpt(&pages, wanted.first_page, wanted.page_count)))
        }
    }
}

impl Door {
    /// The pages of a file that the token's owner may read.
    pub(super) async fn pages_of(
        &self,
        token_id: Vec<u8>,
        kind: v1::MaterialKind,
        file: &FileRecord,
    ) -> Result<Arc<Vec<v1::Page>>, Status> {
        let format = match kind {
            v1::MaterialKind::Pdf => Format::Pdf,
            v1::MaterialKind::Text | v1::MaterialKind::Markdown => Format::Text,
            v1::MaterialKind::Other | v1::MaterialKind::Unspecified => Format::TextIfUtf8,
        };
        // Owned by the closure: a future that borrows from here could not be sent between threads.
        let (door, file_id) = (self.clone(), file.file_id.clone());
        let chunk = async move |digest: Vec<u8>| door.permitted_chunk(&token_id, &file_id, &digest).await;
        self.pages.of(format, file, chunk).await
    }
}

/// The pages that were asked for, as many as fit into one answer; at least one where there is one.
pub(super) fn excerpt(pages: &[v1::Page], first_page: u32, page_count: u32) -> v1::ReadPagesResponse {
    let count = if page_count == 0 { PAGES } else { page_count.min(MAX_PAGES) };
    let first = first_page.max(1) as usize - 1;
    let mut bytes = 0;
    let fitting = pages.iter().skip(first).take(count as usize).take_while(|page| {
        let is_first = bytes == 0;
        bytes += page.text.len() + 16;
        is_first || bytes <= MAX_ANSWER_BYTES
    });
    let total_pages = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    v1::ReadPagesResponse { pages: fitting.cloned().collect(), total_pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(first_page: u32, page_count: u32, text: &str) -> Vec<u32> {
        let page = |number| v1::Page { number, text: text.into(), scanned: false };
        let pages: Vec<v1::Page> = (1..=30).map(page).collect();
        let answer = excerpt(&pages, first_page, page_count);
        assert_eq!(answer.total_pages, 30);
        answer.pages.iter().map(|page| page.number).collect()
    }

    #[test]
    fn an_answer_has_the_pages_asked_for_and_stays_within_its_size() {
        assert_eq!(numbers(0, 0, "short"), (1..=10).collect::<Vec<_>>());
        assert_eq!(numbers(29, 5, "short"), [29, 30]);
        assert_eq!(numbers(31, 5, "short"), [0_u32; 0]);
        assert_eq!(numbers(3, 5, &"x".repeat(MAX_ANSWER_BYTES * 2)), [3]);
    }
}
