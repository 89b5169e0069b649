//! Shapes that apply cannot judge. It has no table of time zones, and must not read one, since nodes may have different
//! ones; and it must take a command as nodes of every release take it.

use lectern_lms::Reason;
use lectern_proto::v1;
use tonic::Status;

use super::errors;

/// A time zone's IANA name, or nothing.
fn time_zone(name: &str) -> Result<(), Status> {
    if name.is_empty() || jiff::tz::TimeZone::get(name).is_ok() {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(errors::refused(
        Reason::InvalidArgument,
        format!("there is no time zone `{shown}`; use an IANA name such as Europe/Berlin or UTC"),
    ))
}

/// For `CreateUser`.
pub fn create_user(request: &v1::CreateUserRequest) -> Result<(), Status> {
    time_zone(&request.time_zone)
}

/// For `UpdateUser`.
pub fn update_user(request: &v1::UpdateUserRequest) -> Result<(), Status> {
    time_zone(request.time_zone.as_deref().unwrap_or_default())
}

/// For `CreateCourse`.
pub fn create_course(request: &v1::CreateCourseRequest) -> Result<(), Status> {
    time_zone(&request.time_zone)
}

/// For `UpdateCourse`.
pub fn update_course(request: &v1::UpdateCourseRequest) -> Result<(), Status> {
    time_zone(request.time_zone.as_deref().unwrap_or_default())
}

/// For `CreateThread`: who means a visibility that this release does not know must not be taken to mean another.
pub fn create_thread(request: &v1::CreateThreadRequest) -> Result<(), Status> {
    match v1::ThreadVisibility::try_from(request.visibility) {
        Ok(_) => Ok(()),
        Err(_) => Err(errors::refused(
            Reason::InvalidArgument,
            format!("there is no visibility {}; use COURSE or PRIVATE", request.visibility),
        )),
    }
}

/// For `ImportUsers` and `ImportRoster`: what is imported travels through the log as it is, so no password may be in it.
pub fn no_passwords(users_csv: &[u8]) -> Result<(), Status> {
    let head = users_csv.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_lowercase();
    let is_password =
        |cell: &str| cell.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}') == "password";
    if head.split(',').any(is_password) {
        let message = "the file has a password column; remove it: people choose their passwords with one-time codes";
        return Err(errors::refused(Reason::InvalidArgument, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_passwords_never_reaches_the_log() {
        assert!(no_passwords(b"user_id,login_id,password\nx,y,secret\n").is_err());
        assert!(no_passwords(b"user_id,\"Password\"\r\nx,secret\n").is_err());
        assert!(no_passwords(b"user_id,login_id\nx,password\n").is_ok());
        assert!(no_passwords(b"").is_ok());
    }

    #[test]
    fn time_zones_are_those_of_the_iana() {
        for name in ["", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert!(time_zone(name).is_ok(), "{name}");
        }
        for name in ["Berlin", "Europe/Berlinn", "../../etc/passwd", "+02:00"] {
            assert!(time_zone(name).is_err(), "{name}");
        }
    }
}
