//! Overrides: other dates, more attempts, or none of it at all, for one student or one section.
//!
//! Each date stands on its own: what an override leaves out is the assignment's. A student's own override goes before their
//! section's. An excuse is for a student, and beats everything: the assignment counts nowhere, is not missing and is not
//! waited for. Which dates are in effect, `dates.rs` alone decides.

use std::collections::BTreeMap;

use lectern_proto::internal::v1::{AssignmentRecord, EnrollmentRecord, OverrideRecord, SectionRecord};
use lectern_proto::v1::{self, EventKind, OverriddenDate, OverrideSettings, PersonRef};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{assignments, audit, dates, grades, limits, lookup, missing, paging, rows, schedule, standing, validate};

/// Attempts that an override may add.
const MAX_EXTRA_ATTEMPTS: u32 = 1_000;

/// Sets, changes or ends the override of a student or a section. For instructors.
pub(crate) fn set_override(tx: &mut Tx<'_, '_>, request: &v1::SetOverrideRequest) -> Result<v1::SetOverrideResponse> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let mut assignment = assignments::open(&*tx.store, &access, &request.assignment)?;
    let whom = Whom::of(&*tx.store, &access, request)?;
    let key = key2(&assignment.assignment_id, whom.id());
    let before: Option<OverrideRecord> = tx.store.record(Table::Overrides, &key)?;
    require_revision(request.base_revision, before.as_ref())?;
    let settings = request.settings.unwrap_or_default();
    check(&assignment, &settings, &whom)?;
    let ends = settings == OverrideSettings::default();
    let record = OverrideRecord {
        course_id: assignment.course_id.clone(),
        assignment_id: assignment.assignment_id.clone(),
        user_id: whom.user_id().into(),
        section_id: whom.section_id().into(),
        settings: Some(settings),
        revision: before.as_ref().map_or(0, |before| before.revision) + 1,
    };
    match (before.is_some(), ends) {
        (false, true) => return refuse(Reason::NotFound, format!("{} has no override here to end", whom.name())),
        (true, true) => assignment.overrides = assignment.overrides.saturating_sub(1),
        (false, false) => assignment.overrides += 1,
        (true, false) => {}
    }
    if ends {
        tx.delete(Table::Overrides, key);
    } else {
        tx.put(Table::Overrides, key, &record);
        schedule::release(tx, date(settings.unlock.as_ref()), &record.course_id, &record.assignment_id);
    }
    let own_due = assignment.settings.as_ref().and_then(|own| own.due_at_ms);
    missing::watch(tx, &assignment, date(settings.due.as_ref()).or(own_due))?;
    if let Whom::Student(student) = &whom {
        rows::change(tx, &assignment, &student.user_id, |cell| cell.excused = settings.excused)?;
    }
    tx.put(Table::Assignments, key2(&assignment.course_id, &assignment.assignment_id), &assignment);
    let entry = audit::Entry {
        course_id: &access.course.course_id,
        action: "override.set",
        subject: format!("{}/{} {}", access.course.slug, assignment.slug, whom.name()),
        before: in_words(before.as_ref().and_then(|before| before.settings)),
        after: in_words(Some(settings)),
        reason: &reason,
    };
    audit::write(tx, entry);
    let audience = match &whom {
        // Of work that is not published students hear nothing.
        _ if !standing::is_published(&assignment) => Audience::Staff,
        Whom::Student(student) => Audience::UserAndStaff(student.user_id.clone()),
        Whom::Section(_) => Audience::Course,
    };
    for kind in [EventKind::Assignment, EventKind::Grading] {
        tx.event(kind, &record.course_id, &record.assignment_id, audience.clone());
    }
    Ok(v1::SetOverrideResponse { r#override: Some(to_proto(&*tx.store, &assignment, record)?) })
}

/// The overrides of an assignment. For staff.
pub fn list_overrides(view: &View<'_>, request: &v1::ListOverridesRequest) -> Result<v1::ListOverridesResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    access.require_staff()?;
    let assignment = assignments::open(view.store, &access, &request.assignment)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let prefix = key1(&assignment.assignment_id);
    let rows = (Table::Overrides, &*prefix, Order::Ascending);
    let (overrides, next_page_token) =
        paging::scan(view.store, rows, &page, |record| Ok(Some(to_proto(view.store, &assignment, record)?)))?;
    Ok(v1::ListOverridesResponse { overrides, next_page_token })
}

/// What is in effect for a student of the course, where the assignment has overrides at all: their own settings, each date left
/// out taken from their section's.
pub(crate) fn in_effect(
    store: &dyn Store,
    assignment: &AssignmentRecord,
    user_id: &str,
) -> StoreResult<OverrideSettings> {
    if assignment.overrides == 0 {
        return Ok(OverrideSettings::default());
    }
    let read = |id: &str| -> StoreResult<OverrideSettings> {
        let record: Option<OverrideRecord> = store.record(Table::Overrides, &key2(&assignment.assignment_id, id))?;
        Ok(record.and_then(|record| record.settings).unwrap_or_default())
    };
    let enrollment: Option<EnrollmentRecord> =
        store.record(Table::Enrollments, &key2(&assignment.course_id, user_id))?;
    let sections = match enrollment {
        Some(enrollment) => read(&enrollment.section_id)?,
        None => OverrideSettings::default(),
    };
    Ok(merged(read(user_id)?, sections))
}

/// All overrides of an assignment, by the id of their student or section.
pub(crate) fn of_assignment(
    store: &dyn Store,
    assignment: &AssignmentRecord,
) -> Result<BTreeMap<String, OverrideSettings>> {
    let mut overrides = BTreeMap::new();
    if assignment.overrides > 0 {
        let (prefix, limit) = (key1(&assignment.assignment_id), assignment.overrides as usize);
        paging::each(store, Table::Overrides, &prefix, limit, |record: OverrideRecord| {
            let id = if record.user_id.is_empty() { record.section_id } else { record.user_id };
            overrides.insert(id, record.settings.unwrap_or_default());
            Ok(())
        })?;
    }
    Ok(overrides)
}

/// A student's override before their section's.
pub(crate) fn merged(own: OverrideSettings, sections: OverrideSettings) -> OverrideSettings {
    OverrideSettings {
        unlock: own.unlock.or(sections.unlock),
        due: own.due.or(sections.due),
        lock: own.lock.or(sections.lock),
        extra_attempts: own.extra_attempts.max(sections.extra_attempts),
        excused: own.excused,
    }
}

/// Whom an override is for.
enum Whom {
    Student(PersonRef),
    Section(SectionRecord),
}

impl Whom {
    fn of(store: &dyn Store, access: &CourseAccess, request: &v1::SetOverrideRequest) -> Result<Self> {
        match (&*request.user, &*request.section) {
            ("", "") => refuse(Reason::InvalidArgument, "name the student or the section that the override is for"),
            (user, "") => Ok(Self::Student(grades::student_of(store, access, user)?)),
            ("", name) => Self::section(store, access, name),
            _ => refuse(Reason::InvalidArgument, "name either a student or a section, not both"),
        }
    }

    fn section(store: &dyn Store, access: &CourseAccess, name: &str) -> Result<Self> {
        let prefix = key1(&access.course.course_id);
        let sections: Vec<(_, SectionRecord)> =
            store.records(Table::Sections, &prefix, None, Order::Ascending, limits::SECTIONS_PER_COURSE)?;
        let found = sections.into_iter().map(|(_, section)| section).find(|section| {
            [&section.name, &section.section_id, &section.sis_section_id].into_iter().any(|it| it == name)
        });
        found.map(Self::Section).ok_or_else(|| {
            let message = format!("no section `{name}` in {}; the roster names them", access.course.slug);
            Refusal::new(Reason::NotFound, message).into()
        })
    }

    fn id(&self) -> &str {
        match self {
            Self::Student(student) => &student.user_id,
            Self::Section(section) => &section.section_id,
        }
    }

    fn user_id(&self) -> &str {
        if let Self::Student(student) = self { &student.user_id } else { "" }
    }

    fn section_id(&self) -> &str {
        if let Self::Section(section) = self { &section.section_id } else { "" }
    }

    fn name(&self) -> &str {
        match self {
            Self::Student(student) => &student.username,
            Self::Section(section) => &section.name,
        }
    }
}

fn require_revision(base_revision: u64, current: Option<&OverrideRecord>) -> Result<()> {
    let revision = current.map_or(0, |current| current.revision);
    if base_revision == revision {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::StaleRevision,
        format!(
            "this override was changed by somebody else and is at revision {revision}; read it again, then set it anew"
        ),
    )
    .with("revision", revision)
    .into())
}

