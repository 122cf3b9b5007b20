//! Names of columns in other languages than English: German, French, Spanish, Italian, Portuguese and Dutch. Each has one meaning
//! in all of these languages: a word with another meaning in one of them is not in the lists.

/// Folded names, and the members that they become.
pub(super) const NAMES: &[(&str, &str)] = &[
    // German
    ("emailadresse", "email"),
    ("mailadresse", "email"),
    ("vorname", "first_name"),
    ("nachname", "last_name"),
    ("familienname", "last_name"),
    ("firma", "company_name"),
    ("firmenname", "company_name"),
    ("unternehmen", "company_name"),
    ("telefon", "phone"),
    ("telefonnummer", "phone"),
    ("telefonprivat", "home_phone"),
    ("telefongeschaftlich", "work_phone"),
    ("mobiltelefon", "mobile_phone"),
    ("mobilnummer", "mobile_phone"),
    ("handy", "mobile_phone"),
    ("handynummer", "mobile_phone"),
    ("strasse", "street"),
    ("straße", "street"),
    ("adresszusatz", "street2"),
    ("plz", "zip"),
    ("postleitzahl", "zip"),
    ("ort", "city"),
    ("stadt", "city"),
    ("wohnort", "city"),
    ("bundesland", "state"),
    ("land", "country"),
    ("geburtstag", "birthday_month,birthday_day"),
    ("geburtsdatum", "birthday_month,birthday_day"),
    // French
    ("adresseemail", "email"),
    ("adressemail", "email"),
    ("courriel", "email"),
    ("prenom", "first_name"),
    ("nomdefamille", "last_name"),
    ("entreprise", "company_name"),
    ("societe", "company_name"),
    ("telephone", "phone"),
    ("telephoneportable", "mobile_phone"),
    ("telephonemobile", "mobile_phone"),
    ("codepostal", "zip"),
    ("ville", "city"),
    ("pays", "country"),
    ("datedenaissance", "birthday_month,birthday_day"),
    // Spanish
    ("correo", "email"),
    ("correoelectronico", "email"),
    ("direcciondecorreoelectronico", "email"),
    ("nombre", "first_name"),
    ("apellido", "last_name"),
    ("apellidos", "last_name"),
    ("empresa", "company_name"),
    ("telefono", "phone"),
    ("telefonomovil", "mobile_phone"),
    ("direccion", "street"),
    ("codigopostal", "zip"),
    ("ciudad", "city"),
    ("provincia", "state"),
    ("pais", "country"),
    ("fechadenacimiento", "birthday_month,birthday_day"),
    // Italian
    ("indirizzoemail", "email"),
    ("cognome", "last_name"),
    ("azienda", "company_name"),
    ("cellulare", "mobile_phone"),
    ("indirizzo", "street"),
    ("codicepostale", "zip"),
    ("citta", "city"),
    ("paese", "country"),
    ("datadinascita", "birthday_month,birthday_day"),
    // Portuguese
    ("enderecodeemail", "email"),
    ("sobrenome", "last_name"),
    ("telefone", "phone"),
    ("telemovel", "mobile_phone"),
    ("celular", "mobile_phone"),
    ("endereco", "street"),
    ("cidade", "city"),
    ("datadenascimento", "birthday_month,birthday_day"),
    // Dutch
    ("emailadres", "email"),
    ("voornaam", "first_name"),
    ("achternaam", "last_name"),
    ("bedrijf", "company_name"),
    ("bedrijfsnaam", "company_name"),
    ("telefoonnummer", "phone"),
    ("mobielnummer", "mobile_phone"),
    ("straat", "street"),
    ("woonplaats", "city"),
    ("geboortedatum", "birthday_month,birthday_day"),
];

/// Words of an opt-out column, without their accents.
pub(super) const OPT_OUT: &[&[&str]] = &[
    &["abgemeldet"],
    &["abmeldung"],
    &["abbestellt"],
    &["desabonne"],
    &["desabonnement"],
    &["desinscrit"],
    &["desinscription"],
    &["desuscrito"],
    &["baja"],
    &["disiscritto"],
    &["disiscrizione"],
    &["descadastrado"],
    &["afgemeld"],
    &["uitgeschreven"],
];

/// Words of a consent column, without their accents.
pub(super) const CONSENT: &[&[&str]] = &[
    &["abonniert"],
    &["angemeldet"],
    &["einwilligung"],
    &["abonne"],
    &["inscrit"],
    &["consentement"],
    &["suscrito"],
    &["consentimiento"],
    &["iscritto"],
    &["consenso"],
    &["consentimento"],
    &["aangemeld"],
    &["toestemming"],
];

/// Values that mean yes, folded.
pub(super) const YES: &[&str] = &["ja", "oui", "si", "sim", "wahr", "vrai", "verdadero", "vero"];

/// Values that mean no, folded.
pub(super) const NO: &[&str] = &["nein", "non", "nao", "nee", "falsch", "faux", "falso"];

/// Words of a status that pass, folded.
pub(super) const PASSING: &[&str] = &["angemeldet", "abonniert", "inscrit", "suscrito", "iscritto", "aangemeld"];

/// Words of a status that reject, folded.
pub(super) const REJECTING: &[&str] = &[
    "abgemeldet",
    "abbestellt",
    "desinscrit",
    "desuscrito",
    "disiscritto",
    "descadastrado",
    "afgemeld",
    "uitgeschreven",
];

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::super::permission::{Meaning, PermissionKind, of_name};
    use super::super::systems::{is_identity, target_of};
    use super::*;

    #[test]
    fn names_are_folded_and_become_members() {
        for (name, member) in NAMES {
            assert_eq!(names::fold(name), *name);
            assert!(target_of(member).is_some(), "{member}");
        }
        let mut all: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a name has one meaning");
        for name in ["E-Mail-Adresse", "Adresse e-mail", "Correo electrónico", "Courriel", "E-mailadres"] {
            assert!(is_identity(name), "{name}");
        }
    }

    #[test]
    fn people_who_said_no_are_known_in_other_languages() {
        for (name, value) in [
            ("Newsletter abgemeldet", "ja"),
            ("Désabonné", "oui"),
            ("Désinscription newsletter", "12/05/2024"),
            ("Baja", "Sí"),
            ("Uitgeschreven", "ja"),
        ] {
            let column = of_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(column.kind, PermissionKind::OptOut, "{name}");
            // A value with other letters than ASCII is not understood, which rejects as well.
            assert!(matches!(column.meaning(value), Meaning::OptedOut | Meaning::Unclear), "{name} {value}");
            assert_eq!(column.meaning("nein"), Meaning::Passes);
        }
        assert_eq!(of_name("Newsletter abonniert").map(|column| column.meaning("nein")), Some(Meaning::OptedOut));
        assert_eq!(of_name("Einwilligung").map(|column| column.meaning("ja")), Some(Meaning::Passes));
        assert_eq!(of_name("Telefon abgemeldet").map(|column| column.kind), None);
    }
}
