//! Files that are dropped on the page: kept for a while, checked, and imported when asked for.

use super::check::{self, Checked, Deadline, Wish};
use super::contacts::{Choice, all_lists};
use super::layout::Layout;
use super::{Answer, Form, PREFIX, go_to, read, refused, refused_by, rendered, shown};
use crate::document::envelope::SmsPermission;
use crate::service::handlers::{PathId, Shared, path_id};
use crate::service::resources::Patience;
use crate::service::{Service, answer, body};
use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use multer::Multipart;
use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::{NamedTempFile, TempPath};

/// Most bytes of a file.
const BYTES_MAX: usize = 32_000_000;
/// Files that are kept.
const KEPT: usize = 4;
/// Most characters of a file's name.
const NAME_MAX: usize = 255;

/// A file that was checked. It is deleted when it is dropped.
pub struct File {
    id: u64,
    name: String,
    path: TempPath,
    checked: Checked,
}

/// The last files that were checked, the newest first.
#[derive(Default)]
pub struct Files(Mutex<(u64, VecDeque<Arc<File>>)>);

impl Files {
    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<Arc<File>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: String, path: TempPath, checked: Checked) -> u64 {
        let mut files = self.lock();
        let (last, files) = &mut *files;
        *last += 1;
        files.push_front(Arc::new(File { id: *last, name, path, checked }));
        files.truncate(KEPT);
        *last
    }

    fn find(&self, id: &str) -> Option<Arc<File>> {
        let id: u64 = id.parse().ok()?;
        self.lock().1.iter().find(|file| file.id == id).cloned()
    }
}

struct FileView {
    id: u64,
    name: String,
    sentence: String,
}

#[derive(Template)]
#[template(path = "sandbox/files.html")]
struct All {
    layout: Layout,
    most: usize,
    files: Vec<FileView>,
}

#[derive(Template)]
#[template(path = "sandbox/file.html")]
struct One<'f> {
    layout: Layout,
    id: u64,
    checked: &'f Checked,
    lists: Vec<Choice>,
}

/// Where a file is given, and the files that were checked before.
pub async fn all(State(service): Shared, headers: HeaderMap) -> Answer {
    let files = service.files.lock().1.iter().cloned().collect::<Vec<Arc<File>>>();
    let view =
        |file: &Arc<File>| FileView { id: file.id, name: shown(&file.name), sentence: file.checked.sentence.clone() };
    let layout = Layout { live: false, ..Layout::of(&service, "files", "Check a file").await? };
    let page = All { layout, most: BYTES_MAX / 1_000_000, files: files.iter().map(view).collect() };
    Ok(rendered(StatusCode::OK, Some(&headers), &page))
}

/// Takes a file, and checks it.
pub async fn upload(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let Ok(boundary) = multer::parse_boundary(kind) else {
        let what = "the request must be multipart/form-data, with the field file";
        let answer = answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
        return Err(body::refuse(&service, &headers, body, answer).await);
    };
    let (name, path) = receive(&service, Multipart::new(body.into_data_stream(), boundary)).await?;
    let (shared, given) = (Arc::clone(&service), name.clone());
    let done = service
        .block_by(&service.checkers, move |account| {
            let deadline = Deadline::new(&shared.closing, shared.config.activity_time);
            Ok(check::check(account, &path, &given, &deadline).map(|checked| (path, checked)))
        })
        .await?;
    match done {
        Ok((path, checked)) => Ok(go_to(&format!("{PREFIX}/files/{}", service.files.add(name, path, checked)))),
        Err(error) => Err(refused_by(&service, &error).await),
    }
}

async fn bad(service: &Arc<Service>, what: impl Into<String>) -> Response {
    answer::close(refused(service, StatusCode::BAD_REQUEST, what, "/_presort/page/files").await)
}

