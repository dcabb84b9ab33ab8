//! Character classes and small parsers that the values of header fields share (RFC 3261 section 25.1).

/// `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

pub(crate) const fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// `word`, of which a `callid` has one or two.
pub(crate) fn is_word(text: &str) -> bool {
    let more = |octet: u8| {
        matches!(
            octet,
            b'(' | b')' | b'<' | b'>' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'{' | b'}'
        )
    };
    !text.is_empty() && text.bytes().all(|octet| is_token_octet(octet) || more(octet))
}

/// White space, with folds.
pub(crate) const fn is_space(octet: char) -> bool {
    matches!(octet, ' ' | '\t' | '\r' | '\n')
}

/// Without white space at either end.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether a host is a name, an IPv4 address or an IPv6 address in brackets.
pub(crate) fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !text.is_empty()
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_'))
}

/// The length of the quoted string at the start of `text`, with its quotes; none when it has no end.
pub(crate) fn quoted_length(text: &str) -> Option<usize> {
    let mut octets = text.bytes().enumerate();
    if octets.next()?.1 != b'"' {
        return None;
    }
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'"' => return Some(at + 1),
            b'\\' => {
                octets.next()?;
            }
            _ => {}
        }
    }
    None
}

/// What a quoted string says: without quotes and backslashes. Other text is as it is.
pub(crate) fn unquote(text: &str) -> std::borrow::Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.into();
    };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut said = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => said.extend(characters.next()),
            other => said.push(other),
        }
    }
    said.into()
}

/// A quoted string that says `text`. Line ends and other controls, which no quoted string can hold, become spaces.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// The values of a comma-separated list: commas in quoted strings and in `<>` are none of its own. Values are trimmed.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let end = find_outside(all, b',');
        rest = end.and_then(|at| all.get(at + 1..));
        Some(trim(all.get(..end.unwrap_or(all.len())).unwrap_or_default()))
    })
}

/// Where `wanted` stands first, outside of quoted strings and `<>`.
pub(crate) fn find_outside(text: &str, wanted: u8) -> Option<usize> {
    let octets = text.as_bytes();
    let (mut at, mut brackets) = (0, false);
    while let Some(octet) = octets.get(at) {
        match octet {
            b'"' if !brackets => at += quoted_length(text.get(at..)?)? - 1,
            b'<' if wanted != b'<' => brackets = true,
            b'>' => brackets = false,
            found if *found == wanted && !brackets => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A decimal number of digits alone.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    (!text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())).then(|| text.parse().ok())?
}
