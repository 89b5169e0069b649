//! What a program shows first, and what was read.

use lectern_lms::home;
use lectern_rpc::v1::home_service_server::HomeService;

use super::service;

service! {
    HomeService {
        read get_home(GetHomeRequest) = home::get_home;
        write mark_read(MarkReadRequest) = MarkRead;
    }
    custom {}
}
