//! Octet classes of the grammar (RFC 8866 section 9), as one table.

/// `token-char`; includes the wildcards `$` and `*`.
pub(crate) const TOKEN: u8 = 1;
/// `DIGIT`.
pub(crate) const DIGIT: u8 = 2;
/// `VCHAR / %x80-FF`: an octet of a `non-ws-string`.
pub(crate) const VISIBLE: u8 = 4;
/// `alpha-numeric / "-" / "."`: an octet of a domain name. `_` is let through, as hosts' names have it.
pub(crate) const NAME: u8 = 8;

const TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let byte = octet as u8;
        let mut class = 0;
        if byte.is_ascii_alphanumeric() || is_token_punctuation(byte) {
            class |= TOKEN;
        }
        if byte.is_ascii_digit() {
            class |= DIGIT;
        }
        if byte.is_ascii_graphic() || byte >= 0x80 {
            class |= VISIBLE;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            class |= NAME;
        }
        table[octet] = class;
        octet += 1;
    }
    table
}

const fn is_token_punctuation(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | b'~'
    )
}

/// Whether `byte` belongs to one of the classes of `mask`.
#[inline]
pub(crate) fn is(byte: u8, mask: u8) -> bool {
    TABLE.get(usize::from(byte)).is_some_and(|class| class & mask != 0)
}

/// Whether `bytes` is one or more octets of the class.
#[inline]
pub(crate) fn all(bytes: &[u8], mask: u8) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is(*byte, mask))
}

/// Where the run of octets of the class at the start of `bytes` ends.
#[inline]
pub(crate) fn run(bytes: &[u8], mask: u8) -> usize {
    bytes.iter().position(|byte| !is(*byte, mask)).unwrap_or(bytes.len())
}

/// The octets as text. They were checked to be ASCII where this is used; anything else yields an empty string.
#[inline]
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// A decimal number of digits only, if it fits.
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}
