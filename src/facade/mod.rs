//! What a library user sees: a [`Cleaner`] and its builder, a [`Sink`] for its outputs, and contacts as an iterator.

mod builder;
mod cleaner;
mod contacts;
mod sink;

pub use builder::CleanerBuilder;
pub use cleaner::Cleaner;
pub use contacts::{Contact, Contacts};
pub use sink::Sink;

/// Types that users move to other threads or share between them.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Cleaner>();
    is_send_and_sync::<CleanerBuilder>();
    is_send_and_sync::<Contact>();
    is_send_and_sync::<crate::Error>();
    is_send_and_sync::<crate::OwnedFinding>();
    is_send_and_sync::<crate::Summary>();
    is_send_and_sync::<crate::Receipt>();
    is_send::<Contacts<'static>>();
    is_send::<Sink<'static>>();
};
