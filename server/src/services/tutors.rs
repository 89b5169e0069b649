//! Where tutors are.

use lectern_lms::tutors;
use lectern_rpc::v1::tutor_directory_service_server::TutorDirectoryService;

use super::service;

service! {
    TutorDirectoryService {
        read list_tutors(ListTutorsRequest) = tutors::list_tutors;
        write register_tutor(RegisterTutorRequest) = RegisterTutor;
        write leave_tutor(LeaveTutorRequest) = LeaveTutor;
    }
    custom {}
}
