//! Announcements.

use lectern_lms::announcements;
use lectern_rpc::v1::announcement_service_server::AnnouncementService;

use super::service;

service! {
    AnnouncementService {
        read list_announcements(ListAnnouncementsRequest) = announcements::list_announcements;
        write create_announcement(CreateAnnouncementRequest) = CreateAnnouncement;
        write delete_announcement(DeleteAnnouncementRequest) = DeleteAnnouncement;
    }
    custom {}
}
