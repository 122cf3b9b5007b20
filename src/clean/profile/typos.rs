//! Domains of email addresses that look like typos of a large provider.

/// Providers whose names are long enough that a name beside theirs is hardly one by itself.
const PROVIDERS: &[(&str, &str)] = &[
    ("gmail", "gmail.com"),
    ("yahoo", "yahoo.com"),
    ("hotmail", "hotmail.com"),
    ("outlook", "outlook.com"),
    ("icloud", "icloud.com"),
    ("comcast", "comcast.net"),
    ("verizon", "verizon.net"),
    ("sbcglobal", "sbcglobal.net"),
    ("bellsouth", "bellsouth.net"),
];

/// Real names beside one of these.
const REAL: &[&str] = &["email", "mail", "ymail", "gmai", "cmail", "gail", "tahoo", "iclod", "horizon"];

/// What is written for `com` and `net` by mistake, and is no domain that people have addresses in.
const ENDINGS: &[&str] =
    &["con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "cim", "om", "cm", "coma", "nett", "nte", "met"];

/// The domain that was probably meant.
pub(super) fn meant(domain: &[u8]) -> Option<&'static str> {
    let dot = memchr::memchr(b'.', domain)?;
    let (label, ending) = (&domain[..dot], &domain[dot + 1..]);
    if !(4..=10).contains(&label.len()) || ending.len() > 4 {
        return None;
    }
    let mut room = [0; 10];
    let label = &mut room[..label.len()];
    label.copy_from_slice(&domain[..dot]);
    label.make_ascii_lowercase();
    for (name, meant) in PROVIDERS {
        let name = name.as_bytes();
        if label == name {
            let is_wrong = ENDINGS.iter().any(|wrong| ending.eq_ignore_ascii_case(wrong.as_bytes()));
            let is_short = ending.eq_ignore_ascii_case(b"co") && matches!(name, b"gmail" | b"icloud" | b"hotmail");
            return (is_wrong || is_short).then_some(meant);
        }
        let own_ending = &meant.as_bytes()[name.len() + 1..];
        if ending.eq_ignore_ascii_case(own_ending) && is_beside(label, name) {
            return (!REAL.iter().any(|real| real.as_bytes() == label)).then_some(meant);
        }
    }
    None
}

/// Whether one letter more, less, or other makes one of the other, or two that changed places.
fn is_beside(a: &[u8], b: &[u8]) -> bool {
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    match (a, b) {
        ([_], [_]) | ([_], []) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos() {
        for (domain, expected) in [
            ("gmial.com", Some("gmail.com")),
            ("Gmal.com", Some("gmail.com")),
            ("gmail.con", Some("gmail.com")),
            ("gmail.co", Some("gmail.com")),
            ("yaho.com", Some("yahoo.com")),
            ("yahooo.com", Some("yahoo.com")),
            ("hotmial.com", Some("hotmail.com")),
            ("outlok.com", Some("outlook.com")),
            ("comcst.net", Some("comcast.net")),
            ("gmail.com", None),
            ("yahoo.co", None),
            ("yahoo.ca", None),
            ("hotmail.co.uk", None),
            ("ymail.com", None),
            ("email.com", None),
            ("mail.com", None),
            ("gmx.com", None),
            ("example.com", None),
            ("gmial.example", None),
            ("gmail", None),
            ("", None),
        ] {
            assert_eq!(meant(domain.as_bytes()), expected, "{domain}");
        }
    }
}
