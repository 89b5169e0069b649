//! A new assignment group, changes of one, and the grading policy.

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

/// The grading policy of a course: names for percentages, and what lateness costs.
pub fn policy(course: &str, read: &v1::GetGradingPolicyResponse) -> FormScreen {
    let policy = read.policy.clone().unwrap_or_default();
    let late = policy.late.unwrap_or_default();
    let percent = |value: u32| if value == 0 { String::new() } else { Percent(value.into()).to_string() };
    let form = Form::new([
        Field::text("levels", "Scheme")
            .value(&levels_in_words(&policy.levels))
            .hint("from high to low, such as: A=90 B=80 C=70 F=0; empty: no names")
            .check(|typed| levels(typed).map(|_| ())),
        percent_field("late", "Late (%)").value(&percent(late.deduct)).hint("of the points, for each interval begun"),
        Field::choice("every", "… for each", [("day", "day"), ("hour", "hour")])
            .value(if late.interval() == v1::LateInterval::Hour { "hour" } else { "day" }),
        percent_field("floor", "… down to (%)").value(&percent(late.floor)).hint("of the points; empty: to nothing"),
        Field::text("days", "Late days")
            .value(&policy.late_days.to_string())
            .hint("each student may spend so many in the course")
            .check(number),
        percent_field("missing", "Missing (%)")
            .value(&policy.missing_percent.map(|value| Percent(value.into()).to_string()).unwrap_or_default())
            .hint("the score that missing work gets by itself; empty: none"),
        Field::text("reason", "Reason").hint("why, for the audit trail"),
    ]);
    let (course, revision) = (course.to_owned(), read.revision);
    FormScreen::new("Grading policy", "the changed policy", form, move |form| {
        let levels = levels(&form.text("levels")).map_err(|why| Refusal { field: "levels", why })?;
        let interval = if form.choice("every") == "hour" { v1::LateInterval::Hour } else { v1::LateInterval::Day };
        let deduct = typed_percent(form, "late")?.unwrap_or(0);
        let late =
            v1::LatePolicy { deduct, interval: interval.into(), floor: typed_percent(form, "floor")?.unwrap_or(0) };
        let changed = v1::GradingPolicy {
            levels,
            late: (deduct > 0).then_some(late),
            missing_percent: typed_percent(form, "missing")?,
            late_days: form.text("days").parse().unwrap_or(0),
        };
        let request = v1::UpdateGradingPolicyRequest {
            course: course.clone(),
            policy: Some(changed),
            revision,
            reason: form.text("reason"),
        };
        Ok(Change::UpdatePolicy(request).into())
    })
    .note("A name goes by the percentage that is shown. What lateness costs holds for grades that are set from now on.")
    .done(|_, cx| cx.toast(Tone::Good, "The grading policy is saved."))
}

fn percent_field(name: &'static str, label: &'static str) -> Field {
    Field::text(name, label).check(|typed| parse_percent(typed).map(|_| ()))
}

/// What is typed in a field of percent; none where it is empty.
fn typed_percent(form: &Form, field: &'static str) -> Result<Option<u32>, Refusal> {
    let typed = form.text(field);
    if typed.is_empty() {
        return Ok(None);
    }
    let value = parse_percent(&typed).map_err(|why| Refusal { field, why })?;
    u32::try_from(value).map(Some).map_err(|_| Refusal { field, why: "At most 100.".into() })
}

fn settings_fields(settings: &v1::AssignmentGroupSettings, assignments: &[v1::Assignment]) -> Vec<Field> {
    let never: Vec<String> = settings.never_drop.iter().map(|id| slug_of(id, assignments)).collect();
    let weight = if settings.weight == 0 { String::new() } else { Percent(settings.weight.into()).to_string() };
    vec![
        Field::text("name", "Name").required().value(&settings.name),
        percent_field("weight", "Weight (%)")
            .value(&weight)
            .hint("beside the other groups; where no group has one, points are added up"),
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
    let whole = |name: &str| form.text(name).parse::<u32>().unwrap_or(0);
    Ok(v1::AssignmentGroupSettings {
        name: form.text("name"),
        weight: typed_percent(form, "weight")?.unwrap_or(0),
        drop_lowest: whole("lowest"),
        drop_highest: whole("highest"),
        never_drop: form.text("never").split([' ', ',']).filter(|slug| !slug.is_empty()).map(str::to_owned).collect(),
    })
}
