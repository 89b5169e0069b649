//! All settings of an assignment: a new one, or changes of one.

use lectern_cli::format::{parse_points, points};
use lectern_proto::{POINT, v1};
use lectern_tui_kit::screen::Tone;
use lectern_tui_kit::widgets::form::{Field, Form};

use super::course_form::{check_slug, zone_of};
use super::form::{FormScreen, Refusal};
use crate::effects::{Change, Made};
use crate::model::Model;

/// What can be handed in: the name of its toggle, its label.
const TYPES: [(&str, &str, v1::SubmissionType); 4] = [
    ("text", "Takes text", v1::SubmissionType::Text),
    ("files", "Takes files", v1::SubmissionType::Files),
    ("directory", "Takes a directory", v1::SubmissionType::Directory),
    ("paper", "Handed in on paper", v1::SubmissionType::OnPaper),
];

/// A new assignment: 100 points, text or files, grades hidden until they are posted.
pub fn create(course: &str, model: &Model) -> FormScreen {
    let fresh = v1::AssignmentSettings {
        points_possible: 100 * POINT,
        submission_types: vec![v1::SubmissionType::Text.into(), v1::SubmissionType::Files.into()],
        post_manually: true,
        published: true,
        ..Default::default()
    };
    let mut fields =
        vec![Field::text("slug", "Short name").required().hint("such as hw1; it never changes").check(check_slug)];
    fields.extend(settings_fields(&fresh, model, course));
    let slug = course.to_owned();
    FormScreen::new("New assignment", "the new assignment", Form::new(fields), move |form| {
        let request = v1::CreateAssignmentRequest {
            course: slug.clone(),
            slug: form.text("slug"),
            settings: Some(settings(form)?),
            attachments_upload_id: String::new(),
        };
        Ok(Change::CreateAssignment(request).into())
    })
    .zone(zone_of(model.known.courses.get(course)))
    .done(|made, cx| {
        if let Made::CreateAssignment(v1::CreateAssignmentResponse { assignment: Some(assignment) }) = made {
            cx.toast(Tone::Good, format!("{} is there.", assignment.slug));
        }
    })
}

/// Changes of an assignment. What another person changed meanwhile is not overwritten: the cluster refuses then.
pub fn edit(assignment: &v1::Assignment, model: &Model) -> FormScreen {
    let before = assignment.settings.clone().unwrap_or_default();
    let mut fields = settings_fields(&before, model, &assignment.course_slug);
    fields.push(Field::text("reason", "Reason").hint("why, for the audit trail"));
    let assignment = assignment.clone();
    let title = format!("Settings of {}", assignment.slug);
    let zone = zone_of(model.known.courses.get(&assignment.course_slug));
    FormScreen::new(title, "the changed settings", Form::new(fields), move |form| {
        let request = v1::UpdateAssignmentRequest {
            course: assignment.course_slug.clone(),
            assignment: assignment.slug.clone(),
            settings: Some(settings(form)?),
            attachments_upload_id: None,
            reason: form.text("reason"),
            revision: assignment.revision,
        };
        Ok(Change::UpdateAssignment(request).into())
    })
    .zone(zone)
    .note("Dates of work that was handed in already are not rewritten.")
    .done(|made, cx| {
        if let Made::UpdateAssignment(v1::UpdateAssignmentResponse { assignment: Some(assignment) }) = made {
            cx.toast(Tone::Good, format!("The settings of {} are saved.", assignment.slug));
        }
    })
}

/// Shows an assignment to students, or hides it.
pub fn publish(assignment: &v1::Assignment, published: bool) -> Change {
    let settings = v1::AssignmentSettings { published, ..assignment.settings.clone().unwrap_or_default() };
    Change::UpdateAssignment(v1::UpdateAssignmentRequest {
        course: assignment.course_slug.clone(),
        assignment: assignment.slug.clone(),
        settings: Some(settings),
        attachments_upload_id: None,
        reason: String::new(),
        revision: assignment.revision,
    })
}

