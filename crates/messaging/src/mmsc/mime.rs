//! Parts of a message as MIME has them (RFC 2045, 2046, 2387), and as handsets have them: what applications send
//! is read into parts, which are kept as WSP multiparts, and the other way round.

use std::fmt::Write as _;

use strowger_mms::multipart::{PartsBuf, safe_name};
use strowger_mms::wsp::{ContentType, ContentTypeBuf, HeadersBuf, MediaType};
use strowger_mms::{Charset, Field, Limits};

use super::compose;
use super::message::{Delivery, Envelope};
use crate::http::base64;
use crate::http::multipart::{self, MultipartError, parameter};

/// The most parts of a message.
const PARTS: usize = 64;
/// How deep multiparts may lie in each other; they are flattened.
const DEPTH: usize = 3;
/// Characters of a name, a location or an identifier.
const NAME: usize = 128;
/// The media type of a presentation.
const SMIL: &str = "application/smil";

/// A part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimePart {
    /// Its media type, without parameters.
    pub media: String,
    /// The character set, of a text.
    pub charset: Option<Charset>,
    /// Its name.
    pub name: Option<String>,
    /// Its Content-ID, without angle brackets.
    pub id: Option<String>,
    /// Its Content-Location.
    pub location: Option<String>,
    /// What it holds.
    pub data: Vec<u8>,
}

/// Why content cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// The parts cannot be told apart.
    #[error("{0}")]
    Multipart(#[from] MultipartError),
    /// An encoding that is not read, or that a part does not keep to.
    #[error("a part is not in its transfer encoding")]
    Encoding,
    /// Multiparts too deep in each other.
    #[error("parts lie too deep in each other")]
    Depth,
    /// Too many.
    #[error("a message has at most {PARTS} parts")]
    TooMany,
    /// What is kept cannot be read.
    #[error("the message as it is kept: {0}")]
    Kept(String),
}

/// How octets are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// As they are: over HTTP.
    Binary,
    /// As Base64 in lines: through mail.
    Base64,
}

/// The content of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The parts in order.
    pub parts: Vec<MimePart>,
}

impl Parts {
    /// The content of an entity: headers that say what it is, and its octets.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_entity(entity: &multipart::Part<'_>) -> Result<Self, MimeError> {
        let mut parts = Vec::new();
        read_entity(entity, DEPTH, &mut parts)?;
        Ok(Self { parts })
    }

    /// The content of a message that is kept, from its row and its body.
    ///
    /// # Errors
    /// When it cannot be read, which a sender can bring about.
    pub fn of_stored(envelope: &Envelope, delivery: &Delivery, body: &[u8]) -> Result<Self, MimeError> {
        let kept = |error: &dyn std::fmt::Display| MimeError::Kept(error.to_string());
        let mut octets = compose::retrieval(envelope, delivery);
        octets.extend_from_slice(body);
        let limits = Limits { bytes: octets.len(), ..Limits::default() };
        let pdu = strowger_mms::decode(&octets, &limits).map_err(|error| kept(&error))?;
        let mut parts = Vec::new();
        match (pdu.parts(&limits), pdu.content_type()) {
            (Some(found), _) => {
                for part in found.map_err(|error| kept(&error))?.iter() {
                    parts.push(of_wsp(&part));
                }
            }
            (None, Some(content_type)) => parts.push(MimePart {
                media: media_name(&content_type),
                charset: content_type.charset(),
                name: content_type.name().map(|name| name.to_str().into_owned()),
                data: body.to_vec(),
                ..MimePart::default()
            }),
            (None, None) => return Err(MimeError::Kept("it has no content".to_owned())),
        }
        Ok(Self { parts })
    }

    /// Octets of all parts.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.parts.iter().map(|part| part.data.len()).sum()
    }

    /// As it is kept: the content type as an encoded header field, and the body.
    #[must_use]
    pub fn to_wsp(&self) -> (Vec<u8>, Vec<u8>) {
        let mut body = PartsBuf::new();
        let mut start = None;
        for (place, part) in self.parts.iter().enumerate() {
            let id = part.id.clone().unwrap_or_else(|| format!("part-{}", place + 1));
            let bracketed = format!("<{id}>");
            let mut media = ContentTypeBuf::new(&part.media);
            if let Some(charset) = part.charset {
                media = media.charset(charset);
            }
            let name = part.name.as_ref().or(part.location.as_ref());
            if let Some(name) = name {
                media = media.named(name);
            }
            let mut headers = HeadersBuf::new().content_id(&bracketed);
            if let Some(location) = part.location.as_ref().or(part.name.as_ref()) {
                headers = headers.content_location(location);
            }
            body.add(&media.as_content_type(), &headers.as_headers(), &part.data);
            if part.media == SMIL {
                start.get_or_insert(bracketed);
            }
        }
        let content_type = match start {
            Some(start) => {
                ContentTypeBuf::new("application/vnd.wap.multipart.related").start_type(SMIL).start(&start)
            }
            None => ContentTypeBuf::new("application/vnd.wap.multipart.mixed"),
        };
        let mut field = Vec::new();
        Field::ContentType(content_type.as_content_type()).write(&mut field);
        (field, body.finish())
    }

    /// As MIME: the content type and the body. `boundary` must not be in any part.
    #[must_use]
    pub fn to_mime(&self, boundary: &str, transfer: Transfer) -> (String, Vec<u8>) {
        let encoded: Vec<_> = self
            .parts
            .iter()
            .map(|part| match transfer {
                Transfer::Binary => part.data.clone(),
                Transfer::Base64 => in_lines(&base64::encode(&part.data)),
            })
            .collect();
        let entities: Vec<_> = self
            .parts
            .iter()
            .zip(&encoded)
            .enumerate()
            .map(|(place, (part, body))| multipart::Part { headers: part.headers(place, transfer), body })
            .collect();
        let presentation = self.parts.iter().position(|part| part.media == SMIL);
        let kind = match presentation.and_then(|place| Some((place, self.parts.get(place)?))) {
            Some((place, part)) => {
                format!("multipart/related; type=\"{SMIL}\"; start=\"<{}>\"", part.content_id(place))
            }
            None => "multipart/mixed".to_owned(),
        };
        (format!("{kind}; boundary=\"{boundary}\""), multipart::write(boundary, &entities))
    }
}

