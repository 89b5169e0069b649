//! Dates in effect for a student, late and missing: the only place that judges them.
//!
//! * Late: handed in after the due date plus the course's grace.
//! * An override of the student or their section (`overrides.rs`) goes before the assignment's own dates; excused work is
//!   never missing.
//! * Missing: that moment has passed and nothing was handed in, where something is expected.
//! * An election is not the student's fault: a due or lock date that falls in an outage moves to its end plus
//!   [`OUTAGE_CREDIT_MS`]. Unlock dates stay: an outage delays nobody's start.

use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, OutageRecord};
use lectern_proto::v1::{AssignmentSettings, OverriddenDate, OverrideSettings, SubmissionType};

use crate::keys::key1;
use crate::refusal::{Reason, Result, refuse};
use crate::store::{Order, Store, StoreResult, decode};
use crate::tables::Table;
use crate::{limits, overrides};

/// Added to the end of an outage, in milliseconds: time to notice that the cluster is back.
pub const OUTAGE_CREDIT_MS: i64 = 60_000;

/// Outages that began last before a date and may contain it. More than one only where they overlap.
const OUTAGES_LOOKED_AT: usize = 16;

/// The dates of one assignment for one student. Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EffectiveDates {
    /// Before this nothing is taken.
    pub unlock_at_ms: Option<i64>,
    /// Work is late some grace after this.
    pub due_at_ms: Option<i64>,
    /// After this, work is kept as an extension request.
    pub lock_at_ms: Option<i64>,
    /// The course's grace after the due date.
    pub grace_ms: i64,
    /// Added to the allowed attempts.
    pub extra_attempts: u32,
    /// Nothing is expected of this student.
    pub excused: bool,
}

impl EffectiveDates {
    /// Whether work handed in at that time is late.
    pub fn is_late(&self, submitted_at_ms: i64) -> bool {
        self.due_at_ms.is_some_and(|due| submitted_at_ms > due.saturating_add(self.grace_ms))
    }

    /// Whether work is missing at `now_ms` when none was handed in: past due, and the assignment takes submissions.
    pub fn is_missing(&self, settings: &AssignmentSettings, now_ms: i64) -> bool {
        !self.excused && takes_submissions(settings) && self.is_late(now_ms)
    }

    /// The attempts a student may make; 0 for any number.
    pub fn allowed_attempts(&self, settings: &AssignmentSettings) -> u32 {
        match settings.allowed_attempts {
            0 => 0,
            allowed => allowed.saturating_add(self.extra_attempts),
        }
    }

    /// Whether the assignment has opened at that time.
    pub fn is_unlocked(&self, at_ms: i64) -> bool {
        self.unlock_at_ms.is_none_or(|unlock| unlock <= at_ms)
    }

    /// Whether that time is after the lock date.
    pub fn is_past_lock(&self, at_ms: i64) -> bool {
        self.lock_at_ms.is_some_and(|lock| at_ms > lock)
    }
}

/// The dates of `assignment` in effect for `user_id`.
pub fn effective(
    store: &dyn Store,
    course: &CourseRecord,
    assignment: &AssignmentRecord,
    user_id: &str,
) -> StoreResult<EffectiveDates> {
    with_override(store, course, assignment, &overrides::in_effect(store, assignment, user_id)?)
}

/// The dates of `assignment` under an override: the default one for the assignment's own.
pub(crate) fn with_override(
    store: &dyn Store,
    course: &CourseRecord,
    assignment: &AssignmentRecord,
    changed: &OverrideSettings,
) -> StoreResult<EffectiveDates> {
    let own = assignment.settings.as_ref();
    let date = |changed: Option<OverriddenDate>, own: Option<i64>| changed.map_or(own, |changed| changed.at_ms);
    let moved = |date: Option<i64>| date.map(|date| after_outages(store, date)).transpose();
    let due_at_ms = moved(date(changed.due, own.and_then(|own| own.due_at_ms)))?;
    // A due date that moved takes a lock date shortly after it along.
    let lock_at_ms = moved(date(changed.lock, own.and_then(|own| own.lock_at_ms)))?;
    let lock_at_ms = lock_at_ms.map(|lock| due_at_ms.map_or(lock, |due| lock.max(due)));
    Ok(EffectiveDates {
        unlock_at_ms: date(changed.unlock, own.and_then(|own| own.unlock_at_ms)),
        due_at_ms,
        lock_at_ms,
        grace_ms: i64::from(course.grace_seconds) * 1000,
        extra_attempts: changed.extra_attempts,
        excused: changed.excused,
    })
}

