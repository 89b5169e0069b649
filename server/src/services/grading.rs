//! What grades come to: groups, policies, overrides, final grades, statistics.

use lectern_lms::{grading_policy, overrides, statistics};
use lectern_rpc::v1::grading_service_server::GradingService;

use super::service;

service! {
    GradingService {
        read get_grading_policy(GetGradingPolicyRequest) = grading_policy::get_grading_policy;
        read list_overrides(ListOverridesRequest) = overrides::list_overrides;
        read get_statistics(GetStatisticsRequest) = statistics::get_statistics;
        write create_assignment_group(CreateAssignmentGroupRequest) = CreateAssignmentGroup;
        write update_assignment_group(UpdateAssignmentGroupRequest) = UpdateAssignmentGroup;
        write delete_assignment_group(DeleteAssignmentGroupRequest) = DeleteAssignmentGroup;
        write update_grading_policy(UpdateGradingPolicyRequest) = UpdateGradingPolicy;
        write set_override(SetOverrideRequest) = SetOverride;
        write set_final_grade(SetFinalGradeRequest) = SetFinalGrade;
    }
    custom {}
}
