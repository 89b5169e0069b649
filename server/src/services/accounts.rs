//! Accounts, and one-time codes for them.

use std::collections::{BTreeMap, BTreeSet};

use lectern_lms::{Reason, accounts, codes, roster};
use lectern_proto::internal::v1::{SetCodes, UserCode, command::Body};
use lectern_proto::v1;
use lectern_rpc::v1::account_service_server::AccountService;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::{Door, check, errors, secrets, service};

/// A one-time code works this long.
const CODE_LIFETIME_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Codes made in one call.
const MAX_CODES: usize = 5_000;

service! {
    AccountService {
        read get_user(GetUserRequest) = accounts::get_user;
        read list_users(ListUsersRequest) = accounts::list_users;
        write create_user(CreateUserRequest) = CreateUser, checked by check::create_user;
        write update_user(UpdateUserRequest) = UpdateUser, checked by check::update_user;
    }
    custom {
        async fn import_users(
            &self,
            request: Request<v1::ImportUsersRequest>,
        ) -> Result<Response<v1::ImportUsersResponse>, Status> {
            check::no_passwords(&request.get_ref().csv)?;
            if request.get_ref().preview {
                return self.read(request, roster::preview_users).await;
            }
            self.write(request, None, Body::ImportUsers).await
        }
        async fn issue_codes(
            &self,
            request: Request<v1::IssueCodesRequest>,
        ) -> Result<Response<v1::IssueCodesResponse>, Status> {
            self.at_leader(request, async |caller, request| self.issue_codes_here(&caller, request).await).await
        }
    }
}

impl Door {
    async fn issue_codes_here(
        &self,
        caller: &Caller,
        request: v1::IssueCodesRequest,
    ) -> Result<v1::IssueCodesResponse, Status> {
        let course = request.course.clone();
        let user_ids = self.query(caller, move |view| codes::people_for_codes(view, &request)).await?;
        let user_ids: BTreeSet<String> = user_ids.into_iter().collect();
        if user_ids.len() > MAX_CODES {
            let message =
                format!("{} people need codes; at most {MAX_CODES} are made at once: name them", user_ids.len());
            return Err(errors::refused(Reason::TooMany, message));
        }
        let mut texts = BTreeMap::new();
        let mut codes = Vec::with_capacity(user_ids.len());
        for user_id in user_ids {
            let code = secrets::new_code().map_err(|error| errors::internal(&error.to_string()))?;
            codes.push(UserCode { user_id: user_id.clone(), code_hash: code.id });
            texts.insert(user_id, code.text);
        }
        let body = Body::SetCodes(SetCodes { codes, course, lifetime_ms: CODE_LIFETIME_MS });
        let mut response: v1::IssueCodesResponse = self.propose_secret(caller, body).await?;
        for issued in &mut response.codes {
            let user_id = issued.person.as_ref().map_or("", |person| &person.user_id);
            issued.code = texts.remove(user_id).unwrap_or_default();
        }
        Ok(response)
    }
}
