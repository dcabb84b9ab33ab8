//! Multipart bodies of WSP (8.5): a count, then parts of a header length, a data length, a content type, headers and data. The
//! count is not trusted, the lengths are checked, and the data are borrowed.

use std::borrow::Cow;

use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::octets::{Reader, put_size};
use crate::text::Text;
use crate::wsp::content_type::{ContentType, MediaType};
use crate::wsp::header::{HeaderName, Headers, Value};

/// The parts of a body, checked and as they are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    bytes: &'a [u8],
    /// Where the first part begins.
    first: usize,
    count: usize,
}

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What the data are.
    pub content_type: ContentType<'a>,
    /// The headers.
    pub headers: Headers<'a>,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset from the start of the body, an excerpt and the rule broken.
    pub fn decode(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::read(bytes, limits).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes).limited(limits.text);
        let announced = reader.length()?;
        if announced > limits.parts {
            return Err(Fault::over(0, reader.offset(), Rule::PartCount));
        }
        let first = reader.offset();
        let mut count = 0;
        while count < announced {
            if reader.is_empty() {
                return Err(Fault::over(0, first, Rule::PartsMissing));
            }
            Part::read(&mut reader, limits.headers)?;
            count += 1;
        }
        reader.finish(Rule::PartsTrailing)?;
        Ok(Self { bytes, first, count })
    }

    /// The parts, in order.
    pub fn iter(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        self.iter_at().map(|(_, part)| part)
    }

    /// The same with the range of octets that each has in the body.
    pub fn iter_at(&self) -> impl Iterator<Item = (std::ops::Range<usize>, Part<'a>)> + use<'a> {
        let mut reader = Reader::at(self.bytes.get(self.first..).unwrap_or_default(), self.first);
        std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            let start = reader.offset();
            let part = Part::read(&mut reader, usize::MAX).ok()?;
            Some((start..reader.offset(), part))
        })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The part with this Content-ID, with or without angle brackets, or this location: what `cid:` and `src` of a
    /// presentation refer to.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<Part<'a>> {
        let reference = reference.strip_prefix("cid:").unwrap_or(reference);
        let wanted = bare(reference);
        self.iter().find(|part| {
            part.content_id().is_some_and(|id| bare(&id.to_str()) == wanted)
                || part.location().is_some_and(|location| location.to_str() == reference)
                || part.content_type.name().is_some_and(|name| name.to_str() == reference)
        })
    }

    /// The part to begin with: the one that `start` names, else the presentation, else the first.
    #[must_use]
    pub fn start(&self, content_type: &ContentType<'_>) -> Option<Part<'a>> {
        let named = content_type.start().and_then(|start| self.find(&start.to_str()));
        named.or_else(|| self.iter().find(Part::is_smil)).or_else(|| self.iter().next())
    }
}

