//! Local and remote descriptors: SDP as text, groups of tagged properties in the binary form (RFC 3525 sections 7.1.8,
//! Annex C.11).

use std::borrow::Cow;

use super::value::Setting;

/// A session description in one of its two forms. Two are equal when their lines are.
#[derive(Clone, Debug)]
pub struct Description<'a>(Form<'a>);

#[derive(Clone, Debug)]
enum Form<'a> {
    Text(Cow<'a, [u8]>),
    Lines(Vec<Line<'a>>),
}

/// A line of SDP, or another property of Annex C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Whether it begins a group. Groups are alternatives, the preferred one first.
    pub is_first: bool,
    /// What it is.
    pub tag: Tag,
    /// Its value. For SDP what stands behind `x=`.
    pub value: LineValue<'a>,
}

/// The value of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineValue<'a> {
    /// Of a line of SDP.
    Text(Cow<'a, [u8]>),
    /// Of another property.
    Setting(Setting<'a>),
}

/// An item of Annex C: `0xB001` and following are lines of SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u16);

impl Tag {
    /// The letters of SDP in the order of their tags, from `0xB001` on (RFC 3525 Annex C.11).
    const LETTERS: &'static [u8; 15] = b"vosiuepcbzkatrm";

    /// The tag of a line of SDP.
    #[must_use]
    pub fn from_letter(letter: u8) -> Option<Self> {
        let place = Self::LETTERS.iter().position(|known| *known == letter)?;
        u16::try_from(place).ok().map(|place| Self(0xb001 + place))
    }

    /// The letter of a line of SDP.
    #[must_use]
    pub fn letter(self) -> Option<u8> {
        let place = self.0.checked_sub(0xb001)?;
        Self::LETTERS.get(usize::from(place)).copied()
    }
}

impl<'a> Description<'a> {
    /// A description that is SDP, without the escapes of the text form.
    #[must_use]
    pub const fn from_sdp(text: Cow<'a, [u8]>) -> Self {
        Self(Form::Text(text))
    }

    /// A description from lines.
    #[must_use]
    pub const fn from_lines(lines: Vec<Line<'a>>) -> Self {
        Self(Form::Lines(lines))
    }

    /// Whether there is nothing in it, which releases the direction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Text(text) => text.iter().all(u8::is_ascii_whitespace),
            Form::Lines(lines) => lines.is_empty(),
        }
    }

    /// The text, when that is the form it came in.
    #[must_use]
    pub fn as_text(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Text(text) => Some(text),
            Form::Lines(_) => None,
        }
    }

    /// The description as SDP with CR LF; nothing when it has properties that SDP has not.
    #[must_use]
    pub fn to_sdp(&self) -> Option<Cow<'_, [u8]>> {
        let lines = match &self.0 {
            Form::Text(text) => return Some(Cow::Borrowed(text)),
            Form::Lines(lines) => lines,
        };
        let mut text = Vec::new();
        for line in lines {
            let (Some(letter), LineValue::Text(value)) = (line.tag.letter(), &line.value) else {
                return None;
            };
            text.extend_from_slice(&[letter, b'=']);
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        Some(Cow::Owned(text))
    }

    /// The first description as RFC 4566 wants it, with the lines `v=`, `o=`, `s=` and `t=` that may be absent here (RFC 3525 section 7.1.8);
    /// nothing when there is none, or when it has properties that SDP has not.
    #[must_use]
    pub fn to_whole_sdp(&self) -> Option<Vec<u8>> {
        let text = self.to_sdp()?;
        (!text.trim_ascii().is_empty()).then(|| complete(&text))
    }

    /// The lines. A line of text that is not of SDP's form is given as `Err`.
    pub fn lines(&self) -> impl Iterator<Item = Result<LineRef<'_, 'a>, &[u8]>> {
        let (text, lines): (&[u8], &[Line<'a>]) = match &self.0 {
            Form::Text(text) => (text, &[]),
            Form::Lines(lines) => (&[], lines),
        };
        TextLines { rest: text, is_first: true }.chain(lines.iter().map(|line| Ok(LineRef::from(line))))
    }
}

/// A line that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRef<'b, 'a> {
    /// Whether it begins a group.
    pub is_first: bool,
    /// What it is.
    pub tag: Tag,
    /// Its value.
    pub value: LineValueRef<'b, 'a>,
}

/// The value of a line that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineValueRef<'b, 'a> {
    /// Of a line of SDP.
    Text(&'b [u8]),
    /// Of another property.
    Setting(&'b Setting<'a>),
}