fn check(assignment: &AssignmentRecord, settings: &OverrideSettings, whom: &Whom) -> Result<()> {
    let own = assignment.settings.clone().unwrap_or_default();
    if settings.excused && matches!(whom, Whom::Section(_)) {
        return refuse(Reason::InvalidArgument, "students are excused one by one, not as a section");
    }
    if settings.extra_attempts > MAX_EXTRA_ATTEMPTS {
        return refuse(Reason::InvalidArgument, format!("at most {MAX_EXTRA_ATTEMPTS} attempts can be added"));
    }
    let named = [
        ("unlock date", settings.unlock, own.unlock_at_ms),
        ("due date", settings.due, own.due_at_ms),
        ("lock date", settings.lock, own.lock_at_ms),
    ];
    for (name, changed, _) in &named {
        dates::check_time(name, changed.and_then(|changed| changed.at_ms))?;
    }
    let then = named.map(|(name, changed, own)| (name, changed.map_or(own, |changed| changed.at_ms)));
    let set: Vec<(&str, i64)> = then.into_iter().filter_map(|(name, date)| Some((name, date?))).collect();
    for pair in set.windows(2) {
        let [(earlier, first), (later, second)] = pair else { continue };
        if first > second {
            return refuse(
                Reason::InvalidArgument,
                format!("with this override the {earlier} comes after the {later}; change both"),
            );
        }
    }
    Ok(())
}

