//! Identifiers and times, in the file and in JSON.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::SystemTime;

/// A UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub uuid::Uuid);

impl Id {
    /// A new identifier, greater than the earlier ones: that keeps their indexes small and fast.
    pub fn new() -> Id {
        // Such an identifier cannot hold a time before 1970.
        Id(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(_) => uuid::Uuid::now_v7(),
            Err(_) => uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0)),
        })
    }

    /// Parses a UUID.
    pub fn parse(text: &str) -> Option<Id> {
        uuid::Uuid::try_parse(text).ok().map(Id)
    }

    /// The identifier of a part of this object: always the same, so that it need not be stored.
    pub fn part(self, name: &str) -> Id {
        Id(uuid::Uuid::new_v5(&self.0, name.as_bytes()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Id> {
        uuid::Uuid::from_slice(value.as_blob()?).map(Id).map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// A time, in milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// The current time of the system's clock.
    pub fn now() -> Time {
        Time(Timestamp::now().as_millisecond())
    }

    /// The day in UTC, `YYYY-MM-DD`.
    pub fn day(self) -> String {
        Timestamp::from_millisecond(self.0).unwrap_or_default().strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Time> {
        value.as_i64().map(Time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_service_does() {
        assert_eq!(Time(1_453_556_924_108).to_string(), "2016-01-23T13:48:44.108Z");
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn identifiers_of_parts_stay() {
        let id = Id::parse("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").unwrap();
        assert_eq!(id.part("phone home"), id.part("phone home"));
        assert_ne!(id.part("phone home"), id.part("phone work"));
        assert_eq!(id.to_string(), "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a");
        assert!(Id::new() <= Id::new());
    }
}
