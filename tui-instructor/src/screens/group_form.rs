//! A new assignment group, changes of one, and the grading scheme.

use lectern_cli::format::parse_percent;
use lectern_grading::Percent;
use lectern_proto::v1;
use lectern_tui_kit::screen::Tone;
use lectern_tui_kit::widgets::form::{Field, Form};

use super::course_form::check_slug;
use super::form::{FormScreen, Refusal};
use crate::commands::policy::{levels, levels_in_words};
use crate::effects::{Change, Made};

/// A new group.
pub fn create(course: &str) -> FormScreen {
    let mut fields =
        vec![Field::text("slug", "Short name").required().hint("such as homework; it never changes").check(check_slug)];
    fields.extend(settings_fields(&v1::AssignmentGroupSettings::default(), &[]));
    let course = course.to_owned();
    FormScreen::new("New group", "the new group", Form::new(fields), move |form| {
        let request = v1::CreateAssignmentGroupRequest {
            course: course.clone(),
            slug: form.text("slug"),
            settings: Some(settings(form)?),
        };
        Ok(Change::CreateGroup(request).into())
    })
    .note("Assignments are put in it in their own settings.")
    .done(|made, cx| {
        if let Made::CreateGroup(v1::CreateAssignmentGroupResponse { group: Some(group) }) = made {
            cx.toast(Tone::Good, format!("The group {} is there.", group.slug));
        }
    })
}

/// Changes of a group. `assignments` are those of the course: what is never dropped is shown by their short names.
pub fn edit(course: &str, group: &v1::AssignmentGroup, assignments: &[v1::Assignment]) -> FormScreen {
    let mut fields = settings_fields(&group.settings.clone().unwrap_or_default(), assignments);
    fields.push(Field::text("reason", "Reason").hint("why, for the audit trail"));
    let (course, before) = (course.to_owned(), group.clone());
    FormScreen::new(format!("Group {}", group.slug), "the changed group", Form::new(fields), move |form| {
        let request = v1::UpdateAssignmentGroupRequest {
            course: course.clone(),
            group: before.group_id.clone(),
            settings: Some(settings(form)?),
            revision: before.revision,
            reason: form.text("reason"),
        };
        Ok(Change::UpdateGroup(request).into())
    })
    .note("Every student's grade follows at once.")
    .done(|made, cx| {
        if let Made::UpdateGroup(v1::UpdateAssignmentGroupResponse { group: Some(group) }) = made {
            cx.toast(Tone::Good, format!("The group {} is saved.", group.slug));
        }
    })
}

/// The grading scheme of a course.
pub fn scheme(course: &str, read: &v1::GetGradingPolicyResponse) -> FormScreen {
    let policy = read.policy.clone().unwrap_or_default();
    let form = Form::new([
        Field::text("levels", "Scheme")
            .value(&levels_in_words(&policy.levels))
            .hint("from high to low, such as: A=90 B=80 C=70 F=0; empty: no names")
            .check(|typed| levels(typed).map(|_| ())),
        Field::text("reason", "Reason").hint("why, for the audit trail"),
    ]);
    let (course, revision) = (course.to_owned(), read.revision);
    FormScreen::new("Grading scheme", "the changed scheme", form, move |form| {
        let levels = levels(&form.text("levels")).map_err(|why| Refusal { field: "levels", why })?;
        let request = v1::UpdateGradingPolicyRequest {
            course: course.clone(),
            policy: Some(v1::GradingPolicy { levels, ..policy.clone() }),
            revision,
            reason: form.text("reason"),
        };
        Ok(Change::UpdatePolicy(request).into())
    })
    .note("A name goes by the percentage that is shown, rounded to two places.")
    .done(|_, cx| cx.toast(Tone::Good, "The grading scheme is saved."))
}

fn settings_fields(settings: &v1::AssignmentGroupSettings, assignments: &[v1::Assignment]) -> Vec<Field> {
    let never: Vec<String> = settings.never_drop.iter().map(|id| slug_of(id, assignments)).collect();
    let weight = if settings.weight == 0 { String::new() } else { Percent(settings.weight.into()).to_string() };
    vec![
        Field::text("name", "Name").required().value(&settings.name),
        Field::text("weight", "Weight (%)")
            .value(&weight)
            .hint("beside the other groups; where no group has one, points are added up")
            .check(|typed| parse_percent(typed).map(|_| ())),
        Field::text("lowest", "Drop lowest").value(&settings.drop_lowest.to_string()).check(number),
        Field::text("highest", "Drop highest").value(&settings.drop_highest.to_string()).check(number),
        Field::text("never", "Never drop").value(&never.join(" ")).hint("short names of assignments, such as: hw1 hw2"),
    ]
}

fn slug_of(id: &str, assignments: &[v1::Assignment]) -> String {
    let found = assignments.iter().find(|assignment| assignment.assignment_id == id);
    found.map_or_else(|| id.to_owned(), |assignment| assignment.slug.clone())
}

fn number(typed: &str) -> Result<(), String> {
    typed.parse::<u32>().map(|_| ()).map_err(|_| "Write a whole number.".into())
}

fn settings(form: &Form) -> Result<v1::AssignmentGroupSettings, Refusal> {
    let weight = match &*form.text("weight") {
        "" => 0,
        typed => parse_percent(typed).map_err(|why| Refusal { field: "weight", why })?,
    };
    let whole = |name: &str| form.text(name).parse::<u32>().unwrap_or(0);
    Ok(v1::AssignmentGroupSettings {
        name: form.text("name"),
        weight: u32::try_from(weight).map_err(|_| Refusal { field: "weight", why: "At most 100.".into() })?,
        drop_lowest: whole("lowest"),
        drop_highest: whole("highest"),
        never_drop: form.text("never").split([' ', ',']).filter(|slug| !slug.is_empty()).map(str::to_owned).collect(),
    })
}