impl MimePart {
    fn content_id(&self, place: usize) -> String {
        let plain: String = self.id.as_deref().unwrap_or_default().chars().filter(|c| is_plain(*c)).collect();
        if plain.is_empty() { format!("part-{}", place + 1) } else { plain }
    }

    fn headers(&self, place: usize, transfer: Transfer) -> Vec<(String, String)> {
        let mut kind = self.media.clone();
        if let Some(charset) = self.charset.and_then(Charset::name).filter(|name| *name != "*") {
            let _ = write!(kind, "; charset={charset}");
        }
        if let Some(name) = self.name.as_ref().or(self.location.as_ref()) {
            // RFC 2231 section 4 where the name is not plain.
            let _ = match name.chars().all(is_plain) {
                true => write!(kind, "; name=\"{name}\""),
                false => write!(kind, "; name*=utf-8''{}", escaped(name)),
            };
        }
        let mut headers = vec![
            ("Content-Type".to_owned(), kind),
            ("Content-ID".to_owned(), format!("<{}>", self.content_id(place))),
        ];
        if let Some(location) = self.location.as_ref().or(self.name.as_ref()) {
            headers.push(("Content-Location".to_owned(), escaped(location)));
        }
        let encoding = match transfer {
            Transfer::Binary => "binary",
            Transfer::Base64 => "base64",
        };
        headers.push(("Content-Transfer-Encoding".to_owned(), encoding.to_owned()));
        headers
    }
}

/// Characters that need no care in a header.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+' | ' ' | '=' | '$')
}

/// `%HH` for everything that has a meaning in URLs and headers.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        let plain = octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b'@' | b'+');
        let _ = if plain { write!(out, "{}", char::from(octet)) } else { write!(out, "%{octet:02X}") };
    }
    out
}

/// Base64 in lines of 76 characters (RFC 2045 section 6.8).
fn in_lines(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 38);
    for line in text.as_bytes().chunks(76) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn read_entity(
    entity: &multipart::Part<'_>,
    depth: usize,
    parts: &mut Vec<MimePart>,
) -> Result<(), MimeError> {
    // RFC 2045 section 5.2: what says nothing is text.
    let kind = entity.header("Content-Type").unwrap_or("text/plain; charset=us-ascii");
    let media = media_type(kind);
    if media.starts_with("multipart/") {
        let depth = depth.checked_sub(1).ok_or(MimeError::Depth)?;
        let decoded;
        let body = match entity.header("Content-Transfer-Encoding") {
            None => entity.body,
            Some(encoding) => {
                decoded = decode(encoding, entity.body)?;
                &decoded
            }
        };
        for inner in multipart::parse_at_most(kind, body, PARTS)? {
            read_entity(&inner, depth, parts)?;
        }
        return Ok(());
    }
    if parts.len() >= PARTS {
        return Err(MimeError::TooMany);
    }
    let data = match entity.header("Content-Transfer-Encoding") {
        Some(encoding) => decode(encoding, entity.body)?,
        None => entity.body.to_vec(),
    };
    let disposition = entity.header("Content-Disposition").unwrap_or_default();
    let name = named(kind, "name").or_else(|| named(disposition, "filename"));
    let id = entity.header("Content-ID").map(|id| id.trim().trim_start_matches('<').trim_end_matches('>'));
    parts.push(MimePart {
        charset: parameter(kind, "charset").and_then(|name| Charset::from_name(&name)),
        media,
        name: name.and_then(|name| tidy(&name)),
        id: id.and_then(tidy),
        location: entity.header("Content-Location").and_then(tidy),
        data,
    });
    Ok(())
}

