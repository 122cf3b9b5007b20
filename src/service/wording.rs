//! The errors of an activity, as the published service is known to word them.
//!
//! It is known that they name a line, `Line N`, and that a client takes it for the contact with the index N - 2: the first
//! line is that of the column names. Codes are an extension of presort.

use crate::account::activities::Activity;

/// Rewords the errors of an activity.
pub fn reword(activity: &mut Activity) {
    activity.activity_errors.iter_mut().for_each(|text| *text = published(text));
}

/// `contact 1: BDY003, birthday_month: ...` becomes `Line 3: birthday_month: ...`.
fn published(text: &str) -> String {
    let (line, rest) = match text.strip_prefix("contact ").and_then(|rest| rest.split_once(": ")) {
        Some((index, rest)) if index.bytes().all(|b| b.is_ascii_digit()) => match index.parse::<u64>() {
            Ok(index) => (format!("Line {}: ", index + 2), rest),
            Err(_) => (String::new(), text),
        },
        _ => (String::new(), text.strip_prefix("the body: ").unwrap_or(text)),
    };
    let is_code =
        |code: &[u8]| code[..3].iter().all(u8::is_ascii_uppercase) && code[3..].iter().all(u8::is_ascii_digit);
    let rest = match rest.as_bytes().split_at_checked(6) {
        Some((code, [b',' | b':', b' ', ..])) if is_code(code) => &rest[8..],
        _ => rest,
    };
    format!("{line}{rest}")
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn errors_name_a_line() {
        for (ours, theirs) in [
            ("contact 1: BDY003, birthday_month: no such day", "Line 3: birthday_month: no such day"),
            ("contact 0: CON002: neither an address nor a number", "Line 2: neither an address nor a number"),
            ("the body: IMP001, list_ids: no such list: x", "list_ids: no such list: x"),
            ("DUP001: 7 more contacts", "7 more contacts"),
            ("it took longer than 5 seconds", "it took longer than 5 seconds"),
            ("contact us: é", "contact us: é"),
            ("é", "é"),
        ] {
            assert_eq!(published(ours), theirs);
        }
    }
}