fn date(changed: Option<&OverriddenDate>) -> Option<i64> {
    changed.and_then(|changed| changed.at_ms)
}

/// Such as `due 2026-09-08T21:59:59Z, 1 more attempt`; `none` without one.
fn in_words(settings: Option<OverrideSettings>) -> String {
    let settings = settings.unwrap_or_default();
    let dates = [("unlock", settings.unlock), ("due", settings.due), ("lock", settings.lock)];
    let mut words: Vec<String> = dates
        .into_iter()
        .filter_map(|(name, changed)| {
            let date = changed?.at_ms.map_or_else(|| "none".into(), dates::rfc3339);
            Some(format!("{name} {date}"))
        })
        .collect();
    if settings.extra_attempts > 0 {
        words.push(validate::count(settings.extra_attempts as usize, "more attempt"));
    }
    if settings.excused {
        words.push("excused".into());
    }
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

fn to_proto(store: &dyn Store, assignment: &AssignmentRecord, record: OverrideRecord) -> StoreResult<v1::Override> {
    let student = match &*record.user_id {
        "" => None,
        user_id => Some(lookup::person(store, user_id)?),
    };
    let section: Option<SectionRecord> = match &*record.section_id {
        "" => None,
        section_id => store.record(Table::Sections, &key2(&record.course_id, section_id))?,
    };
    Ok(v1::Override {
        assignment_id: record.assignment_id,
        assignment_slug: assignment.slug.clone(),
        student,
        section: section.unwrap_or_default().name,
        settings: record.settings,
        revision: record.revision,
    })
}

#[cfg(test)]
#[path = "overrides_tests.rs"]
mod tests;