/// A name in a parameter: plain, in words of RFC 2047 as many write them, or in the form of RFC 2231 section 4.
fn named(value: &str, name: &str) -> Option<String> {
    if let Some(plain) = parameter(value, name) {
        return Some(strowger_mms::words::decode(plain.as_bytes()).into_owned());
    }
    let extended = parameter(value, &format!("{name}*"))?;
    let mut fields = extended.splitn(3, '\'');
    let (charset, _language, text) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Charset::from_name(charset)?.decode(&unescaped(text)).into_owned())
}

/// The other way round from [`escaped`]; what is no escape stands for itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |octet: &u8| char::from(*octet).to_digit(16);
        let value = match (first, after) {
            (b'%', [high, low, ..]) => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(octet) => {
                out.push(octet);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// The type without its parameters, in small letters; what is none is octets.
#[must_use]
pub fn media_type(kind: &str) -> String {
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '+' | '_');
    let whole = media.split_once('/').is_some_and(|(kind, sub)| !kind.is_empty() && !sub.is_empty());
    match whole && media.len() <= 100 && media.chars().all(token) {
        true => media,
        false => "application/octet-stream".to_owned(),
    }
}

/// A name without what cannot stand in a header; none when nothing is left.
#[must_use]
pub fn tidy(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Octets from their transfer encoding (RFC 2045 section 6).
fn decode(encoding: &str, body: &[u8]) -> Result<Vec<u8>, MimeError> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let text = std::str::from_utf8(body).map_err(|_| MimeError::Encoding)?;
            base64::decode(text.trim()).ok_or(MimeError::Encoding)
        }
        "quoted-printable" => Ok(unquote(body)),
        "binary" | "8bit" | "7bit" | "" => Ok(body.to_vec()),
        _ => Err(MimeError::Encoding),
    }
}