/// A Content-ID without its angle brackets.
fn bare(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

impl<'a> Part<'a> {
    fn read(reader: &mut Reader<'a>, most_headers: usize) -> Result<Self, Fault> {
        let headers_length = reader.length()?;
        let at = reader.offset();
        let data_length = reader.length()?;
        let size = reader.offset() - at;
        let mut block = reader.sub(headers_length, Rule::LengthPastEnd)?;
        if block.is_empty() {
            return Err(Fault::over(at, size, Rule::HeadersLength));
        }
        let content_type = ContentType::read(&mut block)?;
        let headers = Headers::read(block, most_headers)?;
        if data_length > reader.rest().len() {
            return Err(Fault::over(at, size, Rule::LengthPastEnd));
        }
        let data = reader.take(data_length, Rule::LengthPastEnd)?;
        Ok(Self { content_type, headers, data })
    }

    /// The Content-ID, as it came: with or without angle brackets.
    #[must_use]
    pub fn content_id(&self) -> Option<Text<'a>> {
        self.text("Content-ID")
    }

    /// The Content-Location.
    #[must_use]
    pub fn location(&self) -> Option<Text<'a>> {
        self.text("Content-Location")
    }

    /// The Content-Transfer-Encoding. Its code is that of X-Wap-Loc-Invocation in a push: deployed handsets read code C8 so within
    /// a part. The data are binary whatever it says; what says otherwise was carried over from mail.
    #[must_use]
    pub fn transfer_encoding(&self) -> Option<Text<'a>> {
        let is_it =
            |name: HeaderName<'_>| name == HeaderName::Code(0xc8) || name.is("Content-Transfer-Encoding");
        let found = self.headers.iter().find(|header| is_it(header.name))?;
        match found.value {
            Value::Text(text) => Some(text.unquoted()),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<Text<'a>> {
        match self.headers.find(name)?.value {
            Value::Text(text) => Some(text.unquoted()),
            _ => None,
        }
    }

    /// Whether it is a presentation.
    #[must_use]
    pub fn is_smil(&self) -> bool {
        self.content_type.media.is(&MediaType::named("application/smil"))
    }

    /// The text of a part that is text, from its character set.
    #[must_use]
    pub fn to_str(&self) -> Option<Cow<'a, str>> {
        let name = self.content_type.media.name()?;
        name.trim()
            .to_ascii_lowercase()
            .starts_with("text/")
            .then(|| self.content_type.charset().unwrap_or(crate::charset::Charset::ANY).decode(self.data))
    }

    /// The name that the sender gave the part, as it came: of the content type, of the disposition, the location or the
    /// Content-ID.
    #[must_use]
    pub fn given_name(&self) -> Option<Text<'a>> {
        let disposition = || match self.headers.find("Content-Disposition")?.value {
            Value::Disposition(disposition) => disposition.parameters.text("filename"),
            _ => None,
        };
        self.content_type
            .name()
            .or_else(disposition)
            .or_else(|| self.location())
            .or_else(|| self.content_id())
    }

    /// A name for a file: the name that the sender gave without anything that could leave a folder or mean something to a
    /// system, or one made of the part's `place` and type.
    #[must_use]
    pub fn file_name(&self, place: usize) -> String {
        let given = self.given_name().map(|name| safe_name(bare(&name.to_str())));
        match given {
            Some(name) if !name.is_empty() => name,
            _ => format!("part-{}.{}", place + 1, self.extension()),
        }
    }

    /// The usual ending of a file of this type.
    fn extension(&self) -> &'static str {
        let name = self.content_type.media.name().unwrap_or_default();
        match name.trim() {
            "text/plain" => "txt",
            "text/html" => "html",
            "application/smil" => "smil",
            "image/jpeg" | "image/jpg" => "jpg",
            "image/gif" => "gif",
            "image/png" => "png",
            "image/vnd.wap.wbmp" => "wbmp",
            "audio/amr" => "amr",
            "audio/mp4" | "audio/mpeg" => "mp3",
            "video/mp4" => "mp4",
            "video/3gpp" => "3gp",
            "text/x-vCard" => "vcf",
            "text/x-vCalendar" => "vcs",
            _ => "bin",
        }
    }
}

/// A file name of letters, digits and `. - _ + @`, which neither begins with a point nor is longer than 64 characters. Whatever
/// precedes the last separator is dropped: a name cannot climb out of its folder.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\', ':']).next().unwrap_or_default();
    let allowed = |character: char| {
        if character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | '+' | '@') {
            character
        } else {
            '_'
        }
    };
    let name: String = last.trim().trim_start_matches('.').chars().map(allowed).take(64).collect();
    // A name of nothing but marks says nothing.
    if name.chars().any(char::is_alphanumeric) { name } else { String::new() }
}

/// Puts a multipart body together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsBuf {
    count: usize,
    parts: Vec<u8>,
}

impl PartsBuf {
    /// A body without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a part more.
    #[must_use]
    pub fn with(mut self, content_type: &ContentType<'_>, headers: &Headers<'_>, data: &[u8]) -> Self {
        self.add(content_type, headers, data);
        self
    }

    /// Adds a part.
    pub fn add(&mut self, content_type: &ContentType<'_>, headers: &Headers<'_>, data: &[u8]) {
        let mut block = Vec::new();
        content_type.write(&mut block);
        block.extend_from_slice(headers.as_bytes());
        put_size(block.len(), &mut self.parts);
        put_size(data.len(), &mut self.parts);
        self.parts.extend_from_slice(&block);
        self.parts.extend_from_slice(data);
        self.count += 1;
    }

    /// The body.
    #[must_use]
    pub fn finish(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.parts.len() + 2);
        put_size(self.count, &mut out);
        out.extend_from_slice(&self.parts);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_climb_out_of_its_folder() {
        for (given, safe) in [
            ("picture.jpg", "picture.jpg"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\a.txt", "a.txt"),
            ("/", ""),
            ("..", ""),
            (".profile", "profile"),
            ("a\0b\nc.txt", "a_b_c.txt"),
            ("gr\u{fc}\u{df}e.txt", "gr\u{fc}\u{df}e.txt"),
            ("a\u{202e}gpj.exe", "a_gpj.exe"),
            ("...", ""),
            ("~", ""),
        ] {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
        assert_eq!(safe_name(&"x".repeat(500)).len(), 64);
    }
}
