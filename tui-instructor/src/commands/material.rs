//! `module …` and `material …`.

use std::path::{Path, PathBuf};

use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Error, Result, Session, course, json, material, pages, text, transfer};
use lectern_proto::v1;
use serde_json::json;

use super::dates;
use crate::cli::{MaterialCommand, ModuleCommand};

pub async fn module(command: ModuleCommand, session: &Session) -> Result<()> {
    match command {
        ModuleCommand::Create { course, name, release } => {
            let zone = course_zone(&course, session).await?;
            let release_at_ms = release.as_deref().map(|date| dates::parse(date, &zone)).transpose()?;
            let module = create_module(&course, name, release_at_ms, session).await?;
            session.show(json::module(&module), || format!("Module {} is made.", text::clean(&module.name)))
        }
        ModuleCommand::List { course } => {
            let modules = modules(&course, session).await?;
            let value = json::list("modules", modules.iter().map(json::module).collect());
            session.show(value, || {
                let rows = modules.iter().map(|module| {
                    vec![
                        module.position.to_string(),
                        module.name.clone(),
                        text::optional_time(module.release_at_ms),
                        module.module_id.clone(),
                    ]
                });
                let columns = [keep("#"), cut("module"), spare("released"), keep("id")];
                text::table(&columns, rows, "This course has no modules yet.")
            })
        }
        ModuleCommand::Update { course, module, name, position, release } => {
            let zone = course_zone(&course, session).await?;
            let request = v1::UpdateModuleRequest {
                course: course.to_string(),
                module_id: find_module(&course, &module, session).await?,
                name,
                position,
                release_at_ms: dates::release(release.as_deref(), &zone)?,
            };
            let module = session.call(request).await?.module.unwrap_or_default();
            session.show(json::module(&module), || format!("Module {} is changed.", text::clean(&module.name)))
        }
    }
}

pub async fn run(command: MaterialCommand, session: &Session) -> Result<()> {
    match command {
        MaterialCommand::Read(command) => material::read(command, session).await,
        MaterialCommand::Add { course, file, slug, title, module, release } => {
            let zone = course_zone(&course, session).await?;
            let release_at_ms = release.as_deref().map(|date| dates::parse(date, &zone)).transpose()?;
            let module_id = find_module(&course, &module, session).await?;
            let added = add(&course, &file, slug, title, module_id, release_at_ms, session).await?;
            session.show(json::material(&added), || format!("Added as {course}/{}.", added.slug))
        }
        MaterialCommand::Update { material, title, module, position, release, file } => {
            let course = CourseArg::new(&material.course);
            let zone = course_zone(&course, session).await?;
            let module_id = match module {
                Some(module) => Some(find_module(&course, &module, session).await?),
                None => None,
            };
            let upload_id = match file {
                Some(file) => Some(transfer::upload(&material.course, &[file], session).await?),
                None => None,
            };
            let request = v1::UpdateMaterialRequest {
                course: material.course.clone(),
                material: material.assignment.clone(),
                title,
                module_id,
                position,
                release_at_ms: dates::release(release.as_deref(), &zone)?,
                upload_id,
            };
            let changed = session.call(request).await?.material.unwrap_or_default();
            session.show(json::material(&changed), || format!("{material} is changed."))
        }
        MaterialCommand::Remove { material } => remove(&material, session).await,
    }
}

async fn remove(material: &AssignmentArg, session: &Session) -> Result<()> {
    let request = v1::DeleteMaterialRequest { course: material.course.clone(), material: material.assignment.clone() };
    session.call(request).await?;
    session.show(json!({ "removed": material.to_string() }), || format!("{material} is removed."))
}

/// Uploads a file and makes it a material.
pub async fn add(
    course: &CourseArg,
    file: &Path,
    slug: Option<String>,
    title: Option<String>,
    module_id: String,
    release_at_ms: Option<i64>,
    session: &Session,
) -> Result<v1::Material> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("material");
    let upload_id = transfer::upload(&course.to_string(), &[PathBuf::from(file)], session).await?;
    let request = v1::CreateMaterialRequest {
        course: course.to_string(),
        slug: slug.unwrap_or_else(|| slug_of(stem)),
        title: title.unwrap_or_else(|| stem.to_owned()),
        module_id,
        upload_id,
        release_at_ms,
    };
    Ok(session.call(request).await?.material.unwrap_or_default())
}

/// Makes a module.
pub async fn create_module(
    course: &CourseArg,
    name: String,
    release_at_ms: Option<i64>,
    session: &Session,
) -> Result<v1::Module> {
    let request = v1::CreateModuleRequest { course: course.to_string(), name, release_at_ms };
    Ok(session.call(request).await?.module.unwrap_or_default())
}

/// Every module of a course.
pub async fn modules(course: &CourseArg, session: &Session) -> Result<Vec<v1::Module>> {
    pages::all(session, |page_token| v1::ListModulesRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await
}

/// A module's id by its name or id; empty for none.
async fn find_module(course: &CourseArg, name: &str, session: &Session) -> Result<String> {
    if name.is_empty() {
        return Ok(String::new());
    }
    let found =
        modules(course, session).await?.into_iter().find(|module| module.name == name || module.module_id == name);
    found
        .map(|module| module.module_id)
        .ok_or_else(|| Error::usage(format!("{course} has no module `{name}`; make it with `module create`")))
}

async fn course_zone(course: &CourseArg, session: &Session) -> Result<jiff::tz::TimeZone> {
    dates::zone(&course::get(course, session).await?.time_zone)
}

/// A short name out of a file's name.
pub fn slug_of(stem: &str) -> String {
    let lower = stem.to_lowercase();
    let parts: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let slug: String = parts.join("-").chars().take(40).collect();
    if slug.is_empty() { "material".into() } else { slug }
}
