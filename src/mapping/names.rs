//! Names, folded so that spellings of one name are equal, and taken apart.

pub use crate::model::printable::cut;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A name without case, spaces, punctuation and diacritics: `E-Mail Address` and `e_mail_address` are both `emailaddress`.
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase() as char).collect();
    }
    name.nfkd()
        .filter(|c| c.is_alphanumeric() && !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| !is_combining_mark(*c))
        .collect()
}

/// The words of a name, folded: `HasOptedOutOfEmail`, `has_opted_out_of_email` and `Has opted-out of e-mail` have the same.
/// `e mail` is one word.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    let mut take = |word: &mut String| {
        if word.is_empty() {
            return;
        }
        match words.last_mut() {
            Some(last) if last == "e" && (word == "mail" || word == "mails") => last.push_str(word),
            _ => words.push(word.clone()),
        }
        word.clear();
    };
    for (i, c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            take(&mut word);
            continue;
        }
        let before = i.checked_sub(1).map(|i| chars[i]);
        // A capital begins a word behind a small letter, and before one: `SMSOptIn`. An E that stands alone is that of `EMail`.
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_uppercase() && chars.get(i + 1).is_some_and(|next| next.is_lowercase())
            });
        if begins {
            take(&mut word);
        }
        word.extend(c.to_lowercase());
    }
    take(&mut word);
    words
}

/// The parts of a path within a record, from the outside in. A name without slashes has one. `~1` and `~0` within a part are a
/// slash and a tilde, as in a JSON pointer.
#[must_use]
pub fn segments(name: &str) -> Vec<String> {
    let path = name.strip_prefix('/').unwrap_or(name);
    path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// How many letters differ between two folded names, up to `most`; none beyond. A swap of two neighbours counts once.
#[must_use]
pub fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<usize>>(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        // The rows are those of two steps ago, the last one, and this one.
        rows[2][0] = i;
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[1][j] + 1).min(rows[2][j - 1] + 1).min(rows[1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = least;
        }
        rows.rotate_left(1);
    }
    Some(rows[1][b.len()]).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folded() {
        for (name, folded) in [
            ("E-mail Address", "emailaddress"),
            ("\u{feff}\"email\" ", "email"),
            ("Prénom", "prenom"),
            ("Pre\u{301}nom", "prenom"),
            ("STRASSE", "strasse"),
            ("姓名", "姓名"),
            ("--", ""),
            ("Ｅｍａｉｌ", "email"),
        ] {
            assert_eq!(fold(name), folded, "{name}");
        }
    }

    #[test]
    fn taken_apart() {
        for (name, parts) in [
            ("HasOptedOutOfEmail", "has opted out of email"),
            ("DoNotEMail", "do not email"),
            ("SMSOptIn", "sms opt in"),
            ("opt_in-date", "opt in date"),
            ("E-mail opt-out", "email opt out"),
            ("hs_email_optout", "hs email optout"),
            ("subscriptions/email/marketing", "subscriptions email marketing"),
            ("EMAIL_DISABLED", "email disabled"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), parts, "{name}");
        }
        assert_eq!(segments("/a/b~1c/d~0"), ["a", "b/c", "d~"]);
        assert_eq!(segments("email"), ["email"]);
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn distances() {
        for (a, b, distance) in [
            ("emial", "email", Some(1)),
            ("emali", "email", Some(1)),
            ("mail", "email", Some(1)),
            ("firstnam", "firstname", Some(1)),
            ("city", "zip", None),
            ("", "ab", Some(2)),
            ("same", "same", Some(0)),
        ] {
            assert_eq!(super::distance(a, b, 2), distance, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn any_name_folds_to_itself_again(name in ".{0,20}") {
            let once = fold(&name);
            prop_assert_eq!(fold(&once), once.clone());
            let _ = words(&name);
            let _ = segments(&name);
        }
    }
}
