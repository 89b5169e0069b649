//! Modules and materials, and their text by page.

use lectern_lms::{Reason, Table, materials};
use lectern_proto::internal::v1::FileRecord;
use lectern_proto::v1::{self, MaterialKind};
use lectern_rpc::v1::material_service_server::MaterialService;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::pages::Format;
use super::{Door, errors, files, service};
use crate::node::Node;

/// Pages of an answer where none are asked for, and at most.
const PAGES: usize = 10;
const MAX_PAGES: usize = 100;
/// Text of an answer: what does not fit is left for the next call. At least one page is sent.
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
            let request = request.into_inner();
            let asked = request.clone();
            let (material, file) = self.query(&caller, move |view| materials::material_file(view, &asked)).await?;
            let format = match material.kind() {
                MaterialKind::Pdf => Format::Pdf,
                MaterialKind::Text | MaterialKind::Markdown => Format::Text,
                MaterialKind::Other | MaterialKind::Unspecified => {
                    return Err(errors::refused(Reason::WrongType, "this material has no text to read; download it"));
                }
            };
            let pages = self.pages_of(format, &file).await?;
            Ok(Response::new(answer(&request, &pages)))
        }
    }
}

impl Door {
    async fn pages_of(&self, format: Format, file: &FileRecord) -> Result<std::sync::Arc<Vec<v1::Page>>, Status> {
        let node = self.node.clone();
        self.pages.of(format, file, async move |digest| chunk(&node, digest).await).await
    }
}

/// A chunk of a file that the caller was found to be allowed to read.
async fn chunk(node: &Node, digest: Vec<u8>) -> Result<Vec<u8>, Status> {
    let read = node.read_stale(move |store, _| match store.get(Table::Chunks, &digest)? {
        Some(chunk) => files::verified(chunk, &digest),
        None => lectern_lms::refuse(Reason::NotFound, "the file was deleted while it was being read"),
    });
    read.await.map_err(|error| errors::from_node(&error))?.map_err(errors::from_failure)
}

/// The pages asked for, as many as fit.
fn answer(request: &v1::ReadPagesRequest, pages: &[v1::Page]) -> v1::ReadPagesResponse {
    let wanted = match request.page_count as usize {
        0 => PAGES,
        count => count.min(MAX_PAGES),
    };
    let skipped = (request.first_page as usize).saturating_sub(1);
    let mut bytes = 0;
    let fitting = pages.iter().skip(skipped).take(wanted).take_while(|page| {
        let first = bytes == 0;
        bytes += page.text.len().max(1);
        first || bytes <= MAX_ANSWER_BYTES
    });
    let pages_sent = fitting.cloned().collect();
    let total_pages = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    v1::ReadPagesResponse { pages: pages_sent, total_pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(first_page: u32, page_count: u32, pages: &[v1::Page]) -> Vec<u32> {
        let request = v1::ReadPagesRequest { first_page, page_count, ..v1::ReadPagesRequest::default() };
        let answer = answer(&request, pages);
        assert_eq!(answer.total_pages as usize, pages.len());
        answer.pages.iter().map(|page| page.number).collect()
    }

    fn pages(count: u32, bytes: usize) -> Vec<v1::Page> {
        (1..=count).map(|number| v1::Page { number, text: "x".repeat(bytes), scanned: false }).collect()
    }

    #[test]
    fn pages_are_counted_from_one_ten_at_a_time() {
        let pages = pages(25, 10);
        assert_eq!(numbers(0, 0, &pages), (1..=10).collect::<Vec<_>>());
        assert_eq!(numbers(24, 0, &pages), [24, 25]);
        assert_eq!(numbers(2, 2, &pages), [2, 3]);
        assert!(numbers(26, 0, &pages).is_empty());
    }

    #[test]
    fn an_answer_ends_before_it_is_too_large_but_has_a_page() {
        let pages = pages(5, MAX_ANSWER_BYTES / 2);
        assert_eq!(numbers(1, 5, &pages), [1, 2]);
        assert_eq!(
            numbers(1, 5, &[v1::Page { number: 1, text: "x".repeat(MAX_ANSWER_BYTES + 1), scanned: false }]),
            [1]
        );
    }
}
