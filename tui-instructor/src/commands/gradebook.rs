//! `gradebook …`.

use std::path::Path;

use lectern_cli::args::{CourseArg, ForceArg};
use lectern_cli::{Result, Session, json, output, text, transfer};
use lectern_proto::v1;
use serde_json::json;

use crate::cli::GradebookCommand;

pub async fn run(command: GradebookCommand, session: &Session) -> Result<()> {
    match command {
        GradebookCommand::Show { course } => show(&course, session).await,
        GradebookCommand::Export { course, output, force } => export(&course, output.as_deref(), force, session).await,
    }
}

async fn show(course: &CourseArg, session: &Session) -> Result<()> {
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::GetGradebookRequest { course: course.to_string(), page_token, ..Default::default() };
        let mut page = session.call(request).await?;
        columns = if columns.is_empty() { page.columns } else { columns };
        rows.append(&mut page.rows);
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    let value = json!({
        "columns": columns.iter().map(|column| json!({
            "slug": column.slug, "title": column.title, "points_possible": text::points(column.points_possible),
        })).collect::<Vec<_>>(),
        "rows": rows.iter().map(|row| json::gradebook_row(row, &columns)).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let mut head = vec!["student"];
        head.extend(columns.iter().map(|column| column.slug.as_str()));
        head.push("so far");
        let lines = rows.iter().map(|row| {
            let mut line = vec![row.student.as_ref().map(|student| student.name.clone()).unwrap_or_default()];
            line.extend(row.cells.iter().map(cell));
            line.push(format!("{} / {}", text::points(row.current_score), text::points(row.current_possible)));
            line
        });
        text::table(&head, lines, "This course has no students yet.")
    })
}

fn cell(cell: &v1::GradebookCell) -> String {
    match cell.score {
        Some(score) if cell.posted => text::points(score),
        Some(score) => format!("({})", text::points(score)),
        None if cell.needs_grading => "to grade".into(),
        None if cell.missing => "missing".into(),
        None => "–".into(),
    }
}

async fn export(course: &CourseArg, path: Option<&Path>, force: ForceArg, session: &Session) -> Result<()> {
    session.require_token()?;
    let place = transfer::output_place(path, force)?;
    let csv = session.client().export_gradebook(&course.to_string()).await?;
    let (Some(place), Some(path)) = (place, path) else {
        output::bytes(&csv);
        return Ok(());
    };
    place.write(&csv, force.force)?;
    let value = json!({"path": path.display().to_string(), "bytes": csv.len()});
    session.show(value, || format!("Exported to {} ({}).", path.display(), text::size(csv.len() as u64)))
}
