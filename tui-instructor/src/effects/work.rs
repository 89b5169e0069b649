//! A student's work, and what is in its files.

use std::path::{Path, PathBuf};

use lectern_cli::{Session, transfer};
use lectern_proto::v1;
use lectern_tui_kit::program::Reply;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::call;

use super::{Env, FileText, Message, Work};
use crate::model::Place;
use crate::private;
use crate::program::Instructor;

/// Text of a file that is shown beside its grade: larger ones are opened outside.
const SHOWN_BYTES: u64 = 512 * 1024;
/// Pages of a PDF that are shown.
const SHOWN_PAGES: u32 = 50;
/// Files of one submission that are fetched to be shown.
const SHOWN_FILES: usize = 20;

/// The submission first, then what is in its files: each is shown as soon as it is there.
pub(super) async fn work(env: &Env, place: Place, reply: &Reply<Instructor>) -> Message {
    let request = v1::GetSubmissionRequest {
        course: place.hw.course.clone(),
        assignment: place.hw.assignment.clone(),
        user: place.user.clone(),
        attempt: 0,
    };
    let answer = match call(&env.session, request, reply).await {
        Ok(answer) => Ok(Work {
            submission: answer.submission.unwrap_or_default(),
            attempts: answer.attempts,
            counted: answer.counted.unwrap_or_default(),
        }),
        Err(failure) if failure.is_for("NOT_FOUND") => Ok(Work::default()),
        Err(failure) => Err(failure),
    };
    if let Ok(work) = &answer {
        reply.send(Message::Work(place.clone(), Ok(work.clone()))).await;
        for file in work.submission.files.iter().take(SHOWN_FILES) {
            let text = file_text(env, file).await;
            reply.send(Message::FileText(file.file_id.clone(), text)).await;
        }
    }
    Message::Work(place, answer)
}

async fn file_text(env: &Env, file: &v1::FileRef) -> FileText {
    let session = &env.session;
    if file.name.to_lowercase().ends_with(".pdf") {
        return pages_of(session, file).await;
    }
    if file.size > SHOWN_BYTES || is_binary(&file.name) {
        return FileText::Other;
    }
    let fetched = async {
        let _alone = env.fetching.lock().await;
        let path = cached(session, file)?;
        lectern_client::download(session.client(), &file.file_id, &path, true, &|_| {}).await?;
        private::read(&path)
    };
    match fetched.await.map(String::from_utf8) {
        Ok(Ok(text)) if !text.contains('\0') => FileText::Text(text),
        Ok(_) => FileText::Other,
        Err(failure) => FileText::Failed(failure),
    }
}

/// The text of a PDF, as the cluster's extractor reads it; none where it cannot.
async fn pages_of(session: &Session, file: &v1::FileRef) -> FileText {
    let request = v1::ReadFilePagesRequest { file_id: file.file_id.clone(), first_page: 1, page_count: SHOWN_PAGES };
    match session.call(request).await {
        Ok(answer) => {
            let page = |page: &v1::Page| {
                let text =
                    if page.scanned { "(a picture of a page; o opens it outside)" } else { page.text.trim_end() };
                format!("-- page {} of {} --\n{text}", page.number, answer.total_pages)
            };
            FileText::Pages(answer.pages.iter().map(page).collect::<Vec<_>>().join("\n\n"))
        }
        Err(error) if error.is_transient() => FileText::Failed(error.into()),
        Err(_) => FileText::Other,
    }
}

/// Names of files that hold no text, so that they need not be fetched to be looked at.
fn is_binary(name: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "pdf", "png", "jpg", "jpeg", "gif", "webp", "zip", "gz", "tar", "xz", "docx", "xlsx", "pptx", "odt", "mp4",
        "jar",
    ];
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Where a fetched file lies: below the program's own state.
fn cached(session: &Session, file: &v1::FileRef) -> Result<PathBuf, Failure> {
    let name = transfer::local_name(&file.name);
    let name = name.file_name().map_or_else(|| "file".into(), PathBuf::from);
    let dir = session.profiles().dirs().state.join("submissions").join(transfer::local_name(&file.file_id));
    private::make_dir(&dir)?;
    Ok(dir.join(name))
}
