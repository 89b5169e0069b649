//! Courses, sections and the people in them.

use lectern_lms::{courses, enrollments, roster};
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1;
use lectern_rpc::v1::course_service_server::CourseService;
use tonic::{Request, Response, Status};

use super::{check, service};

service! {
    CourseService {
        read get_course(GetCourseRequest) = courses::get_course;
        read list_courses(ListCoursesRequest) = courses::list_courses;
        read list_enrollments(ListEnrollmentsRequest) = enrollments::list_enrollments;
        write create_course(CreateCourseRequest) = CreateCourse, checked by check::create_course;
        write update_course(UpdateCourseRequest) = UpdateCourse, checked by check::update_course;
        write enroll(EnrollRequest) = Enroll;
        write update_enrollment(UpdateEnrollmentRequest) = UpdateEnrollment;
    }
    custom {
        async fn import_roster(
            &self,
            request: Request<v1::ImportRosterRequest>,
        ) -> Result<Response<v1::ImportRosterResponse>, Status> {
            check::no_passwords(&request.get_ref().users_csv)?;
            if request.get_ref().preview {
                return self.read(request, roster::preview_roster).await;
            }
            self.write(request, None, Body::ImportRoster).await
        }
    }
}
