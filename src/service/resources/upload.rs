//! `/activities/contacts_file_import`: a form with a CSV file, read as it comes.

use super::{Answer, Shared};
use crate::account::import::{Body as ImportBody, KEPT_MAX};
use crate::account::tasks::Work;
use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::service::body::{DRAINED_MAX, Memory};
use crate::service::{Service, answer, body};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use multer::{Field, Multipart};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Most bytes of a field beside the file.
const FIELD_MAX: usize = 8 << 10;
/// Most characters of a file's name.
const NAME_MAX: usize = 255;

/// What the form has.
#[derive(Default)]
struct Form {
    file: Option<Vec<u8>>,
    dropped: u64,
    name: Option<String>,
    lists: Option<String>,
    permission: Option<String>,
}

fn bad(what: impl AsRef<str>) -> Response {
    answer::close(answer::error(StatusCode::BAD_REQUEST, what))
}

pub async fn import(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let Ok(boundary) = multer::parse_boundary(kind) else {
        let what = "the request must be multipart/form-data, with the fields file and list_ids";
        let answer = answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
        return Err(body::refuse(&service, &headers, body, answer).await);
    };
    let mut memory = Memory::new(&service);
    let form = read(&service, &mut memory, Multipart::new(body.into_data_stream(), boundary)).await?;
    let (bytes, source_file_name) = (form.file.as_ref().map_or(0, Vec::len) as u64, form.name.clone());
    let import = import_of(form)?;
    if service.closing.load(Ordering::Relaxed) {
        return Err(answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down")));
    }
    let activity = service.accept_named(import, source_file_name).await?;
    service.metrics.accepted(bytes);
    tracing::info!(activity = activity.activity_id, bytes, "accepted");
    body::json(&service, StatusCode::CREATED, &activity)
}

/// The import that a form asks for.
#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
fn import_of(form: Form) -> Result<ImportBody, Response> {
    let bytes = form.file.ok_or_else(|| bad("the form has no field file, with the CSV file"))?;
    let is_csv = form.name.as_deref().is_none_or(|name| {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        end.is_empty() || end.eq_ignore_ascii_case("csv")
    });
    if !is_csv {
        let what = "the file must be a CSV file, with a name that ends in .csv";
        return Err(answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    }
    let list_ids: Vec<String> = form
        .lists
        .as_deref()
        .unwrap_or("")
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    if list_ids.is_empty() {
        return Err(bad("the form has no field list_ids, with 1 to 50 lists separated by commas"));
    }
    let sms_permission = match form.permission.as_deref().map(str::trim) {
        None | Some("") => None,
        Some("explicit") => Some(SmsPermission::Explicit),
        Some("not_set") => Some(SmsPermission::NotSet),
        Some(_) => return Err(bad("sms_permission_to_send is explicit or not_set")),
    };
    let overrides = EnvelopeOverrides { list_ids, sms_permission };
    Ok(ImportBody { bytes, bytes_dropped: form.dropped, overrides, work: Work::FileImport })
}

/// The deadline of a form, and of each piece of it.
pub struct Patience<'s> {
    service: &'s Service,
    began: Instant,
}

impl<'s> Patience<'s> {
    pub fn new(service: &'s Service) -> Self {
        Patience { service, began: Instant::now() }
    }

    pub async fn wait<T>(&self, piece: impl Future<Output = multer::Result<T>>) -> Result<T, Response> {
        let config = &self.service.config;
        let left = config.body_time.saturating_sub(self.began.elapsed()).min(config.idle_time);
        match tokio::time::timeout(left, piece).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(bad(format!("the form cannot be read: {error}"))),
            Err(_) => {
                let what = "the request body did not come in time";
                Err(answer::close(answer::error(StatusCode::REQUEST_TIMEOUT, what)))
            }
        }
    }
}

async fn read(service: &Service, memory: &mut Memory<'_>, mut form: Multipart<'_>) -> Result<Form, Response> {
    let patience = Patience::new(service);
    let mut found = Form::default();
    // Fields beside the known ones cost nothing, but they must end.
    let mut others = 0;
    while let Some(mut field) = patience.wait(form.next_field()).await? {
        let name = field.name().unwrap_or("").to_owned();
        match name.as_str() {
            "file" if found.file.is_some() => return Err(bad("the form has two fields file")),
            "file" => {
                found.name = field.file_name().map(|name| name.chars().take(NAME_MAX).collect());
                let mut bytes = Vec::new();
                while let Some(piece) = patience.wait(field.chunk()).await? {
                    let kept = piece.len().min(KEPT_MAX - bytes.len());
                    memory.grow(bytes.len() + kept).await?;
                    bytes.extend_from_slice(&piece[..kept]);
                    found.dropped += (piece.len() - kept) as u64;
                    if found.dropped > DRAINED_MAX {
                        return Err(bad("the file is far larger than its limit of 4,000,000 bytes"));
                    }
                }
                found.file = Some(bytes);
            }
            "list_ids" => {
                let text = text(&patience, &mut field).await?;
                // Some clients repeat the field.
                found.lists = Some(found.lists.map_or(text.clone(), |before| format!("{before},{text}")));
            }
            "sms_permission_to_send" => found.permission = Some(text(&patience, &mut field).await?),
            _ => {
                others += 1;
                if others > 20 {
                    return Err(bad("the form has too many fields"));
                }
                text(&patience, &mut field).await?;
            }
        }
        if found.lists.as_ref().is_some_and(|lists| lists.len() > FIELD_MAX) {
            return Err(bad("the field list_ids is too long"));
        }
    }
    Ok(found)
}

/// The text of a field beside the file.
async fn text(patience: &Patience<'_>, field: &mut Field<'_>) -> Result<String, Response> {
    let mut bytes = Vec::new();
    while let Some(piece) = patience.wait(field.chunk()).await? {
        if bytes.len() + piece.len() > FIELD_MAX {
            return Err(bad(format!("a field of the form is longer than {FIELD_MAX} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| bad("a field of the form is not UTF-8"))
}
