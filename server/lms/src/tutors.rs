//! Where tutors are. Each tutor has an account of its own and says there at which address it is asked; programs ask any.

use lectern_proto::internal::v1::TutorRecord;
use lectern_proto::v1::{
    LeaveTutorRequest, LeaveTutorResponse, ListTutorsRequest, ListTutorsResponse, RegisterTutorRequest,
    RegisterTutorResponse, Tutor, UserState,
};

use crate::context::{Tx, View};
use crate::keys::key1;
use crate::refusal::{Reason, Result, refuse};
use crate::store::{Order, StoreExt};
use crate::tables::Table;
use crate::{lookup, validate};

/// More tutors than this are not told.
const MAX_TUTORS: usize = 64;

/// Notes where the actor's tutor is asked.
pub(crate) fn register_tutor(tx: &mut Tx<'_, '_>, request: &RegisterTutorRequest) -> Result<RegisterTutorResponse> {
    tx.actor.require_tutor()?;
    let address = validate::line("address", &request.address)?;
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse().ok());
    if port.is_none_or(|port: u16| port == 0) || address.contains(char::is_whitespace) {
        return refuse(Reason::InvalidArgument, format!("`{address}` is no HOST:PORT such as tutor.example.org:7650"));
    }
    let user_id = tx.actor.user_id().to_owned();
    let before: Option<TutorRecord> = tx.store.record(Table::Tutors, &key1(&user_id))?;
    if before.is_none_or(|before| before.address != address) {
        let record = TutorRecord { user_id: user_id.clone(), address, registered_at_ms: tx.now_ms() };
        tx.put(Table::Tutors, key1(&user_id), &record);
    }
    Ok(RegisterTutorResponse {})
}

/// Forgets where the actor's tutor was.
pub(crate) fn leave_tutor(tx: &mut Tx<'_, '_>, _request: &LeaveTutorRequest) -> Result<LeaveTutorResponse> {
    tx.actor.require_tutor()?;
    let key = key1(tx.actor.user_id());
    tx.delete(Table::Tutors, key);
    Ok(LeaveTutorResponse {})
}

/// Where tutors are, of accounts that are active.
pub fn list_tutors(view: &View<'_>, _request: &ListTutorsRequest) -> Result<ListTutorsResponse> {
    view.actor.user()?;
    let records: Vec<(Vec<u8>, TutorRecord)> =
        view.store.records(Table::Tutors, &[], None, Order::Ascending, MAX_TUTORS)?;
    let mut tutors = Vec::new();
    for (_, record) in records {
        let account = lookup::user(view.store, &record.user_id)?.and_then(|account| account.user);
        if account.is_some_and(|account| account.state() == UserState::Active) {
            tutors.push(Tutor { address: record.address, registered_at_ms: record.registered_at_ms });
        }
    }
    Ok(ListTutorsResponse { tutors })
}

#[cfg(test)]
mod tests {
    use lectern_proto::internal::v1::command::Body;
    use lectern_proto::v1::AccountRights;

    use super::*;
    use crate::fixture::Class;

    fn listed(class: &Class, who: &str) -> Vec<String> {
        let listed = class.world.ask(who, |view| list_tutors(view, &ListTutorsRequest {})).unwrap();
        listed.tutors.into_iter().map(|tutor| tutor.address).collect()
    }

    fn register(class: &mut Class, who: &str, address: &str) -> std::result::Result<RegisterTutorResponse, String> {
        class.world.run(who, Body::RegisterTutor(RegisterTutorRequest { address: address.into() }))
    }

    #[test]
    fn a_tutor_is_found_where_it_said_last_until_it_leaves() {
        let mut class = Class::new();
        class.world.person("owl", AccountRights { tutor: true, ..AccountRights::default() });
        register(&mut class, "owl", "127.0.0.1:7650").unwrap();
        register(&mut class, "owl", "tutor.example.org:7650").unwrap();
        assert_eq!(listed(&class, "ada"), ["tutor.example.org:7650"]);
        class.world.run::<LeaveTutorResponse>("owl", Body::LeaveTutor(LeaveTutorRequest {})).unwrap();
        assert!(listed(&class, "ada").is_empty());
    }

    #[test]
    fn nobody_else_is_a_tutor_and_no_address_is_made_up() {
        let mut class = Class::new();
        class.world.person("owl", AccountRights { tutor: true, ..AccountRights::default() });
        for who in ["ada", "ines", "root"] {
            assert_eq!(register(&mut class, who, "127.0.0.1:7650").unwrap_err(), "WRONG_ROLE", "{who}");
        }
        for address in ["", "host", "host:", ":7650", "host:0", "a host:7650", "host:70000"] {
            assert_eq!(register(&mut class, "owl", address).unwrap_err(), "INVALID_ARGUMENT", "{address}");
        }
    }
}
