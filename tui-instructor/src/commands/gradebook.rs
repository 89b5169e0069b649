//! `gradebook …`.

use std::path::Path;

use lectern_cli::args::{CourseArg, ForceArg, ScopeArg};
use lectern_cli::{Result, Session, format, json, output, text, transfer};
use lectern_grading::Percent;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::GradebookCommand;

pub async fn run(command: GradebookCommand, session: &Session) -> Result<()> {
    match command {
        GradebookCommand::Show { course } => show(&course, session).await,
        GradebookCommand::Statistics { scope } => statistics(&scope, session).await,
        GradebookCommand::Export { course, output, force } => export(&course, output.as_deref(), force, session).await,
    }
}

/// The whole gradebook, page after page.
pub async fn all(course: &CourseArg, session: &Session) -> Result<v1::GetGradebookResponse> {
    let mut book = v1::GetGradebookResponse::default();
    loop {
        let page_token = std::mem::take(&mut book.next_page_token);
        let request = v1::GetGradebookRequest { course: course.to_string(), page_token, ..Default::default() };
        let mut page = session.call(request).await?;
        book.rows.append(&mut page.rows);
        (book.columns, book.groups, book.next_page_token) = (page.columns, page.groups, page.next_page_token);
        if book.next_page_token.is_empty() {
            return Ok(book);
        }
    }
}

async fn show(course: &CourseArg, session: &Session) -> Result<()> {
    let v1::GetGradebookResponse { columns, rows, groups, .. } = all(course, session).await?;
    let value = json!({
        "columns": columns.iter().map(|column| json!({
            "slug": column.slug, "title": column.title, "points_possible": text::points(column.points_possible),
            "group_id": column.group_id,
        })).collect::<Vec<_>>(),
        "groups": groups.iter().map(json::group).collect::<Vec<_>>(),
        "rows": rows.iter().map(|row| json::gradebook_row(row, &columns)).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let mut head = vec!["student"];
        head.extend(columns.iter().map(|column| column.slug.as_str()));
        head.extend(groups.iter().map(|group| group.slug.as_str()));
        head.extend(["so far", "final"]);
        let lines = rows.iter().map(|row| {
            let mut line = vec![row.student.as_ref().map(|student| student.name.clone()).unwrap_or_default()];
            line.extend(row.cells.iter().map(cell));
            let of_group = |sum: &v1::GroupTotal| {
                format::percent(Percent::of(sum.current_score, sum.current_possible).map(|percent| percent.0))
            };
            line.extend(row.groups.iter().take(groups.len()).map(of_group));
            let total = row.total.clone().unwrap_or_default();
            line.push(text::with_level(total.current, &total.current_level));
            line.push(text::with_level(total.r#override.or(total.r#final), &total.final_level));
            line
        });
        text::table(&head, lines, "This course has no students yet.")
    })
}

async fn statistics(scope: &ScopeArg, session: &Session) -> Result<()> {
    let request = v1::GetStatisticsRequest { course: scope.course.clone(), assignment: scope.assignment.clone() };
    let it = session.call(request).await?;
    let of_course = scope.assignment.is_empty();
    session.show(json::statistics(&it, of_course), || {
        if it.count == 0 {
            return format!("None of {} has a score yet.", text::count(it.students, "student", "students"));
        }
        let value = |value| if of_course { format::percent(Some(value)) } else { text::points(value) };
        let of = if of_course { String::new() } else { format!(" of {} points", text::points(it.points_possible)) };
        let mut lines = vec![format!("{} of {} have a score{of}.", it.count, it.students)];
        for (name, number) in [
            ("highest", it.highest),
            ("upper quartile", it.upper_quartile),
            ("median", it.median),
            ("mean", it.mean),
            ("lower quartile", it.lower_quartile),
            ("lowest", it.lowest),
        ] {
            lines.push(format!("{name:15} {}", value(number)));
        }
        lines.extend(histogram(&it.histogram));
        lines.join("\n")
    })
}

/// A bar for each class of ten percent, as long as there are students in it where there is room.
fn histogram(classes: &[u32]) -> Vec<String> {
    const WIDEST: u32 = 40;
    let most = classes.iter().copied().max().unwrap_or(0).max(WIDEST);
    let class = |(at, count): (usize, &u32)| {
        let label = if at == classes.len() - 1 { "100 %+".to_owned() } else { format!("{} %", at * 10) };
        let bar = "#".repeat((count * WIDEST).div_ceil(most) as usize);
        format!("{label:>6}  {bar} {count}")
    };
    classes.iter().enumerate().map(class).collect()
}

fn cell(cell: &v1::GradebookCell) -> String {
    let dropped = if cell.dropped { "*" } else { "" };
    match cell.score {
        _ if cell.excused => "excused".into(),
        Some(score) if cell.posted => format!("{}{dropped}", text::points(score)),
        Some(score) => format!("({}){dropped}", text::points(score)),
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
