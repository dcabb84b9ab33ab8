//! Bodies of several parts (RFC 2046 section 5.1): headers and octets. A part that has parts itself is taken apart by whoever wants
//! that, so nothing here is nested.

/// The most parts of a push: control, content, capabilities, and whatever somebody adds.
const PARTS: usize = 16;
/// The longest header block of a part.
const HEADERS: usize = 16 * 1024;

/// A part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part<'b> {
    /// Its headers in order.
    pub headers: Vec<(String, String)>,
    /// Its octets.
    pub body: &'b [u8],
}

impl Part<'_> {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Why a body cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The content type names no boundary.
    #[error("the content type names no boundary")]
    NoBoundary,
    /// There is no part.
    #[error("no part begins with the boundary")]
    NoParts,
    /// No closing boundary.
    #[error("the last part has no end")]
    NoEnd,
    /// A part's headers cannot be read.
    #[error("the headers of a part cannot be read")]
    Headers,
    /// Too many.
    #[error("too many parts")]
    TooMany,
}

/// A parameter of a content type: `boundary` of `multipart/related; boundary="x"`.
#[must_use]
pub fn parameter(content_type: &str, name: &str) -> Option<String> {
    let mut rest = content_type.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (found, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut text = String::new();
                let mut chars = quoted.char_indices();
                let end = loop {
                    match chars.next()? {
                        (at, '"') => break at,
                        (_, '\\') => text.push(chars.next()?.1),
                        (_, c) => text.push(c),
                    }
                };
                (text, quoted.get(end + 1..).unwrap_or_default())
            }
            None => {
                let end = value.find(';').unwrap_or(value.len());
                let (text, after) = value.split_at(end);
                (text.trim().to_owned(), after)
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// Takes the body of a push apart.
///
/// # Errors
/// When it is not as its content type says.
pub fn parse<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<Part<'b>>, MultipartError> {
    parse_at_most(content_type, body, PARTS)
}

/// Takes a body of at most `most` parts apart.
///
/// # Errors
/// When it is not as its content type says.
pub fn parse_at_most<'b>(
    content_type: &str,
    body: &'b [u8],
    most: usize,
) -> Result<Vec<Part<'b>>, MultipartError> {
    let boundary = parameter(content_type, "boundary").ok_or(MultipartError::NoBoundary)?;
    if boundary.is_empty() || boundary.len() > 200 {
        return Err(MultipartError::NoBoundary);
    }
    let mark = format!("--{boundary}");
    let mut rest = after_mark(body, mark.as_bytes()).ok_or(MultipartError::NoParts)?.1;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return if parts.is_empty() { Err(MultipartError::NoParts) } else { Ok(parts) };
        }
        if parts.len() >= most {
            return Err(MultipartError::TooMany);
        }
        let (part, after) = after_mark(rest, mark.as_bytes()).ok_or(MultipartError::NoEnd)?;
        parts.push(read_part(part)?);
        rest = after;
    }
}

/// What is before a boundary at the beginning of a line, without that line's end before it, and what is behind the boundary.
fn after_mark<'b>(body: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(body.get(from..)?, mark)?;
        let before = body.get(..at)?;
        let after = body.get(at + mark.len()..)?;
        let closing = after.strip_prefix(b"--");
        let line = closing.unwrap_or(after).first();
        // A longer boundary that begins with this one is not this one.
        let whole = matches!(line, None | Some(b'\r' | b'\n' | b' ' | b'\t'));
        if (before.is_empty() || before.ends_with(b"\n")) && whole {
            let before = before.strip_suffix(b"\n").unwrap_or(before);
            return Some((before.strip_suffix(b"\r").unwrap_or(before), after));
        }
        from = at + mark.len();
    }
}

/// Behind a boundary: the rest of its line, headers, an empty line, octets.
fn read_part(part: &[u8]) -> Result<Part<'_>, MultipartError> {
    let start = part.iter().position(|byte| *byte == b'\n').ok_or(MultipartError::Headers)? + 1;
    entity(part.get(start..).unwrap_or_default(), HEADERS)
}

/// Headers of at most `most` octets, an empty line, octets.
///
/// # Errors
/// When the headers are none, or too many.
pub fn entity(entity: &[u8], most: usize) -> Result<Part<'_>, MultipartError> {
    let mut rest = entity;
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut read = 0;
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            // Headers alone: the part is empty.
            return if rest.is_empty() {
                Ok(Part { headers, body: rest })
            } else {
                Err(MultipartError::Headers)
            };
        };
        let (line, after) = rest.split_at(end + 1);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = after;
        read += end + 1;
        if line.is_empty() {
            return Ok(Part { headers, body: rest });
        }
        if read > most {
            return Err(MultipartError::Headers);
        }
        let text = String::from_utf8_lossy(line);
        if text.starts_with([' ', '\t']) {
            let (_, value) = headers.last_mut().ok_or(MultipartError::Headers)?;
            value.push(' ');
            value.push_str(text.trim());
        } else {
            let (name, value) = text.split_once(':').ok_or(MultipartError::Headers)?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
}

/// Puts a body together; `boundary` must not be in any part.
#[must_use]
pub fn write(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in &part.headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(part.body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}