/// `date_ms`, or the end of the outage it falls in plus [`OUTAGE_CREDIT_MS`]; repeatedly, where that falls in another.
pub fn after_outages(store: &dyn Store, mut date_ms: i64) -> StoreResult<i64> {
    loop {
        let until = key1(date_ms.saturating_add(1));
        let rows = store.range(Table::Outages, &[], Some(&until), Order::Descending, OUTAGES_LOOKED_AT)?;
        let mut end = None;
        for (_, bytes) in rows {
            let outage: OutageRecord = decode(Table::Outages, &bytes)?;
            if outage.ended_at_ms >= date_ms {
                end = end.max(Some(outage.ended_at_ms));
            }
        }
        match end {
            Some(end) => date_ms = end.saturating_add(OUTAGE_CREDIT_MS),
            None => return Ok(date_ms),
        }
    }
}

/// Whether something can be handed in here at all: not for work on paper and columns without work.
pub fn takes_submissions(settings: &AssignmentSettings) -> bool {
    settings
        .submission_types()
        .any(|kind| matches!(kind, SubmissionType::Text | SubmissionType::Files | SubmissionType::Directory))
}

/// Refuses a time that no calendar of ours can show.
pub fn check_time(field: &str, time_ms: Option<i64>) -> Result<()> {
    match time_ms {
        Some(time) if !(0..=limits::MAX_TIME_MS).contains(&time) => {
            refuse(Reason::InvalidArgument, format!("{field} must be a time from 1970 to 9999"))
        }
        _ => Ok(()),
    }
}

/// A time as the audit trail shows it: RFC 3339 in UTC, such as `2026-09-01T12:00:00Z`; milliseconds only where there are
/// some.
pub fn rfc3339(time_ms: i64) -> String {
    const DAY_MS: i64 = 86_400_000;
    let (year, month, day) = civil(time_ms.div_euclid(DAY_MS));
    let in_day = time_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
    let fraction = match in_day % 1000 {
        0 => String::new(),
        ms => format!(".{ms:03}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of the day that many days after 1970-01-01. The months of a year that begins in March have the
/// lengths of a line with slope 153/5; 400 years have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::overlay::Change;
    use crate::store::encode;

    fn outage(store: &mut MemoryStore, started_at_ms: i64, ended_at_ms: i64) {
        let record = OutageRecord { started_at_ms, ended_at_ms };
        let (table, key) = (Table::Outages, key1(started_at_ms));
        store.commit(vec![Change { table, key, value: Some(encode(&record)) }]);
    }

    #[test]
    fn a_date_in_an_outage_moves_to_its_end_and_a_minute() {
        let mut store = MemoryStore::default();
        outage(&mut store, 1_000, 5_000);
        for (date, effective) in [(999, 999), (1_000, 65_000), (5_000, 65_000), (5_001, 5_001)] {
            assert_eq!(after_outages(&store, date).unwrap(), effective, "{date}");
        }
    }

    #[test]
    fn a_moved_date_that_falls_in_the_next_outage_moves_again() {
        let mut store = MemoryStore::default();
        outage(&mut store, 1_000, 5_000);
        outage(&mut store, 4_000, 70_000);
        assert_eq!(after_outages(&store, 2_000).unwrap(), 130_000);
    }

    #[test]
    fn a_lock_date_never_comes_before_a_due_date_that_moved() {
        let mut store = MemoryStore::default();
        outage(&mut store, 1_000, 5_000);
        let settings =
            AssignmentSettings { due_at_ms: Some(4_000), lock_at_ms: Some(6_000), ..AssignmentSettings::default() };
        let assignment = AssignmentRecord { settings: Some(settings), ..AssignmentRecord::default() };
        let dates = effective(&store, &CourseRecord::default(), &assignment, "").unwrap();
        assert_eq!((dates.due_at_ms, dates.lock_at_ms), (Some(65_000), Some(65_000)));
    }

    #[test]
    fn late_is_after_the_grace_and_not_at_its_end() {
        let dates = EffectiveDates { due_at_ms: Some(10_000), grace_ms: 1_000, ..EffectiveDates::default() };
        assert!(!dates.is_late(11_000));
        assert!(dates.is_late(11_001));
        assert!(!EffectiveDates::default().is_late(i64::MAX));
    }

    #[test]
    fn nothing_is_missing_where_nothing_is_handed_in() {
        let dates = EffectiveDates { due_at_ms: Some(0), ..EffectiveDates::default() };
        let settings = |kind: SubmissionType| AssignmentSettings {
            submission_types: vec![kind.into()],
            ..AssignmentSettings::default()
        };
        assert!(dates.is_missing(&settings(SubmissionType::Text), 1));
        assert!(!dates.is_missing(&settings(SubmissionType::OnPaper), 1));
    }

    #[test]
    fn times_read_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_788_264_000_000, "2026-09-01T12:00:00Z"),
            (limits::MAX_TIME_MS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
