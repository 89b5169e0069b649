//! `course load`: a course from a folder. The format is described in data/README.md.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::{Error, Result, Session, format, input, output, pages, text};
use lectern_proto::v1;
use serde::Deserialize;
use serde_json::json;

use super::{assignment, dates, material};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    course: Course,
    #[serde(default, rename = "module")]
    modules: Vec<Module>,
    #[serde(default, rename = "assignment")]
    assignments: Vec<Assignment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Course {
    slug: String,
    code: String,
    title: String,
    #[serde(default)]
    term: String,
    #[serde(default)]
    time_zone: String,
    syllabus: Option<PathBuf>,
    users: Option<PathBuf>,
    enrollments: Option<PathBuf>,
    #[serde(default)]
    assignments: Vec<PathBuf>,
    #[serde(default)]
    instructor: String,
    /// For the demonstration script, which reads it itself.
    #[serde(default, rename = "demo_student")]
    _demo_student: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Module {
    name: String,
    release_in_days: Option<i64>,
    #[serde(default, rename = "material")]
    materials: Vec<Material>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Material {
    slug: String,
    title: String,
    file: PathBuf,
    release_in_days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    slug: String,
    title: String,
    points: String,
    unlock_in_days: Option<i64>,
    due_in_days: Option<i64>,
    lock_in_days: Option<i64>,
    submission_types: Vec<String>,
    #[serde(default)]
    allowed_extensions: Vec<String>,
    #[serde(default)]
    allowed_attempts: u32,
    #[serde(default)]
    max_file_bytes: u64,
    #[serde(default)]
    attachments: Vec<PathBuf>,
    #[serde(default)]
    description: String,
}

/// Everything read and checked, before anything is created.
struct Plan {
    course: Course,
    zone: TimeZone,
    syllabus: String,
    users: Option<Vec<u8>>,
    enrollments: Option<Vec<u8>>,
    modules: Vec<Module>,
    assignments: Vec<(String, v1::AssignmentSettings, Vec<PathBuf>)>,
}

/// Creates what the folder describes; what exists already is left as it is.
pub async fn run(dir: &Path, session: &Session) -> Result<()> {
    let plan = read(dir)?;
    let course = CourseArg::new(&plan.course.slug);
    let mut made = Vec::new();
    if let Some(csv) = plan.users.clone() {
        let imported = session.call(v1::ImportUsersRequest { csv, preview: false }).await?;
        made.push(text::count(imported.created, "account", "accounts"));
    }
    create_course(&plan, session).await?;
    if let Some(enrollments_csv) = plan.enrollments.clone() {
        let request = v1::ImportRosterRequest {
            course: course.to_string(),
            enrollments_csv,
            users_csv: Vec::new(),
            preview: false,
        };
        made.push(text::count(session.call(request).await?.enrolled, "enrolment", "enrolments"));
    }
    let materials = create_materials(&plan, dir, &course, session).await?;
    made.push(text::count(materials, "material", "materials"));
    let assignments = create_assignments(&plan, &course, session).await?;
    made.push(text::count(assignments, "assignment", "assignments"));
    session.show(json!({"course": plan.course.slug, "made": made}), || {
        format!("{}: made {}.", plan.course.slug, made.join(", "))
    })
}

fn read(dir: &Path) -> Result<Plan> {
    let folder: Folder = parse(&dir.join("course.toml"))?;
    let zone = dates::zone(&folder.course.time_zone)?;
    let mut described = folder.assignments;
    let mut listed = Vec::new();
    for path in &folder.course.assignments {
        listed.push(parse::<Assignment>(&inside(dir, path)?)?);
    }
    listed.append(&mut described);
    let assignments: Result<Vec<_>> = listed.into_iter().map(|it| settings(it, dir, &zone)).collect();
    for material in folder.modules.iter().flat_map(|module| &module.materials) {
        let path = inside(dir, &material.file)?;
        std::fs::metadata(&path).map_err(|error| Error::io(&path, error))?;
    }
    let bytes = |path: &Option<PathBuf>| path.as_ref().map(|path| input::read_bytes(&inside(dir, path)?)).transpose();
    Ok(Plan {
        syllabus: folder
            .course
            .syllabus
            .as_ref()
            .map_or(Ok(String::new()), |path| input::read_text(&inside(dir, path)?))?,
        users: bytes(&folder.course.users)?,
        enrollments: bytes(&folder.course.enrollments)?,
        assignments: assignments?,
        modules: folder.modules,
        zone,
        course: folder.course,
    })
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    toml::from_str(&input::read_text(path)?).map_err(|error| Error::local_file(format!("{}: {error}", path.display())))
}

/// A path of the folder; refused when it leads out of it.
fn inside(dir: &Path, path: &Path) -> Result<PathBuf> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(dir.join(path));
    }
    Err(Error::local_file(format!("{} leads out of the course's folder", path.display())))
}

