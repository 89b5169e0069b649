//! Courses: `course list`, `course show`.

use lectern_proto::v1;

use crate::args::CourseArg;
use crate::table::{cut, keep, spare};
use crate::{Result, Session, json, pages, text};

/// Prints the caller's courses, or all of them.
pub async fn list(all: bool, session: &Session) -> Result<()> {
    let courses =
        pages::all(session, |page_token| v1::ListCoursesRequest { page_token, all, ..Default::default() }).await?;
    let value = json::list("courses", courses.iter().map(json::course).collect());
    session.show(value, || {
        let rows = courses.iter().map(|course| {
            vec![
                course.slug.clone(),
                course.code.clone(),
                course.title.clone(),
                course.term.clone(),
                json::name(course.state().as_str_name(), "COURSE_STATE"),
                json::role(course.my_type()).as_str().unwrap_or("–").to_owned(),
            ]
        });
        let columns = [keep("course"), spare("code"), cut("title"), spare("term"), keep("state"), keep("role")];
        text::table(&columns, rows, "You take part in no course yet.")
    })
}

/// One course.
pub async fn get(course: &CourseArg, session: &Session) -> Result<v1::Course> {
    let response = session.call(v1::GetCourseRequest { course: course.to_string() }).await?;
    Ok(response.course.unwrap_or_default())
}

/// Prints one course with its syllabus.
pub async fn show(course: &CourseArg, session: &Session) -> Result<()> {
    let course = get(course, session).await?;
    session.show(json::course(&course), || describe(&course))
}

/// A course for people.
pub fn describe(course: &v1::Course) -> String {
    let mut lines = vec![
        format!("{} – {} ({})", text::clean(&course.code), text::clean(&course.title), course.slug),
        format!(
            "{} · {} · {}",
            text::clean(&course.term),
            json::name(course.state().as_str_name(), "COURSE_STATE"),
            text::count(course.student_count, "student", "students")
        ),
    ];
    if !course.time_zone.is_empty() {
        lines.push(format!("Dates are typed in the time zone {}.", text::clean(&course.time_zone)));
    }
    if !course.syllabus.is_empty() {
        lines.push(String::new());
        lines.push(text::clean_body(&course.syllabus));
    }
    lines.join("\n")
}
