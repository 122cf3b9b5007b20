//! The resources beside imports: one list, field or contact, tags, counts, the account, and bulk activities.
//!
//! Shapes that the published schema of imports lacks are those of the official clients' models.

mod account;
mod contacts;
mod fields;
mod lists;
mod tags;
mod tasks;
mod upload;

pub use upload::Patience;

use super::Service;
use super::handlers::{Answer, Links, PathId, Shared, or_answer, path_id};
use super::query::Query;
use axum::Router;
use axum::routing::{get, post, put};
use std::sync::Arc;

/// Their routes, under `/v3`.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/contact_lists/{list_id}", get(lists::get).put(lists::put).delete(lists::delete))
        .route("/contact_custom_fields/{custom_field_id}", get(fields::get).put(fields::put).delete(fields::delete))
        .route("/contacts", post(contacts::post))
        .route("/contacts/{contact_id}", put(contacts::put).delete(contacts::delete))
        .route("/contacts/sign_up_form", post(contacts::sign_up))
        .route("/contacts/counts", get(contacts::counts))
        .route("/account/summary", get(account::summary))
        .route("/contact_tags", get(tags::all).post(tags::post))
        .route("/contact_tags/{tag_id}", get(tags::get).put(tags::put).delete(tags::delete))
        .route("/activities/contacts_file_import", post(upload::import))
        .route("/activities/contact_delete", post(tasks::contact_delete))
        .route("/activities/add_list_memberships", post(tasks::add_list_memberships))
        .route("/activities/remove_list_memberships", post(tasks::remove_list_memberships))
}