fn settings(
    described: Assignment,
    dir: &Path,
    zone: &TimeZone,
) -> Result<(String, v1::AssignmentSettings, Vec<PathBuf>)> {
    let slug = described.slug.clone();
    let wrong = |problem: String| Error::local_file(format!("assignment {slug}: {problem}"));
    let mut submission_types = Vec::new();
    for name in &described.submission_types {
        let full = format!("SUBMISSION_TYPE_{}", name.to_uppercase());
        let kind = v1::SubmissionType::from_str_name(&full).filter(|kind| *kind != v1::SubmissionType::Unspecified);
        submission_types.push(kind.ok_or_else(|| wrong(format!("`{name}` is no kind of submission")))?.into());
    }
    let settings = v1::AssignmentSettings {
        title: described.title,
        description: described.description,
        points_possible: format::parse_points(&described.points).map_err(wrong)?,
        unlock_at_ms: described.unlock_in_days.map(|days| day(days, Time::midnight(), zone)).transpose()?,
        due_at_ms: described.due_in_days.map(|days| day(days, last_second(), zone)).transpose()?,
        lock_at_ms: described.lock_in_days.map(|days| day(days, last_second(), zone)).transpose()?,
        submission_types,
        allowed_extensions: described.allowed_extensions,
        allowed_attempts: described.allowed_attempts,
        max_file_bytes: described.max_file_bytes,
        ..assignment::fresh(&described.slug)
    };
    let attachments: Result<Vec<PathBuf>> = described.attachments.iter().map(|path| inside(dir, path)).collect();
    Ok((described.slug, settings, attachments?))
}

fn last_second() -> Time {
    Time::constant(23, 59, 59, 0)
}

/// A time of day so many days from today in the course's zone.
fn day(days: i64, time: Time, zone: &TimeZone) -> Result<i64> {
    let wrong = |error: jiff::Error| Error::local_file(format!("{days} days from now is no date: {error}"));
    let now = Timestamp::from_millisecond(text::now_ms()).map_err(wrong)?;
    let date = now.to_zoned_datetime(zone.clone()).date().checked_add(days.days()).map_err(wrong)?;
    let zoned = zone.to_ambiguous_zoned_datetime(date.to_datetime(time)).compatible().map_err(wrong)?;
    Ok(zoned.timestamp().as_millisecond())
}

async fn create_course(plan: &Plan, session: &Session) -> Result<()> {
    let course = &plan.course;
    let request = v1::CreateCourseRequest {
        slug: course.slug.clone(),
        code: course.code.clone(),
        title: course.title.clone(),
        term: course.term.clone(),
        time_zone: course.time_zone.clone(),
        syllabus: plan.syllabus.clone(),
        instructor: course.instructor.clone(),
    };
    match session.call(request).await {
        Ok(_) => {}
        Err(error) if error.is_refused_for("DUPLICATE_NAME") => {
            output::note(&format!("{} exists already; adding what it lacks", course.slug));
        }
        Err(error) => return Err(error),
    }
    let publish = v1::UpdateCourseRequest {
        course: course.slug.clone(),
        state: Some(v1::CourseState::Available.into()),
        ..Default::default()
    };
    session.call(publish).await.map(|_| ())
}

async fn create_materials(plan: &Plan, dir: &Path, course: &CourseArg, session: &Session) -> Result<usize> {
    let existing = pages::all(session, |page_token| v1::ListMaterialsRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await?;
    let existing: BTreeSet<String> = existing.into_iter().map(|material| material.slug).collect();
    let modules = material::modules(course, session).await?;
    let release = |days: Option<i64>| days.map(|days| day(days, Time::midnight(), &plan.zone)).transpose();
    let mut made = 0;
    for described in &plan.modules {
        let known = modules.iter().find(|module| module.name == described.name).map(|module| module.module_id.clone());
        let module_id = if let Some(id) = known {
            id
        } else {
            let release_at_ms = release(described.release_in_days)?;
            material::create_module(course, described.name.clone(), release_at_ms, session).await?.module_id
        };
        for item in described.materials.iter().filter(|item| !existing.contains(&item.slug)) {
            let file = inside(dir, &item.file)?;
            let (slug, title) = (Some(item.slug.clone()), Some(item.title.clone()));
            let release_at_ms = release(item.release_in_days)?;
            material::add(course, &file, slug, title, module_id.clone(), release_at_ms, session).await?;
            made += 1;
        }
    }
    Ok(made)
}

async fn create_assignments(plan: &Plan, course: &CourseArg, session: &Session) -> Result<usize> {
    let mut made = 0;
    for (slug, settings, attachments) in &plan.assignments {
        let name = AssignmentArg { course: course.to_string(), assignment: slug.clone() };
        match lectern_cli::assignment::get(&name, session).await {
            Ok(_) => continue,
            Err(error) if error.is_refused_for("NOT_FOUND") => {}
            Err(error) => return Err(error),
        }
        assignment::put(&name, settings.clone(), attachments, session).await?;
        made += 1;
    }
    Ok(made)
}
