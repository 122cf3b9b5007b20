//! Custom fields: `cf:NAME`.

use super::{Effect, Rule};
use crate::finding::{Code, Severity};

/// Most custom fields of one contact.
pub const MAX: usize = 25;
/// Longest name behind `cf:`, in characters.
pub const NAME_MAX: usize = 50;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::CUS001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the name of a custom field has 1 to 50 characters behind cf:",
        help: "use the name the field has in the account",
        why: "The account can have no field of such a name.",
        before: r#""cf:":"gold""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::CUS002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "more than 25 custom fields",
        help: "keep the 25 that matter; the first 25 as given stay",
        why: "A contact can have at most 25 custom fields.",
        before: r#""cf:f1":"1", ... ,"cf:f26":"26""#,
        after: "cf:f26 is held back",
    },
    Rule {
        code: Code::CUS003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the account has no custom field of this name",
        help: "make the field in the account first, or mend the name; upper and lower case count",
        why: "A custom field must exist in the account before contacts are imported with it.",
        before: r#""cf:Teir":"gold"   (with --custom-fields, where the field is Tier)"#,
        after: "held back: the contact goes on without it",
    },
];

/// True when `name`, without `cf:`, is of a good length.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && (name.len() <= NAME_MAX || super::text::chars(name) <= NAME_MAX)
}

/// The names in a `--custom-fields` file: the JSON answer of `GET /contact_custom_fields`, or a name a line, with or
/// without `cf:`; blank lines skipped.
///
/// # Errors
/// The text is JSON and holds no `custom_fields` with a `name` or `label` each.
pub fn parse_names(file: &str) -> Result<std::collections::HashSet<String>, String> {
    let file = file.trim_start_matches('\u{feff}');
    if !file.trim_start().starts_with(['{', '[']) {
        let name = |line: &str| line.strip_prefix("cf:").unwrap_or(line).to_owned();
        return Ok(file.lines().map(|line| name(line.trim())).filter(|name| !name.is_empty()).collect());
    }
    // One document, or one field a line, as `presort account fields list` prints them.
    let json: Result<Vec<serde_json::Value>, _> = serde_json::Deserializer::from_str(file).into_iter().collect();
    let mut json = json.map_err(|error| format!("it is not JSON: {error}"))?;
    let is_field = |json: &serde_json::Value| json.get("name").is_some() || json.get("label").is_some();
    if json.len() != 1 || is_field(&json[0]) {
        json = vec![json.into()];
    }
    let fields = json[0].get("custom_fields").unwrap_or(&json[0]);
    let fields = fields.as_array().ok_or("it has no array `custom_fields`")?;
    let mut names = std::collections::HashSet::new();
    for (i, field) in fields.iter().enumerate() {
        // An import names a field by its `name`; its `label` is what people see, and is often the same.
        let mut any = false;
        for key in ["name", "label"] {
            if let Some(name) = field.get(key).and_then(|name| name.as_str()) {
                names.insert(name.to_owned());
                any = true;
            }
        }
        if let Some(name) = field.as_str() {
            names.insert(name.to_owned());
            any = true;
        }
        if !any {
            return Err(format!("custom field {i} has neither `name` nor `label`"));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(is_name("Tier") && is_name(&"é".repeat(50)) && !is_name("") && !is_name(&"x".repeat(51)));
    }

    #[test]
    fn files() {
        let sorted = |text: &str| {
            let mut names: Vec<String> = parse_names(text).unwrap().into_iter().collect();
            names.sort();
            names
        };
        assert_eq!(sorted("Tier\n\n cf:Source \r\n"), ["Source", "Tier"]);
        assert_eq!(
            sorted(r#"{"custom_fields":[{"custom_field_id":"1","label":"My Tier","name":"tier"}],"_links":{}}"#),
            ["My Tier", "tier"]
        );
        assert_eq!(sorted(r#"["a","b"]"#), ["a", "b"]);
        assert!(parse_names("{").is_err());
        assert!(parse_names(r#"{"x":1}"#).is_err());
        assert!(parse_names(r#"[{"id":1}]"#).is_err());
    }
}