fn settings_fields(settings: &v1::AssignmentSettings, model: &Model, course: &str) -> Vec<Field> {
    let zone = zone_of(model.known.courses.get(course));
    let takes = |kind: v1::SubmissionType| settings.submission_types.contains(&kind.into());
    let mut fields = vec![
        Field::text("title", "Title").required().value(&settings.title),
        Field::points("points", "Points").required().value(&points(settings.points_possible)),
        Field::text("group", "Group")
            .value(&group_slug(&settings.group, model, course))
            .hint("short name of the group it counts in; empty: none"),
        Field::date("unlock", "Opens").date_value(settings.unlock_at_ms, &zone),
        Field::date("due", "Due").date_value(settings.due_at_ms, &zone),
        Field::date("lock", "Locks").date_value(settings.lock_at_ms, &zone),
        Field::toggle("published", "Published").value(bool_value(settings.published)),
        Field::toggle("manually", "Grades posted by hand").value(bool_value(settings.post_manually)),
    ];
    fields.extend(TYPES.iter().map(|(name, label, kind)| Field::toggle(*name, *label).value(bool_value(takes(*kind)))));
    fields.extend([
        Field::text("attempts", "Attempts")
            .value(&or_empty(settings.allowed_attempts.into()))
            .hint("empty: as many as they like")
            .check(number),
        Field::text("extensions", "File endings")
            .value(&settings.allowed_extensions.join(" "))
            .hint("such as: py txt; empty: any"),
        Field::text("file-bytes", "Largest file")
            .value(&or_empty(settings.max_file_bytes))
            .hint("in bytes; empty: the installation's limit")
            .check(number),
        Field::text("text-bytes", "Longest text")
            .value(&or_empty(settings.max_text_bytes))
            .hint("in bytes; empty: 1 MiB")
            .check(number),
        Field::body("description", "What to do").value(&settings.description).hint("Markdown").rows(6),
    ]);
    fields
}

/// The short name of a group, where it is known; the cluster takes its id as well.
fn group_slug(group_id: &str, model: &Model, course: &str) -> String {
    let groups = model.known.policies.get(course).map(|policy| policy.groups.as_slice()).unwrap_or_default();
    let found = groups.iter().find(|group| group.group_id == group_id);
    found.map_or_else(|| group_id.to_owned(), |group| group.slug.clone())
}

fn bool_value(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

fn or_empty(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

fn number(typed: &str) -> Result<(), String> {
    typed.parse::<u32>().map(|_| ()).map_err(|_| "Write a whole number, or nothing.".into())
}

fn settings(form: &Form) -> Result<v1::AssignmentSettings, Refusal> {
    let (unlock, due, lock) = (form.date("unlock"), form.date("due"), form.date("lock"));
    let refusal = |field, why: &str| Err(Refusal { field, why: why.into() });
    if due.zip(lock).is_some_and(|(due, lock)| lock < due) {
        return refusal("lock", "It cannot lock before it is due.");
    }
    if unlock.zip(due.or(lock)).is_some_and(|(unlock, due)| due < unlock) {
        return refusal("due", "It cannot be due before it opens.");
    }
    let mut types: Vec<i32> = Vec::new();
    types.extend(TYPES.iter().filter(|(name, ..)| form.toggle(name)).map(|(.., kind)| i32::from(*kind)));
    if types.is_empty() {
        types.push(v1::SubmissionType::None.into());
    }
    let endings = form.text("extensions");
    let endings = endings.split([' ', ',']).map(|ending| ending.trim_start_matches('.').to_lowercase());
    let whole = |name: &str| form.text(name).parse::<u32>().unwrap_or(0);
    Ok(v1::AssignmentSettings {
        title: form.text("title"),
        description: form.text("description"),
        points_possible: parse_points(&form.text("points")).map_err(|why| Refusal { field: "points", why })?,
        unlock_at_ms: unlock,
        due_at_ms: due,
        lock_at_ms: lock,
        submission_types: types,
        allowed_extensions: endings.filter(|ending| !ending.is_empty()).collect(),
        max_file_bytes: whole("file-bytes").into(),
        allowed_attempts: whole("attempts"),
        post_manually: form.toggle("manually"),
        published: form.toggle("published"),
        max_text_bytes: whole("text-bytes").into(),
        group: form.text("group"),
    })
}
