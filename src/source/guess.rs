//! A guess at the encoding of text that is not UTF-8, for formats that do not name theirs.

use super::decode::Encoding;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

/// Bytes that are looked at.
pub const LOOK_AT: usize = 1 << 20;
/// Characters of several bytes that must decode before such an encoding is believed.
const SEVERAL_MIN: usize = 8;

/// What text that is not UTF-8 seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// The encoding.
    pub encoding: Encoding,
    /// The first byte that is not UTF-8.
    pub at: usize,
}

impl Encoding {
    /// The encoding that the first MiB of a text looks like, Windows-1252 when in doubt. `None` for UTF-8, ASCII included; `is_whole`:
    /// the text ends there, and not within a character.
    ///
    /// It is a guess: tell the user.
    #[must_use]
    pub fn guess(bytes: &[u8], is_whole: bool) -> Option<Guess> {
        let is_whole = is_whole && bytes.len() <= LOOK_AT;
        let bytes = &bytes[..bytes.len().min(LOOK_AT)];
        let error = std::str::from_utf8(bytes).err().filter(|error| is_whole || error.error_len().is_some())?;
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let guess = detector.guess(None, Utf8Detection::Deny);
        let is_likely = guess.is_single_byte() || is_in(bytes, guess);
        let encoding = Encoding::known(if is_likely { guess } else { encoding_rs::WINDOWS_1252 });
        Some(Guess { encoding, at: error.valid_up_to() })
    }
}

/// True if text decodes from an encoding that has characters of several bytes, and some of them are there.
fn is_in(bytes: &[u8], encoding: &'static encoding_rs::Encoding) -> bool {
    // The end may be cut off.
    let whole = &bytes[..bytes.len() - bytes.iter().rev().take_while(|byte| **byte >= 0x80).count()];
    encoding
        .decode_without_bom_handling_and_without_replacement(whole)
        .is_some_and(|text| text.chars().filter(|c| !c.is_ascii()).count() >= SEVERAL_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str =
        "Vorname;Nachname;Straße;Ort\nJürgen;Müller;Königsallee 7;Düsseldorf\nBärbel;Groß;Am Grün 3;Köln\n";
    const FRENCH: &str =
        "Prénom;Nom;Société\nFrançois;Lefèvre;Hôtel de l’Étoile\nZoé;Béranger;Crêperie du Château\nNoël;Garçon;—\n";
    const SPANISH: &str = "Nombre,Apellido,Ciudad\nJosé,Muñoz,Málaga\nÍñigo,Núñez,A Coruña\nÁngela,Peña,León\n";
    const POLISH: &str = "Imię;Nazwisko;Miasto\nŁukasz;Wiśniewski;Łódź\nMałgorzata;Dąbrowska;Gdańsk\n\
                          Paweł;Wójcik;Kraków\nKatarzyna;Zając;Poznań\nŻaneta;Kościół;Częstochowa\n";
    const RUSSIAN: &str = "Имя;Фамилия;Город\nАлексей;Иванов;Москва\nНаталья;Кузнецова;Санкт-Петербург\n";

    fn guess_of(text: &str, label: &str) -> Option<&'static str> {
        let (bytes, _, is_lossy) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(text);
        assert!(!is_lossy, "{label}");
        Encoding::guess(&bytes, true).map(|guess| guess.encoding.name())
    }

    #[test]
    fn languages_of_exports() {
        for (text, label, name) in [
            (GERMAN, "windows-1252", "windows-1252"),
            (FRENCH, "windows-1252", "windows-1252"),
            (SPANISH, "windows-1252", "windows-1252"),
            (POLISH, "windows-1250", "windows-1250"),
            (RUSSIAN, "windows-1251", "windows-1251"),
        ] {
            assert_eq!(guess_of(text, label), Some(name), "{text}");
            assert_eq!(guess_of(text, "utf-8"), None, "{text}");
        }
    }

    /// Most cells are ASCII, and the few others are short.
    #[test]
    fn one_name_among_many() {
        let many = "email,first_name,last_name\n".to_owned() + &"joe@example.com,Joe,Miller\n".repeat(1000);
        assert_eq!(Encoding::guess(many.as_bytes(), true), None);
        for name in ["José", "Zoë", "Müller", "Søren", "François", "Ñ", "“Bob”", "5 €", "O’Neil"] {
            assert_eq!(
                guess_of(&format!("{many}x@example.com,{name},Smith\n"), "windows-1252"),
                Some("windows-1252"),
                "{name}"
            );
        }
    }

    #[test]
    fn where_it_begins() {
        assert_eq!(Encoding::guess(b"name\nJos\xe9\n", true).map(|guess| guess.at), Some(8));
        // The first MiB may end within a character, and what comes behind it is not looked at.
        let mut text = vec![b'x'; LOOK_AT - 1];
        text.extend_from_slice("é".as_bytes());
        text.extend_from_slice(b"\xe9 ");
        assert_eq!(Encoding::guess(&text, true), None);
        assert_eq!(Encoding::guess(b"caf\xc3", false), None);
        assert_eq!(Encoding::guess(b"caf\xe9", true).map(|guess| guess.encoding.name()), Some("windows-1252"));
        assert_eq!(Encoding::guess(b"", true), None);
    }

    #[test]
    fn encodings_of_several_bytes_need_evidence() {
        let japanese = "名前,会社\n山田太郎,株式会社サンプル\n佐藤花子,東京商事\n鈴木一郎,大阪物産\n";
        assert_eq!(guess_of(japanese, "shift_jis"), Some("Shift_JIS"));
        for bytes in [&b"\x83\x65\n"[..], b"\xa4\xa2", b"\xff", b"\x80\x80\x80", b"a\xe9"] {
            let guess = Encoding::guess(bytes, true).unwrap().encoding.name();
            assert!(!["Shift_JIS", "GBK", "EUC-JP", "EUC-KR", "Big5", "UTF-8"].contains(&guess), "{bytes:?}: {guess}");
        }
    }
}
