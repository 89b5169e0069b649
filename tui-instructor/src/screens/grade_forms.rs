//! What is otherwise for one student: other dates, more attempts, an excuse, a final grade.

use lectern_cli::format::parse_percent;
use lectern_grading::Percent;
use lectern_proto::v1;
use lectern_tui_kit::screen::Tone;
use lectern_tui_kit::widgets::form::{Field, Form};

use super::course_form::zone_of;
use super::form::{FormScreen, Refusal};
use crate::effects::{Change, Made};
use crate::model::{Hw, Model};

/// Dates, attempts and an excuse for a student; `current` is what holds now.
pub fn overriding(hw: &Hw, student: &v1::PersonRef, current: Option<&v1::Override>, model: &Model) -> FormScreen {
    let zone = zone_of(model.known.courses.get(&hw.course));
    let settings = current.and_then(|current| current.settings).unwrap_or_default();
    let date = |name: &'static str, label: &'static str, date: Option<v1::OverriddenDate>| {
        Field::date(name, label)
            .date_value(date.and_then(|date| date.at_ms), &zone)
            .hint("such as +3d; empty: the assignment's own")
    };
    let never = |name: &'static str, label: &'static str, date: Option<v1::OverriddenDate>| {
        let on = date.is_some_and(|date| date.at_ms.is_none());
        Field::toggle(name, label).value(if on { "true" } else { "false" })
    };
    let form = Form::new([
        Field::toggle("excused", "Excused").value(if settings.excused { "true" } else { "false" }),
        date("due", "Due", settings.due),
        never("no-due", "No due date at all", settings.due),
        date("lock", "Locks", settings.lock),
        never("no-lock", "Never locks", settings.lock),
        date("unlock", "Opens", settings.unlock),
        never("no-unlock", "Open at once", settings.unlock),
        Field::text("attempts", "More attempts")
            .value(&settings.extra_attempts.to_string())
            .check(|typed| typed.parse::<u32>().map(|_| ()).map_err(|_| "Write a whole number.".into())),
        Field::text("reason", "Reason").required().hint("why, for the audit trail"),
    ]);
    let (hw, user, revision) = (hw.clone(), student.username.clone(), current.map_or(0, |current| current.revision));
    let title = format!("{} in {}", student.name, hw.assignment);
    FormScreen::new(title, "this", form, move |form| {
        let date = |name: &str, never: &str| match (form.toggle(never), form.date(name)) {
            (true, _) => Some(v1::OverriddenDate { at_ms: None }),
            (false, None) => None,
            (false, date) => Some(v1::OverriddenDate { at_ms: date }),
        };
        let settings = v1::OverrideSettings {
            unlock: date("unlock", "no-unlock"),
            due: date("due", "no-due"),
            lock: date("lock", "no-lock"),
            extra_attempts: form.text("attempts").parse().unwrap_or(0),
            excused: form.toggle("excused"),
        };
        let request = v1::SetOverrideRequest {
            course: hw.course.clone(),
            assignment: hw.assignment.clone(),
            user: user.clone(),
            settings: Some(settings),
            base_revision: revision,
            reason: form.text("reason"),
            ..Default::default()
        };
        Ok(Change::SetOverride(request).into())
    })
    .zone(zone)
    .note("Excused work counts nowhere. With everything empty the assignment's own dates hold again.")
    .done(|made, cx| {
        if let Made::SetOverride(_) = made {
            cx.toast(Tone::Good, "It is saved.");
        }
    })
}

/// A final percentage instead of the computed one.
pub fn final_grade(course: &str, row: &v1::GradebookRow) -> FormScreen {
    let total = row.total.clone().unwrap_or_default();
    let student = row.student.clone().unwrap_or_default();
    let computed = total.r#final.map_or_else(|| "nothing yet".into(), |percent| format!("{} %", Percent(percent)));
    let form = Form::new([
        Field::text("percent", "Final (%)")
            .value(&total.r#override.map(|percent| Percent(percent).to_string()).unwrap_or_default())
            .hint("such as 90; empty: as computed")
            .check(|typed| parse_percent(typed).map(|_| ())),
        Field::text("reason", "Reason").required().hint("why, for the audit trail"),
    ]);
    let (course, user, name) = (course.to_owned(), student.username, student.name);
    FormScreen::new(format!("Final grade of {name}"), "this", form, move |form| {
        let percent = match &*form.text("percent") {
            "" => None,
            typed => Some(parse_percent(typed).map_err(|why| Refusal { field: "percent", why })?),
        };
        let request = v1::SetFinalGradeRequest {
            course: course.clone(),
            user: user.clone(),
            percent,
            base_revision: total.override_revision,
            reason: form.text("reason"),
        };
        Ok(Change::SetFinalGrade(request).into())
    })
    .note(format!("Computed: {computed}. The student sees a set grade once the course is completed."))
    .done(|_, cx| cx.toast(Tone::Good, "The final grade is saved."))
}
