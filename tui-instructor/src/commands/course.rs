//! `course …`.

use std::path::Path;

use lectern_cli::args::CourseArg;
use lectern_cli::{Result, Session, course, input, json};
use lectern_proto::v1;

use super::course_load;
use crate::cli::{CourseCommand, CreateCourseArgs, UpdateCourseArgs};

pub async fn run(command: CourseCommand, session: &Session) -> Result<()> {
    match command {
        CourseCommand::Create(args) => create(args, session).await,
        CourseCommand::Update(args) => update(args, session).await,
        CourseCommand::Publish { course } => set_state(&course, v1::CourseState::Available, session).await,
        CourseCommand::Unpublish { course } => set_state(&course, v1::CourseState::Unpublished, session).await,
        CourseCommand::Complete { course } => set_state(&course, v1::CourseState::Completed, session).await,
        CourseCommand::List { all } => course::list(all, session).await,
        CourseCommand::Show { course } => course::show(&course, session).await,
        CourseCommand::Load { dir } => course_load::run(&dir, session).await,
    }
}

async fn create(args: CreateCourseArgs, session: &Session) -> Result<()> {
    let request = v1::CreateCourseRequest {
        code: if args.code.is_empty() { args.slug.clone() } else { args.code },
        slug: args.slug,
        title: args.title,
        term: args.term,
        time_zone: args.time_zone,
        syllabus: args.syllabus.as_deref().map(syllabus).transpose()?.unwrap_or_default(),
        instructor: args.instructor,
    };
    let made = session.call(request).await?.course.unwrap_or_default();
    session.show(json::course(&made), || {
        format!("{} is created. Its students see it after: course publish {}", made.slug, made.slug)
    })
}

async fn update(args: UpdateCourseArgs, session: &Session) -> Result<()> {
    let request = v1::UpdateCourseRequest {
        course: args.course.to_string(),
        code: args.code,
        title: args.title,
        term: args.term,
        time_zone: args.time_zone,
        syllabus: args.syllabus.as_deref().map(syllabus).transpose()?,
        state: None,
        grace_seconds: args.grace_seconds,
        student_quota_bytes: args.student_quota_bytes,
        course_quota_bytes: args.course_quota_bytes,
    };
    let changed = session.call(request).await?.course.unwrap_or_default();
    session.show(json::course(&changed), || course::describe(&changed))
}

/// Changes a course's state, and says so.
async fn set_state(course: &CourseArg, state: v1::CourseState, session: &Session) -> Result<()> {
    let request =
        v1::UpdateCourseRequest { course: course.to_string(), state: Some(state.into()), ..Default::default() };
    let changed = session.call(request).await?.course.unwrap_or_default();
    session.show(json::course(&changed), || {
        format!("{course} is {}.", json::name(changed.state().as_str_name(), "COURSE_STATE"))
    })
}

fn syllabus(path: &Path) -> Result<String> {
    input::read_text(path)
}
