//! Materials: list, read by page, save.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use crate::args::{AssignmentArg, CourseArg, ForceArg, PagesArg};
use crate::table::{cut, keep, spare};
use crate::{Error, Result, Session, json, pages, text, transfer};

/// What everyone may do with materials.
#[derive(Subcommand, Debug)]
pub enum ReadCommand {
    /// List the materials of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Print a material's text, page by page.
    Read {
        /// Such as `cs101/notes`.
        material: AssignmentArg,
        /// Which pages.
        #[command(flatten)]
        pages: PagesArg,
    },
    /// Save a material's file, checked against its digest.
    Save {
        /// Such as `cs101/notes`.
        material: AssignmentArg,
        /// Where to; the file's own name in this folder when left out, standard output for `-`.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// What is done with a file that is there.
        #[command(flatten)]
        force: ForceArg,
    },
}

/// Runs one of them.
pub async fn read(command: ReadCommand, session: &Session) -> Result<()> {
    match command {
        ReadCommand::List { course } => list(&course, session).await,
        ReadCommand::Read { material, pages } => read_pages(&material, pages, session).await,
        ReadCommand::Save { material, output, force } => {
            let found = get(&material, session).await?;
            let file = found.file.unwrap_or_default();
            if output.as_deref() == Some(Path::new("-")) {
                transfer::print_file(&file, session).await?;
                return mark_opened(&material, session).await;
            }
            let path = output.unwrap_or_else(|| transfer::local_name(&file.name));
            let wanted = transfer::Wanted { file, path };
            let saved = transfer::save_all(std::slice::from_ref(&wanted), force, session).await?[0];
            mark_opened(&material, session).await?;
            session.show(wanted.json(saved), || wanted.words(saved))
        }
    }
}

/// One material.
pub async fn get(material: &AssignmentArg, session: &Session) -> Result<v1::Material> {
    let request = v1::GetMaterialRequest { course: material.course.clone(), material: material.assignment.clone() };
    Ok(session.call(request).await?.material.unwrap_or_default())
}

async fn list(course: &CourseArg, session: &Session) -> Result<()> {
    let modules = pages::all(session, |page_token| v1::ListModulesRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await?;
    let materials = pages::all(session, |page_token| v1::ListMaterialsRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json!({
        "modules": modules.iter().map(json::module).collect::<Vec<_>>(),
        "materials": materials.iter().map(json::material).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let module_name = |id: &str| modules.iter().find(|module| module.module_id == id).map_or("–", |it| &it.name);
        let rows = materials.iter().map(|material| {
            vec![
                material.slug.clone(),
                material.title.clone(),
                module_name(&material.module_id).to_owned(),
                json::name(material.kind().as_str_name(), "MATERIAL_KIND"),
                material.file.as_ref().map_or_else(String::new, |file| text::size(file.size)),
                if material.opened { "opened".into() } else { "new".into() },
            ]
        });
        let columns = [keep("material"), cut("title"), cut("module"), spare("kind"), spare("size"), keep("")];
        text::table(&columns, rows, "This course has no materials yet.")
    })
}

async fn read_pages(material: &AssignmentArg, pages: PagesArg, session: &Session) -> Result<()> {
    let request = v1::ReadPagesRequest {
        course: material.course.clone(),
        material: material.assignment.clone(),
        first_page: pages.page,
        page_count: pages.pages,
    };
    let response = session.call(request).await?;
    mark_opened(material, session).await?;
    show_pages(&response, session)
}

/// Prints pages of text.
pub fn show_pages(response: &v1::ReadPagesResponse, session: &Session) -> Result<()> {
    if response.pages.is_empty() {
        let pages = text::count(response.total_pages, "page", "pages");
        let message = format!("there is no such page: the text has {pages}");
        return Err(Error::refused(Code::NotFound, "NOT_FOUND", message));
    }
    let value = json!({
        "total_pages": response.total_pages,
        "pages": response.pages.iter().map(json::page).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let pages = response.pages.iter().map(|page| {
            let body = if page.scanned { "(no text: a scanned page)".into() } else { text::clean_body(&page.text) };
            format!("── page {} of {} ──\n{}", page.number, response.total_pages, body.trim_end())
        });
        pages.collect::<Vec<_>>().join("\n\n")
    })
}

async fn mark_opened(material: &AssignmentArg, session: &Session) -> Result<()> {
    let request = v1::MarkOpenedRequest { course: material.course.clone(), material: material.assignment.clone() };
    match session.call(request).await {
        // Staff open materials without it being noted.
        Err(error) if error.is_refused_for("WRONG_ROLE") => Ok(()),
        other => other.map(|_| ()),
    }
}