/// Quoted-printable (RFC 2045 section 6.7); what is no escape stands for itself, as the standard wants of robust readers.
fn unquote(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        let escape = match (first, after) {
            (b'=', [b'\r', b'\n', ..]) => Some((None, 2)),
            (b'=', [b'\n', ..]) => Some((None, 1)),
            (b'=', [high, low, ..]) => {
                let digit = |octet: &u8| char::from(*octet).to_digit(16);
                let value = digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low);
                value.map(|value| (u8::try_from(value).ok(), 2))
            }
            _ => None,
        };
        match escape {
            Some((octet, length)) => {
                out.extend(octet);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn media_name(content_type: &ContentType<'_>) -> String {
    media_type(&content_type.media.name().unwrap_or_default())
}

fn of_wsp(part: &strowger_mms::multipart::Part<'_>) -> MimePart {
    let given = part.content_type.name().and_then(|name| tidy(&safe_name(&name.to_str())));
    let id = part.content_id().map(|id| id.to_str().into_owned());
    let id = id.as_deref().map(|id| id.trim_start_matches('<').trim_end_matches('>'));
    MimePart {
        media: match part.content_type.media.is(&MediaType::named(SMIL)) {
            true => SMIL.to_owned(),
            false => media_name(&part.content_type),
        },
        charset: part.content_type.charset(),
        name: given,
        id: id.and_then(tidy),
        location: part.location().and_then(|location| tidy(&location.to_str())),
        data: part.data.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity<'b>(headers: &[(&str, &str)], body: &'b [u8]) -> multipart::Part<'b> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        multipart::Part { headers, body }
    }

    #[test]
    fn parts_are_the_same_after_mime_and_back() {
        let parts = Parts {
            parts: vec![
                MimePart {
                    media: SMIL.to_owned(),
                    charset: Some(Charset::UTF8),
                    name: Some("s.smil".to_owned()),
                    id: Some("smil".to_owned()),
                    location: Some("s.smil".to_owned()),
                    data: b"<smil/>".to_vec(),
                },
                MimePart {
                    media: "image/png".to_owned(),
                    name: Some("a.png".to_owned()),
                    id: Some("a".to_owned()),
                    location: Some("a.png".to_owned()),
                    data: (0..=255).collect(),
                    ..MimePart::default()
                },
            ],
        };
        for transfer in [Transfer::Binary, Transfer::Base64] {
            let (kind, body) = parts.to_mime("b-1", transfer);
            assert_eq!(Parts::of_entity(&entity(&[("Content-Type", &kind)], &body)), Ok(parts.clone()));
        }
    }

    #[test]
    fn a_name_is_read_in_each_form_that_mail_has() {
        let name = |kind: &str, disposition: &str| {
            let headers = [("Content-Type", kind), ("Content-Disposition", disposition)];
            Parts::of_entity(&entity(&headers, b"x")).unwrap().parts.remove(0).name
        };
        let umlaut = Some("t\u{e4}st.png".to_owned());
        assert_eq!(name("image/png; name=\"a b.png\"", "attachment"), Some("a b.png".to_owned()));
        assert_eq!(name("image/png", "attachment; filename*=utf-8''t%C3%A4st.png"), umlaut);
        assert_eq!(name("image/png; name*=iso-8859-1'de't%E4st.png", "attachment"), umlaut);
        assert_eq!(name("image/png; name=\"=?utf-8?B?dMOkc3QucG5n?=\"", "attachment"), umlaut);
        assert_eq!(name("image/png; name*=utf-8''100%", "attachment"), Some("100%".to_owned()));
        for none in ["image/png; name*=utf-8", "image/png; name*=nothing''x", "image/png"] {
            assert_eq!(name(none, "attachment"), None, "{none}");
        }
        // And ours come back.
        let part = MimePart { media: "image/png".to_owned(), name: umlaut.clone(), ..MimePart::default() };
        let (kind, body) = Parts { parts: vec![part] }.to_mime("b", Transfer::Base64);
        let read = Parts::of_entity(&entity(&[("Content-Type", &kind)], &body)).unwrap();
        assert_eq!(read.parts[0].name, umlaut);
    }

    #[test]
    fn a_name_of_a_stranger_writes_no_header() {
        let part = MimePart {
            media: "image/png".to_owned(),
            name: Some("a\"\r\nX-Evil: 1\u{fc}".to_owned()),
            id: Some("x>\r\nX-Evil: 2".to_owned()),
            location: Some("l\r\nX-Evil: 3".to_owned()),
            ..MimePart::default()
        };
        let (_, body) = Parts { parts: vec![part] }.to_mime("b", Transfer::Binary);
        let text = String::from_utf8(body).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("X-Evil")), "{text}");
    }

    #[test]
    fn nested_parts_are_flattened_and_too_deep_ones_refused() {
        let inner = b"--i\r\nContent-Type: text/plain\r\n\r\nhi\r\n--i--\r\n";
        let mut body = inner.to_vec();
        let mut boundary = "i".to_owned();
        for level in 0..4 {
            let kind = format!("multipart/mixed; boundary={boundary}");
            let found = Parts::of_entity(&entity(&[("Content-Type", &kind)], &body));
            assert_eq!(found.is_ok(), level < 3, "{level}: {found:?}");
            let outer = format!("o{level}");
            body = [
                format!("--{outer}\r\nContent-Type: {kind}\r\n\r\n").as_bytes(),
                &body,
                format!("\r\n--{outer}--\r\n").as_bytes(),
            ]
            .concat();
            boundary = outer;
        }
    }

    #[test]
    fn encodings_are_undone_or_refused() {
        let part = |encoding: &str, body: &[u8]| {
            let headers = [("Content-Type", "text/plain"), ("Content-Transfer-Encoding", encoding)];
            Parts::of_entity(&entity(&headers, body)).map(|mut parts| parts.parts.remove(0).data)
        };
        assert_eq!(part("BASE64", b"aGVs\r\nbG8="), Ok(b"hello".to_vec()));
        assert_eq!(part("quoted-printable", b"a=3D=\r\nb=zz="), Ok(b"a=b=zz=".to_vec()));
        assert_eq!(part("base64", b"a*"), Err(MimeError::Encoding));
        assert_eq!(part("x-uuencode", b"a"), Err(MimeError::Encoding));
    }
}
