//! Names and values of columns about permission.

use super::*;
use crate::mapping::systems::systems;
use Meaning::{OptedOut, Passes, Silent, Unclear};
use PermissionKind as K;
use proptest::prelude::*;

#[test]
fn names_of_any_system() {
    for (name, kind) in [
        ("Unsubscribed from all email", Some(K::OptOut)),
        ("HasOptedOutOfEmail", Some(K::OptOut)),
        ("hs_email_optout", Some(K::OptOut)),
        ("opt_out", Some(K::OptOut)),
        ("Opted Out", Some(K::OptOut)),
        ("OPTOUT", Some(K::OptOut)),
        ("Email Blacklisted", Some(K::OptOut)),
        ("is_blocked", Some(K::OptOut)),
        ("suppressed?", Some(K::OptOut)),
        ("Do Not Email", Some(K::OptOut)),
        ("DoNotEMail", Some(K::OptOut)),
        ("donotbulkemail", Some(K::OptOut)),
        ("No E-mail", Some(K::OptOut)),
        ("unsubscribed_at", Some(K::OptOut)),
        ("Not subscribed", Some(K::OptOut)),
        ("UNSUB_REASON", Some(K::OptOutTrace)),
        ("unsubscribe_url", None),
        ("is_subscribed", Some(K::Consent)),
        ("Email Subscription Status", Some(K::Consent)),
        ("Subscriber Status", Some(K::Consent)),
        ("newsletter_opt_in", Some(K::Consent)),
        ("optin", Some(K::Consent)),
        ("Accepts Email Marketing", Some(K::Consent)),
        ("accepts_marketing", Some(K::Consent)),
        ("attributes/subscriptions/email/marketing/consent", Some(K::Consent)),
        ("email_marketing_consent/state", Some(K::Consent)),
        ("email_address/permission_to_send", Some(K::Consent)),
        ("Marketing consent", Some(K::Consent)),
        ("opt_in_ip", Some(K::ConsentTrace)),
        ("opt_in_level", Some(K::ConsentTrace)),
        ("cf:Opted out", Some(K::OptOut)),
        // Other channels, and what is no statement.
        ("sms_opt_in", None),
        ("SMS Consent", None),
        ("Accepts SMS Marketing", None),
        ("sms_marketing_consent/state", None),
        ("sms_consent_date", None),
        ("sms_permission_to_send", None),
        ("phone_opt_out", None),
        ("Direct mail opt out", None),
        ("Mail-Opt-out", Some(K::OptOut)),
        ("Email and SMS opt-out", Some(K::OptOut)),
        ("double_optin", Some(K::ConsentTrace)),
        ("Do not call", None),
        ("Do not mail", None),
        ("HasOptedOutOfFax", None),
        ("DoNotPostalMail", None),
        ("status", None),
        ("email", None),
        ("no_email_open_count", None),
        ("Noemail Smith", Some(K::OptOut)),
        ("first_name", None),
        ("Casino Email", None),
        ("blockedness", None),
        ("", None),
    ] {
        assert_eq!(of_name(name).map(|permission| permission.kind), kind, "{name}");
    }
}

#[test]
fn no_member_of_the_contract_is_a_permission() {
    for id in crate::model::member::KNOWN {
        assert_eq!(of_name(id.info().name), None, "{}", id.info().name);
    }
}

#[test]
fn headers_that_the_table_notes() {
    for system in systems() {
        for header in &system.headers {
            let noted = header.note.starts_with("optout") || header.note.starts_with("consent");
            let other = header.note == "optout phone";
            if noted && !other {
                assert!(of_header(header).is_some(), "{}: {header:?}", system.name);
            }
        }
    }
    let of = |system: &str, name: &str| {
        let system = systems().iter().find(|found| found.name == system).unwrap();
        of_header(system.headers.iter().find(|header| header.name == name).unwrap()).map(|found| found.kind)
    };
    assert_eq!(of("mailchimp", "STATUS"), Some(K::Status));
    assert_eq!(of("mailchimp", "UNSUB_TIME"), Some(K::OptOutTrace));
    assert_eq!(of("mailchimp", "OPTIN_TIME"), Some(K::ConsentTrace));
    assert_eq!(of("constantcontact-ui-export", "Confirmed Opt-Out Date"), Some(K::OptOut));
    assert_eq!(of("constantcontact-ui-export", "Email permission status"), Some(K::Consent));
    assert_eq!(of("shopify-customers", "Accepts Email Marketing"), Some(K::Consent));
    assert_eq!(of("shopify-customers", "Accepts SMS Marketing"), None);
    assert_eq!(of("klaviyo", "SMS Consent"), None);
    assert_eq!(of("substack", "email_disabled"), Some(K::OptOut));
    assert_eq!(of("substack", "active_subscription"), None);
    assert_eq!(of("kit-convertkit", "state"), Some(K::Status));
    assert_eq!(of("salesforce-contact-api", "DoNotCall"), None);
    assert_eq!(of("donorperfect", "NOMAIL"), Some(K::Caution));
    assert_eq!(of("eventbrite", "Attendee Status"), Some(K::Caution));
}

