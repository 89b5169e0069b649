//! Who changed what, when and why.

use lectern_lms::audit;
use lectern_rpc::v1::audit_service_server::AuditService;

use super::service;

service! {
    AuditService {
        read list_audit(ListAuditRequest) = audit::list_audit;
    }
    custom {}
}