/// Writes the file of a form to a temporary file, which has its extension: the check may need that.
async fn receive(service: &Arc<Service>, mut form: Multipart<'_>) -> Result<(String, TempPath), Response> {
    let patience = Patience::new(service);
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a file could not be kept");
        answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be kept now")
    };
    while let Some(mut field) = patience.wait(form.next_field()).await? {
        if field.name() != Some("file") {
            continue;
        }
        let name: String = field.file_name().unwrap_or("").chars().take(NAME_MAX).collect();
        if name.is_empty() {
            return Err(bad(service, "Choose a file first.").await);
        }
        let mut file = create(service.account.path(), &name).map_err(failed)?;
        let mut size = 0;
        while let Some(piece) = patience.wait(field.chunk()).await? {
            size += piece.len();
            if size > BYTES_MAX {
                let what = format!("The file has more than {BYTES_MAX} bytes: use presort clean for it.");
                return Err(bad(service, what).await);
            }
            file.write_all(&piece).map_err(failed)?;
        }
        return Ok((name, file.into_temp_path()));
    }
    Err(bad(service, "The form has no field file.").await)
}

/// The directory of an account, and how the names of files begin there that are only kept for the page.
fn place(account: &Path) -> (&Path, String) {
    let dir = account.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = account.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    (dir, format!("{name}-file-"))
}

/// Removes the files of a server that was killed.
pub fn remove_left(account: &Path) {
    let (dir, prefix) = place(account);
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
        let _ = std::fs::remove_file(entry.path());
    }
}

fn create(account: &Path, name: &str) -> std::io::Result<NamedTempFile> {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let is_plain = !end.is_empty() && end.len() <= 8 && end.bytes().all(|b| b.is_ascii_alphanumeric());
    let suffix = if is_plain { format!(".{end}") } else { String::new() };
    let (dir, prefix) = place(account);
    tempfile::Builder::new().prefix(&prefix).suffix(&suffix).tempfile_in(dir)
}

async fn found(service: &Arc<Service>, id: PathId) -> Result<Arc<File>, Response> {
    match service.files.find(&path_id(id)?) {
        Some(file) => Ok(file),
        None => {
            let what = format!("This file is no longer here: only the last {KEPT} are kept. Check it again.");
            Err(refused(service, StatusCode::NOT_FOUND, what, "/_presort/page/files").await)
        }
    }
}

/// A file that was checked.
pub async fn one(State(service): Shared, id: PathId, headers: HeaderMap) -> Answer {
    let file = found(&service, id).await?;
    let lists = read(&service, |account| account.lists(&all_lists())).await?;
    let layout = Layout { live: false, ..Layout::of(&service, "files", shown(&file.name)).await? };
    let lists = lists.items.into_iter().map(|list| Choice::of(list, "")).collect();
    let page = One { layout, id: file.id, checked: &file.checked, lists };
    Ok(rendered(StatusCode::OK, Some(&headers), &page))
}

/// Imports a file that was checked.
pub async fn import(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let file = found(&service, id).await?;
    let form = Form::read(&service, &headers, body).await?;
    let permission = match form.get("sms_permission_to_send") {
        "explicit" => Some(SmsPermission::Explicit),
        "not_set" => Some(SmsPermission::NotSet),
        _ => None,
    };
    let wish = Wish { lists: form.all("list"), new_list: form.get("new_list").to_owned(), permission };
    let shared = Arc::clone(&service);
    let done = service
        .block_by(&service.checkers, move |account| {
            let deadline = Deadline::new(&shared.closing, shared.config.activity_time);
            Ok(check::import(account, &file.path, &file.name, wish, &deadline, |body| {
                shared.accept_now(account, &body, Some(&file.name), None, shared.config.activity_time)
            }))
        })
        .await?;
    match done.as_deref() {
        Ok([one]) => Ok(go_to(&format!("{PREFIX}/activities/{}", one.activity_id))),
        Ok(_) => Ok(go_to("/")),
        Err(error) => Err(refused_by(&service, error).await),
    }
}
