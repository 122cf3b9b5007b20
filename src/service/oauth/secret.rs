//! Secrets: drawn, hashed, and compared without telling where they differ.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret.
pub type Hash = [u8; 32];

pub fn hash(secret: &[u8]) -> Hash {
    Sha256::digest(secret).into()
}

/// True if two hashes are the same.
pub fn is_same(a: &Hash, b: &Hash) -> bool {
    a.ct_eq(b).into()
}

/// Base64 for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for letter in 0..=group.len() {
            text.push(LETTERS[(word >> (18 - 6 * letter)) as usize & 63] as char);
        }
    }
    text
}

/// A new secret of 256 bits.
pub fn draw() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(base64(&bytes))
}

/// A code that a person types: eight letters of which none is taken for another.
pub fn user_code() -> Result<String, getrandom::Error> {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut code = String::new();
    while code.len() < 9 {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        // What is left over would make some letters more likely.
        if byte[0] < 240 {
            if code.len() == 4 {
                code.push('-');
            }
            code.push(LETTERS[usize::from(byte[0] % 20)] as char);
        }
    }
    Ok(code)
}

/// True for the challenge of a verifier: PKCE with S256.
pub fn is_challenge_of(challenge: &str, verifier: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let is_good = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    is_good && bool::from(base64(&hash(verifier.as_bytes())).as_bytes().ct_eq(challenge.as_bytes()))
}

/// True for a text that can be a challenge.
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_those_of_the_standard() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge) && is_challenge_of(challenge, verifier));
        assert!(!is_challenge_of(verifier, verifier) && !is_challenge_of(challenge, &verifier[1..]));
        assert!(!is_challenge(&challenge[1..]) && !is_challenge(&format!("{}=", &challenge[1..])));
    }

    #[test]
    fn text_of_bytes() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")] {
            assert_eq!(base64(bytes), text);
        }
        assert_eq!(draw().unwrap().len(), 43);
        assert_ne!(draw().unwrap(), draw().unwrap());
        assert_eq!(user_code().unwrap().len(), 9);
    }
}
