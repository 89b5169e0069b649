//! What an instructor may set on an assignment, and how the audit trail shows it.

use std::collections::BTreeSet;

use lectern_proto::v1::{AssignmentSettings, SubmissionType};

use crate::refusal::{Reason, Result, refuse};
use crate::{dates, limits, validate};

/// File name extensions an assignment may allow.
const EXTENSIONS: usize = 50;
/// An extension, in characters.
const EXTENSION_CHARS: usize = 20;

/// The settings in their stored form, or a refusal of the first that makes no sense.
pub(crate) fn check_settings(settings: Option<&AssignmentSettings>) -> Result<AssignmentSettings> {
    let Some(settings) = settings else {
        return refuse(Reason::InvalidArgument, "settings are missing");
    };
    let mut settings = settings.clone();
    settings.title = validate::line("title", &settings.title)?;
    validate::body("description", &settings.description, limits::BODY_BYTES)?;
    validate::points("points_possible", settings.points_possible)?;
    check_dates(&settings)?;
    check_types(&settings)?;
    settings.allowed_extensions = check_extensions(&settings)?;
    if settings.max_file_bytes > limits::FILE_BYTES {
        return refuse(Reason::InvalidArgument, format!("max_file_bytes is at most {}", limits::FILE_BYTES));
    }
    if settings.max_text_bytes > limits::TEXT_BYTES {
        return refuse(Reason::InvalidArgument, format!("max_text_bytes is at most {}", limits::TEXT_BYTES));
    }
    Ok(settings)
}

/// The largest single file the assignment takes, in bytes.
pub(crate) fn max_file_bytes(settings: &AssignmentSettings) -> u64 {
    if settings.max_file_bytes == 0 { limits::FILE_BYTES } else { settings.max_file_bytes }
}

/// The longest text the assignment takes, in bytes.
pub(crate) fn max_text_bytes(settings: &AssignmentSettings) -> usize {
    let bytes = if settings.max_text_bytes == 0 { limits::TEXT_BYTES } else { settings.max_text_bytes };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Whether the assignment takes work of that kind.
pub(crate) fn takes(settings: &AssignmentSettings, kind: SubmissionType) -> bool {
    settings.submission_types().any(|taken| taken == kind)
}

/// Dates, such as `unlock none, due 2026-09-08T21:59:59Z, lock none`.
pub(crate) fn dates_in_words(settings: &AssignmentSettings) -> String {
    let date = |date: Option<i64>| date.map_or_else(|| "none".into(), dates::rfc3339);
    let AssignmentSettings { unlock_at_ms, due_at_ms, lock_at_ms, .. } = settings;
    format!("unlock {}, due {}, lock {}", date(*unlock_at_ms), date(*due_at_ms), date(*lock_at_ms))
}

fn check_dates(settings: &AssignmentSettings) -> Result<()> {
    let named =
        [("unlock date", settings.unlock_at_ms), ("due date", settings.due_at_ms), ("lock date", settings.lock_at_ms)];
    for (name, date) in named {
        dates::check_time(name, date)?;
    }
    let set: Vec<(&str, i64)> = named.into_iter().filter_map(|(name, date)| Some((name, date?))).collect();
    for pair in set.windows(2) {
        let [(earlier, first), (later, second)] = pair else { continue };
        if first > second {
            return refuse(Reason::InvalidArgument, format!("the {earlier} comes after the {later}; swap them"));
        }
    }
    Ok(())
}

fn check_types(settings: &AssignmentSettings) -> Result<()> {
    let types: Vec<Option<SubmissionType>> =
        settings.submission_types.iter().map(|kind| SubmissionType::try_from(*kind).ok()).collect();
    let known = types.iter().all(|kind| !matches!(kind, None | Some(SubmissionType::Unspecified)));
    if types.is_empty() || !known {
        return refuse(
            Reason::InvalidArgument,
            "submission_types must name what may be handed in: text, files, directory, on_paper or none",
        );
    }
    let distinct: BTreeSet<i32> = settings.submission_types.iter().copied().collect();
    if distinct.len() != types.len() {
        return refuse(Reason::InvalidArgument, "a submission type is named twice");
    }
    let alone = [SubmissionType::OnPaper, SubmissionType::None];
    if types.len() > 1 && types.iter().flatten().any(|kind| alone.contains(kind)) {
        return refuse(Reason::InvalidArgument, "on_paper and none go with no other submission type");
    }
    Ok(())
}

fn check_extensions(settings: &AssignmentSettings) -> Result<Vec<String>> {
    if settings.allowed_extensions.len() > EXTENSIONS {
        return refuse(Reason::TooMany, format!("at most {EXTENSIONS} extensions may be allowed"));
    }
    let mut extensions = Vec::new();
    for extension in &settings.allowed_extensions {
        let normal = extension.trim().trim_start_matches('.').to_lowercase();
        let shaped = !normal.is_empty()
            && normal.len() <= EXTENSION_CHARS
            && normal.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_.".contains(&byte));
        if !shaped {
            return refuse(Reason::InvalidArgument, format!("`{extension}` is no file name extension such as `pdf`"));
        }
        if !extensions.contains(&normal) {
            extensions.push(normal);
        }
    }
    let files = takes(settings, SubmissionType::Files) || takes(settings, SubmissionType::Directory);
    if !extensions.is_empty() && !files {
        return refuse(Reason::InvalidArgument, "extensions are allowed, but no submission type takes files");
    }
    Ok(extensions)
}