impl<'b, 'a> From<&'b Line<'a>> for LineRef<'b, 'a> {
    fn from(line: &'b Line<'a>) -> Self {
        let value = match &line.value {
            LineValue::Text(text) => LineValueRef::Text(text),
            LineValue::Setting(setting) => LineValueRef::Setting(setting),
        };
        Self { is_first: line.is_first, tag: line.tag, value }
    }
}

struct TextLines<'b> {
    rest: &'b [u8],
    is_first: bool,
}

impl<'b> TextLines<'b> {
    fn chain<'a: 'b>(
        self,
        lines: impl Iterator<Item = Result<LineRef<'b, 'a>, &'b [u8]>>,
    ) -> impl Iterator<Item = Result<LineRef<'b, 'a>, &'b [u8]>> {
        let text = self.map(|line| {
            line.map(|(is_first, tag, value)| LineRef { is_first, tag, value: LineValueRef::Text(value) })
        });
        text.chain(lines)
    }
}

impl<'b> Iterator for TextLines<'b> {
    type Item = Result<(bool, Tag, &'b [u8]), &'b [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = memchr::memchr2(b'\r', b'\n', self.rest).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest.get(1..).unwrap_or_default();
            // Space before the first line is no part of it (Annex B.2); lines of nothing else are none.
            let line = if self.is_first { line.trim_ascii_start() } else { line };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let [letter, b'=', value @ ..] = line else { return Some(Err(line)) };
            let Some(tag) = Tag::from_letter(*letter) else { return Some(Err(line)) };
            let is_first = self.is_first || *letter == b'v';
            self.is_first = false;
            return Some(Ok((is_first, tag, value)));
        }
    }
}

impl PartialEq for Description<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.lines().eq(other.lines())
    }
}

impl Eq for Description<'_> {}

/// The first of several descriptions with the lines that RFC 4566 wants of it, in its order.
fn complete(text: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> =
        text.split(|byte| matches!(byte, b'\r' | b'\n')).map(<[u8]>::trim_ascii).collect();
    // Further descriptions are alternatives of less preference (RFC 3525 section 7.1.8).
    let mut begun = 0;
    let lines = lines.into_iter().filter(|line| !line.is_empty()).take_while(|line| {
        begun += usize::from(line.starts_with(b"v="));
        begun < 2
    });
    let (session, media): (Vec<_>, Vec<_>) = {
        let mut in_media = false;
        lines.partition(|line| {
            in_media |= line.starts_with(b"m=");
            !in_media
        })
    };
    let has = |kind: &[u8]| session.iter().any(|line| line.starts_with(kind));
    let of = |kind: &'static [u8]| session.iter().copied().filter(move |line| line.starts_with(kind));
    let others = session.iter().copied();
    let order: [&[u8]; 4] = [b"v=", b"o=", b"s=", b"t="];
    let others = others.filter(|line| !order.iter().any(|kind| line.starts_with(kind)));
    let (before, after): (Vec<&[u8]>, Vec<&[u8]>) = others.partition(|line| {
        [b"i=", b"u=", b"e=", b"p=", b"c=", b"b="].iter().any(|kind| line.starts_with(*kind))
    });
    let mut out = Vec::new();
    let mut put = |line: &[u8]| {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    };
    let either = |kind: &'static [u8], otherwise: &'static [u8]| -> Vec<&[u8]> {
        if has(kind) { of(kind).collect() } else { vec![otherwise] }
    };
    let parts = [
        either(b"v=", b"v=0"),
        either(b"o=", b"o=- 0 0 IN IP4 0.0.0.0"),
        either(b"s=", b"s=-"),
        before,
        either(b"t=", b"t=0 0"),
        after,
        media,
    ];
    parts.concat().into_iter().for_each(&mut put);
    out
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn a_description_is_completed_for_who_wants_all_of_it() {
        let short = b"v=0\nc=IN IP4 127.0.0.9\nm=audio 4000 RTP/AVP 0\na=ptime:20\n";
        let whole = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n\
             a=ptime:20\r\n";
        assert_eq!(String::from_utf8(complete(short)).unwrap(), whole);
        assert_eq!(complete(whole.as_bytes()), whole.as_bytes());
        let alternatives = [whole.as_bytes(), b"v=0\r\nm=audio 4002 RTP/AVP 8\r\n"].concat();
        assert_eq!(complete(&alternatives), whole.as_bytes());
    }
}
