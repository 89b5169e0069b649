//! A new course, and the settings of one.

use jiff::tz::TimeZone;
use lectern_proto::v1;
use lectern_tui_kit::screen::Tone;
use lectern_tui_kit::widgets::form::{Field, Form};

use super::course::{CourseScreen, Section};
use super::form::{FormScreen, Refusal};
use crate::effects::{Change, Made};

/// A new course, with the person in front of it as its instructor.
pub fn create() -> FormScreen {
    let form = Form::new([
        Field::text("slug", "Short name")
            .required()
            .hint("such as cs101: letters, digits and hyphens")
            .check(check_slug),
        Field::text("title", "Title").required(),
        Field::text("code", "Code").hint("as printed, such as CS 101"),
        Field::text("term", "Term").hint("such as Autumn 2026"),
        zone_field(""),
        Field::text("instructor", "Instructor").hint("a username; you, when left empty"),
        Field::body("syllabus", "Syllabus").hint("Markdown"),
    ]);
    FormScreen::new("New course", "the new course", form, |form| {
        let request = v1::CreateCourseRequest {
            slug: form.text("slug"),
            code: Some(form.text("code")).filter(|code| !code.is_empty()).unwrap_or_else(|| form.text("slug")),
            title: form.text("title"),
            term: form.text("term"),
            time_zone: form.text("zone"),
            syllabus: form.text("syllabus"),
            instructor: form.text("instructor"),
        };
        Ok(Change::CreateCourse(request).into())
    })
    .note("Students do not see it until it is published in its settings.")
    .done(|made, cx| {
        if let Made::CreateCourse(v1::CreateCourseResponse { course: Some(course) }) = made {
            cx.toast(Tone::Good, format!("{} is there.", course.slug));
            cx.push(CourseScreen::new(&course.slug, Section::Assignments));
        }
    })
}

/// Settings of a course.
pub fn edit(course: &v1::Course) -> FormScreen {
    let states =
        [("unpublished", "hidden from students"), ("available", "available"), ("completed", "completed: read only")];
    let state = match course.state() {
        v1::CourseState::Available => "available",
        v1::CourseState::Completed => "completed",
        _ => "unpublished",
    };
    let form = Form::new([
        Field::choice("state", "State", states).value(state),
        Field::text("title", "Title").required().value(&course.title),
        Field::text("code", "Code").value(&course.code),
        Field::text("term", "Term").value(&course.term),
        zone_field(&course.time_zone),
        Field::text("grace", "Grace (s)")
            .value(&course.grace_seconds.to_string())
            .hint("seconds after a due date that are not late yet")
            .check(|typed| typed.parse::<u32>().map(|_| ()).map_err(|_| "Write a number of seconds.".into())),
        Field::body("syllabus", "Syllabus").value(&course.syllabus).hint("Markdown"),
    ]);
    let slug = course.slug.clone();
    FormScreen::new(format!("Settings of {slug}"), "the changed settings", form, move |form| {
        let state = match form.choice("state") {
            "available" => v1::CourseState::Available,
            "completed" => v1::CourseState::Completed,
            _ => v1::CourseState::Unpublished,
        };
        let grace = form
            .text("grace")
            .parse()
            .map_err(|_| Refusal { field: "grace", why: "Write a number of seconds.".into() })?;
        let request = v1::UpdateCourseRequest {
            course: slug.clone(),
            code: Some(form.text("code")),
            title: Some(form.text("title")),
            term: Some(form.text("term")),
            time_zone: Some(form.text("zone")),
            syllabus: Some(form.text("syllabus")),
            state: Some(state.into()),
            grace_seconds: Some(grace),
            ..Default::default()
        };
        Ok(Change::UpdateCourse(request).into())
    })
    .done(|made, cx| {
        if let Made::UpdateCourse(v1::UpdateCourseResponse { course: Some(course) }) = made {
            cx.model.known.courses.insert(course.slug.clone(), course.clone());
            cx.toast(Tone::Good, format!("The settings of {} are saved.", course.slug));
        }
    })
}

/// A short name as the server takes it.
pub fn check_slug(typed: &str) -> Result<(), String> {
    let fits = typed.len() <= 40
        && typed.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !typed.starts_with('-');
    if fits { Ok(()) } else { Err("Up to 40 of a-z, 0-9 and -, beginning with a letter or digit.".into()) }
}

fn zone_field(zone: &str) -> Field {
    Field::text("zone", "Time zone").value(zone).hint("of its dates, such as Europe/Berlin").check(|typed| {
        TimeZone::get(typed).map(|_| ()).map_err(|_| format!("This machine does not know the zone {typed}."))
    })
}

/// The zone of a course; this machine's where it has none.
pub fn zone_of(course: Option<&v1::Course>) -> TimeZone {
    let name = course.map(|course| course.time_zone.as_str()).unwrap_or_default();
    if name.is_empty() { TimeZone::system() } else { TimeZone::get(name).unwrap_or(TimeZone::UTC) }
}
