//! The query of a request.

use crate::account::page::{LIMIT, PageRequest};
use crate::account::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded in a value of a query. `form_urlencoded` would encode the commas of lists as well.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',');

/// The parameters of a request. The values of a repeated parameter are joined with commas.
pub struct Query {
    path: &'static str,
    pairs: Vec<(String, String)>,
}

impl Query {
    /// The parameters of a request for `path`. One that is not in `known` is an error: silently ignoring a filter would return
    /// too many contacts.
    pub fn new(path: &'static str, text: Option<&str>, known: &[&str]) -> Result<Query> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or("").as_bytes()).into_owned() {
            if !known.contains(&name.as_str()) && name != "cursor" {
                return Err(Error::Invalid(format!(
                    "there is no parameter {name} here: it is one of {}",
                    known.join(", ")
                )));
            }
            match pairs.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => *values = format!("{values},{value}"),
                None => pairs.push((name, value)),
            }
        }
        Ok(Query { path, pairs })
    }

    /// The value of a parameter, unless it is missing or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// The values of a parameter, separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.get(name).map_or(Vec::new(), |value| value.split(',').map(|value| value.trim().to_owned()).collect())
    }

    /// The value of a parameter that is `true` or `false`; false when it is missing.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(true),
            None | Some("false") => Ok(false),
            Some(other) => Err(Error::Invalid(format!("{name} is true or false, not {other}"))),
        }
    }

    /// A time in ISO 8601, in milliseconds since 1970.
    pub fn moment(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // A plus that was not encoded arrives as a space.
        let text = text.replace(' ', "+");
        let moment = text.parse::<jiff::Timestamp>().or_else(|error| match text.parse::<jiff::civil::Date>() {
            Ok(day) => day.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp()),
            Err(_) => Err(error),
        });
        let moment =
            moment.map_err(|_| Error::Invalid(format!("{name} is a time like 2026-01-31T12:00:00Z, not {text}")))?;
        Ok(Some(moment.as_millisecond()))
    }

    /// The requested page, of at most `max` items.
    pub fn page(&self, max: u64) -> Result<PageRequest> {
        let limit = match self.get("limit") {
            None => LIMIT,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=max).contains(&limit) => limit,
                _ => return Err(Error::Invalid(format!("limit is a number from 1 to {max}, not {text}"))),
            },
        };
        let after =
            match self.get("cursor") {
                None => None,
                Some(text) => {
                    let cursor = i64::from_str_radix(text, 16).ok();
                    Some(cursor.ok_or_else(|| {
                        Error::Invalid(format!("{text} is not a cursor: use _links.next.href unchanged"))
                    })?)
                }
            };
        Ok(PageRequest { limit, after, count: false, bytes: super::PAGE })
    }

    /// The path and query of the next page.
    pub fn next(&self, next: i64) -> String {
        let mut href = format!("{}?", self.path);
        for (name, value) in self.pairs.iter().filter(|(name, _)| name != "cursor") {
            href += &format!("{name}={}&", utf8_percent_encode(value, VALUE));
        }
        format!("{href}cursor={next:x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_the_next() {
        let text = "email=a%2Bb%40c.org&limit=2&lists=x&lists=y&cursor=ff";
        let query = Query::new("/v3/contacts", Some(text), &["email", "limit", "lists"]).unwrap();
        assert_eq!(query.get("email"), Some("a+b@c.org"));
        assert_eq!(query.list("lists"), ["x", "y"]);
        let page = query.page(500).unwrap();
        assert_eq!((page.limit, page.after), (2, Some(255)));
        let href = query.next(300);
        assert_eq!(href, "/v3/contacts?email=a%2Bb%40c.org&limit=2&lists=x,y&cursor=12c");
        let again =
            Query::new("/v3/contacts", href.split_once('?').map(|(_, q)| q), &["email", "limit", "lists"]).unwrap();
        assert_eq!(again.get("email"), Some("a+b@c.org"));
        assert_eq!(again.page(500).unwrap().after, Some(300));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let of = |text: &str| Query::new("/", Some(text), &["limit", "flag", "at"]);
        assert!(of("tags=x").is_err_and(|error| error.to_string().contains("no parameter tags")));
        for limit in ["0", "501", "x", "-1"] {
            assert!(of(&format!("limit={limit}")).unwrap().page(500).is_err());
        }
        assert!(of("cursor=zz").unwrap().page(500).is_err());
        assert!(of("flag=yes").unwrap().flag("flag").is_err());
        assert!(of("at=yesterday").unwrap().moment("at").is_err());
        assert_eq!(of("at=1970-01-02").unwrap().moment("at").unwrap(), Some(86_400_000));
        assert_eq!(of("at=1970-01-01T00:00:01.000002%2B0000").unwrap().moment("at").unwrap(), Some(1000));
        assert_eq!(of("at=1970-01-01T02:00:00.001+02:00").unwrap().moment("at").unwrap(), Some(1));
    }
}
