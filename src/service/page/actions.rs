//! The view of lists and custom fields, and what can be done there.

use super::contacts::all_lists;
use super::layout::Layout;
use super::{Answer, Form, PREFIX, parameters, read, refused_by, rendered, shown, write};
use crate::account::fields::{Field, FieldUpdate, NewChoice, NewField, TYPES};
use crate::account::import::Body as TaskBody;
use crate::account::lists::{List, ListQuery, MembershipCount, NewList};
use crate::account::page::PageRequest;
use crate::account::tasks::Work;
use crate::service::handlers::{PathId, Shared, path_id};
use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

struct ListView {
    id: String,
    name: String,
    members: String,
}

impl ListView {
    fn of(list: List) -> ListView {
        let members = super::count(list.membership_count.unwrap_or(0));
        ListView { id: list.list_id, name: list.name, members }
    }
}

struct FieldView {
    id: String,
    label: String,
    name: String,
    kind: String,
    choices: String,
}

impl FieldView {
    fn of(field: Field) -> FieldView {
        let choices: Vec<String> =
            field.choices.into_iter().flatten().map(|choice| shown(&choice.choice_label)).collect();
        FieldView {
            id: field.custom_field_id,
            label: field.label,
            name: shown(&field.name),
            kind: field.kind,
            choices: choices.join("; "),
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/lists.html")]
struct Lists {
    layout: Layout,
    lists: Vec<ListView>,
    fields: Vec<FieldView>,
    types: &'static [&'static str],
}

/// What was done, by its name in the address.
const DONE: [(&str, &str); 6] = [
    ("list", "The list was created."),
    ("list-renamed", "The list was renamed."),
    ("list-deleted", "The list is being deleted, as an activity."),
    ("field", "The custom field was created."),
    ("field-renamed", "The custom field was renamed."),
    ("field-deleted", "The custom field was deleted, with its values."),
];

fn done(name: &'static str) -> Response {
    super::go_to(&format!("{PREFIX}/lists?done={name}"))
}

/// Lists and custom fields.
pub async fn lists(State(service): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let given = parameters(query.as_deref());
    let done = DONE.iter().find(|(name, _)| *name == given.get("done")).map(|(_, text)| *text);
    let (lists, fields) = read(&service, |account| {
        let lists = ListQuery { members: Some(MembershipCount::All), ..all_lists() };
        let fields = PageRequest { limit: crate::account::fields::FIELDS_MAX, ..PageRequest::default() };
        Ok((account.lists(&lists)?, account.fields(fields)?))
    })
    .await?;
    let layout = Layout::of(&service, "lists", "Lists and fields").await?;
    let view = Lists {
        layout: Layout { done, ..layout },
        lists: lists.items.into_iter().map(ListView::of).collect(),
        fields: fields.items.into_iter().map(FieldView::of).collect(),
        types: TYPES,
    };
    Ok(rendered(StatusCode::OK, Some(&headers), &view))
}

pub async fn add_list(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let form = Form::read(&service, &headers, body).await?;
    let new = NewList { name: form.get("name").to_owned(), ..NewList::default() };
    write(&service, move |account| account.add_list(&new)).await?;
    Ok(done("list"))
}

pub async fn rename_list(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let form = Form::read(&service, &headers, body).await?;
    let name = form.get("name").to_owned();
    write(&service, move |account| {
        let List { description, favorite, .. } = account.list(&id, None)?;
        account.update_list(&id, &NewList { name, description, favorite: Some(favorite) })
    })
    .await?;
    Ok(done("list-renamed"))
}

pub async fn delete_list(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    Form::read(&service, &headers, body).await?;
    let list = read(&service, move |account| account.list(&id, None)).await?;
    let task = TaskBody { bytes: list.list_id.into_bytes(), work: Work::ListDelete, ..TaskBody::default() };
    match service.accepted(task, None).await? {
        Ok(_) => Ok(done("list-deleted")),
        Err(error) => Err(refused_by(&service, &error).await),
    }
}

pub async fn add_field(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let form = Form::read(&service, &headers, body).await?;
    let choices = form.get("choices").split(';').map(str::trim).filter(|label| !label.is_empty());
    let choices: Vec<NewChoice> =
        choices.map(|label| NewChoice { choice_label: label.to_owned(), ..NewChoice::default() }).collect();
    let new = NewField {
        label: form.get("label").to_owned(),
        kind: form.get("type").to_owned(),
        choices: Some(choices).filter(|choices| !choices.is_empty()),
        ..NewField::default()
    };
    write(&service, move |account| account.add_field(&new)).await?;
    Ok(done("field"))
}

pub async fn rename_field(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let form = Form::read(&service, &headers, body).await?;
    let update = FieldUpdate { label: Some(form.get("label").to_owned()), ..FieldUpdate::default() };
    write(&service, move |account| account.update_field(&id, &update)).await?;
    Ok(done("field-renamed"))
}

pub async fn delete_field(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    Form::read(&service, &headers, body).await?;
    write(&service, move |account| account.delete_field(&id)).await?;
    Ok(done("field-deleted"))
}
