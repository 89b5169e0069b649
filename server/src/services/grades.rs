//! Grading, posting and the gradebook.

use lectern_lms::{gradebook, grades};
use lectern_proto::v1::{ExportGradebookRequest, ExportGradebookResponse};
use lectern_rpc::v1::grade_service_server::GradeService;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::service;
use super::stream::{self, Pieces};

service! {
    GradeService {
        read get_gradebook(GetGradebookRequest) = gradebook::get_gradebook;
        read list_my_grades(ListMyGradesRequest) = grades::list_my_grades;
        write set_grade(SetGradeRequest) = SetGrade;
        write post_grades(PostGradesRequest) = PostGrades;
    }
    custom {
        type ExportGradebookStream = Pieces<ExportGradebookResponse>;

        async fn export_gradebook(
            &self,
            request: Request<ExportGradebookRequest>,
        ) -> Result<Response<Self::ExportGradebookStream>, Status> {
            let caller = Caller::of(&request)?;
            let course = request.into_inner().course;
            let wanted = course.clone();
            let asked =
                self.query(&caller, move |view| Ok((view.actor.user_id().to_owned(), gradebook::csv_head(view, &wanted)?)));
            let (user_id, head) = asked.await?;
            let share = self.own_downloads.take(&user_id)?;
            let place = self.downloads.enter().await?;
            let door = self.clone();
            Ok(Response::new(stream::spawn(self.stopping(), async move |out| {
                let _places = (share, place);
                out.send(ExportGradebookResponse { csv: head }).await?;
                let mut after = None;
                loop {
                    let wanted = course.clone();
                    let page = door.query_local(&caller.token_id, move |view| gradebook::csv_page(view, &wanted, after));
                    let (csv, next) = page.await?;
                    if !csv.is_empty() {
                        out.send(ExportGradebookResponse { csv }).await?;
                    }
                    match next {
                        Some(_) => after = next,
                        None => return Ok(()),
                    }
                }
            })))
        }
    }
}
