//! Assignments.

use lectern_lms::assignments;
use lectern_rpc::v1::assignment_service_server::AssignmentService;

use super::service;

service! {
    AssignmentService {
        read get_assignment(GetAssignmentRequest) = assignments::get_assignment;
        read list_assignments(ListAssignmentsRequest) = assignments::list_assignments;
        write create_assignment(CreateAssignmentRequest) = CreateAssignment;
        write update_assignment(UpdateAssignmentRequest) = UpdateAssignment;
        write delete_assignment(DeleteAssignmentRequest) = DeleteAssignment;
    }
    custom {}
}