#[test]
fn meanings() {
    for (kind, value, meaning) in [
        (K::OptOut, "yes", OptedOut),
        (K::OptOut, " TRUE ", OptedOut),
        (K::OptOut, "1", OptedOut),
        (K::OptOut, "x", OptedOut),
        (K::OptOut, "2023-05-06", OptedOut),
        (K::OptOut, "5/6/2023 3:04 PM", OptedOut),
        (K::OptOut, "2023-05-06T12:33:00Z", OptedOut),
        (K::OptOut, "Unsubscribed", OptedOut),
        (K::OptOut, "no", Passes),
        (K::OptOut, "false", Passes),
        (K::OptOut, "0", Passes),
        (K::OptOut, "", Passes),
        (K::OptOut, "null", Passes),
        (K::OptOut, "0000-00-00", Passes),
        (K::OptOut, "0/0/00", Passes),
        (K::OptOut, "maybe", Unclear),
        (K::OptOut, "2", Unclear),
        (K::OptOut, "10", Unclear),
        (K::OptOut, "1.0", OptedOut),
        (K::OptOut, "0.0", Passes),
        (K::OptOut, "N/A", Unclear),
        (K::OptOut, "+", Unclear),
        (K::OptOut, "?", Unclear),
        (K::OptOut, "*", Unclear),
        (K::OptOut, "-", Passes),
        (K::Consent, "?", Silent),
        (K::OptOut, "ñein", Unclear),
        (K::OptOutTrace, "too many mails", OptedOut),
        (K::OptOutTrace, "", Passes),
        (K::Consent, "no", OptedOut),
        (K::Consent, "FALSE", OptedOut),
        (K::Consent, "0", OptedOut),
        (K::Consent, "NEVER_SUBSCRIBED", OptedOut),
        (K::Consent, "unsubscribed", OptedOut),
        (K::Consent, "not_subscribed", OptedOut),
        (K::Consent, "yes", Passes),
        (K::Consent, "SUBSCRIBED", Passes),
        (K::Consent, "implicit", Passes),
        (K::Consent, "pending_confirmation", Passes),
        (K::Consent, "not_set", Passes),
        (K::Consent, "2023-05-06", Passes),
        (K::Consent, "", Silent),
        (K::Consent, "null", Silent),
        (K::Consent, "Gold", Unclear),
        (K::ConsentTrace, "10.0.0.1", Passes),
        (K::ConsentTrace, "", Silent),
        (K::Status, "subscribed", Passes),
        (K::Status, "Active", Passes),
        (K::Status, "Opted in", Passes),
        (K::Status, "unsubscribed", OptedOut),
        (K::Status, "Cleaned", OptedOut),
        (K::Status, "opted out", OptedOut),
        (K::Status, "cancelled", OptedOut),
        (K::Status, "inactive", OptedOut),
        (K::Status, "pending", Unclear),
        (K::Status, "", Silent),
        (K::Word, "Unsubscribed", OptedOut),
        (K::Word, "Lead", Silent),
        (K::Word, "inactive", Silent),
        (K::Caution, "Deceased", Unclear),
        (K::Caution, "Active", Silent),
    ] {
        assert_eq!(PermissionColumn { kind }.meaning(value), meaning, "{kind:?} {value:?}");
    }
}

#[test]
fn paths_are_read_by_their_parts() {
    let of = |path: &str| of_path(path, &names::segments(path)).map(|column| column.kind);
    for (path, kind) in [
        ("unsubscribed/date", Some(K::OptOut)),
        ("unsubscribed/reason", Some(K::OptOutTrace)),
        ("opt_out/a", Some(K::OptOut)),
        ("blocked/by_user/flag", Some(K::OptOutTrace)),
        ("subscription/status", Some(K::Consent)),
        ("subscription/plan", None),
        ("subscription/auto_renew", None),
        ("subscriptions/email/marketing/consent", Some(K::Consent)),
        ("subscriptions/sms/marketing/consent", None),
        ("sms/opt_out", None),
        ("custom_fields/Do Not Email", Some(K::OptOut)),
    ] {
        assert_eq!(of(path), kind, "{path}");
    }
}

#[test]
fn words_of_a_status() {
    let word = |value| {
        let StatusWord { is_status, says_no, is_account_state } = StatusWord::of(value);
        (is_status, says_no, is_account_state)
    };
    assert_eq!(word("Subscribed"), (true, false, false));
    assert_eq!(word("unsubscribed"), (true, true, false));
    assert_eq!(word(" Invited "), (false, false, true));
    assert_eq!(word("NY"), (false, false, false));
    assert_eq!(word(&"x".repeat(1000)), (false, false, false));
}

proptest! {
    #[test]
    fn no_value_breaks_it(value in ".{0,80}", name in ".{0,40}") {
        let _ = of_name(&name);
        for kind in [K::OptOut, K::OptOutTrace, K::Consent, K::ConsentTrace, K::Status, K::Word, K::Caution] {
            let meaning = PermissionColumn { kind }.meaning(&value);
            // An opt-out column never lets a value pass that says more than no.
            if kind == K::OptOut && meaning == Passes {
                let letters = names::fold(&value);
                prop_assert!(letters.bytes().all(|b| b == b'0') || NO.contains(&letters.as_str()), "{}", value);
            }
        }
    }

    #[test]
    fn case_and_punctuation_do_not_count(value in "(opted|un)[ _-](out|subscribed)|yes|no|active") {
        for kind in [K::OptOut, K::Consent, K::Status] {
            let column = PermissionColumn { kind };
            prop_assert_eq!(column.meaning(&value), column.meaning(&value.to_uppercase()));
        }
    }
}
