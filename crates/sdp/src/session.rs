//! The views over a decoded description: the session's part and its streams (RFC 8866 section 5).

use crate::departure::{self, Departure};
use crate::edit::Edit;
use crate::field::{Attribute, Bandwidth, Connection, MediaLine, Origin, Timing};
use crate::limits::Limits;
use crate::line::{Line, Lines};

/// A session description: the octets as they came, found to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionDescription<'a> {
    bytes: &'a [u8],
    media_offset: usize,
    media: usize,
    attributes: usize,
}

impl<'a> SessionDescription<'a> {
    pub(crate) fn new(bytes: &'a [u8], media_offset: usize, media: usize, attributes: usize) -> Self {
        Self { bytes, media_offset, media, attributes }
    }

    /// The octets, every one as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is the version alone: how MGCP says that a connection has no such description (RFC 3435 section 3.3.7).
    #[must_use]
    pub fn is_version_only(&self) -> bool {
        self.lines().nth(1).is_none()
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.bytes, 0)
    }

    /// The lines before the first stream.
    #[must_use]
    pub fn session_lines(&self) -> Lines<'a> {
        Lines::new(self.bytes.get(..self.media_offset).unwrap_or_default(), 0)
    }

    fn session_line(&self, letter: u8) -> Option<Line<'a>> {
        self.session_lines().find(|line| line.letter == letter)
    }

    /// The `o=` line.
    #[must_use]
    pub fn origin(&self) -> Option<Origin<'a>> {
        self.session_line(b'o').and_then(|line| Origin::parse(line.value))
    }

    /// The `s=` line.
    #[must_use]
    pub fn session_name(&self) -> Option<&'a [u8]> {
        self.session_line(b's').map(|line| line.value)
    }

    /// The `i=` line of the session.
    #[must_use]
    pub fn information(&self) -> Option<&'a [u8]> {
        self.session_line(b'i').map(|line| line.value)
    }

    /// The `c=` line of the session, which is that of each stream that has none of its own.
    #[must_use]
    pub fn connection(&self) -> Option<Connection<'a>> {
        self.session_line(b'c').and_then(|line| Connection::parse(line.value))
    }

    /// The `t=` lines.
    pub fn timings(&self) -> impl Iterator<Item = Timing> + use<'a> {
        self.session_lines().filter(|line| line.letter == b't').filter_map(|line| Timing::parse(line.value))
    }

    /// The `b=` lines of the session.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        bandwidths(self.session_lines())
    }

    /// The `a=` lines of the session.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.session_lines())
    }

    /// The first attribute of the session with this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// The connection that MGCP's attribute `MGCPlocalcx` names (RFC 3435 section 3.4.2); its name has no case.
    #[must_use]
    pub fn local_connection_id(&self) -> Option<&'a [u8]> {
        self.attributes().find(|attribute| attribute.name.eq_ignore_ascii_case("MGCPlocalcx"))?.value
    }

    /// The streams, in order.
    #[must_use]
    pub fn media(&self) -> Media<'a> {
        Media { session: *self, offset: self.media_offset }
    }

    /// How many streams there are.
    #[must_use]
    pub fn media_count(&self) -> usize {
        self.media
    }

    /// How many attributes there are, at both levels together.
    #[must_use]
    pub fn attribute_count(&self) -> usize {
        self.attributes
    }

    /// A copy to change fields in. Descriptions made this way stay within `limits`.
    #[must_use]
    pub fn edit(&self, limits: &Limits) -> Edit {
        Edit::new(self, limits)
    }

    /// What was accepted although RFC 8866 says otherwise, in the order of the text.
    #[must_use]
    pub fn departures(&self) -> Vec<Departure> {
        departure::find(self)
    }
}

fn bandwidths(lines: Lines<'_>) -> impl Iterator<Item = Bandwidth<'_>> {
    lines.filter(|line| line.letter == b'b').filter_map(|line| Bandwidth::parse(line.value))
}

fn attributes(lines: Lines<'_>) -> impl Iterator<Item = Attribute<'_>> {
    lines.filter(|line| line.letter == b'a').filter_map(|line| Attribute::parse(line.value, line.offset))
}

/// The streams of a description.
#[derive(Clone, Debug)]
pub struct Media<'a> {
    session: SessionDescription<'a>,
    offset: usize,
}

impl<'a> Iterator for Media<'a> {
    type Item = MediaDescription<'a>;

    fn next(&mut self) -> Option<MediaDescription<'a>> {
        let bytes = self.session.bytes;
        let offset = self.offset;
        let mut lines = Lines::new(bytes.get(offset..)?, offset);
        let line = MediaLine::parse(lines.next()?.value)?;
        let end = lines.find(|line| line.letter == b'm').map_or(bytes.len(), |line| line.offset);
        self.offset = end;
        Some(MediaDescription { session: self.session, part: bytes.get(offset..end)?, offset, line })
    }
}

/// One stream: an `m=` line and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaDescription<'a> {
    session: SessionDescription<'a>,
    part: &'a [u8],
    offset: usize,
    line: MediaLine<'a>,
}

impl<'a> MediaDescription<'a> {
    /// The description that it is a part of.
    #[must_use]
    pub fn session(&self) -> SessionDescription<'a> {
        self.session
    }

    /// Offset of its `m=` line in the description.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Its `m=` line.
    #[must_use]
    pub fn line(&self) -> MediaLine<'a> {
        self.line
    }

    /// Its lines, the `m=` line first.
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.part, self.offset)
    }

    /// Its title, the `i=` line.
    #[must_use]
    pub fn title(&self) -> Option<&'a [u8]> {
        self.lines().find(|line| line.letter == b'i').map(|line| line.value)
    }

    /// Its first `c=` line, or the session's.
    #[must_use]
    pub fn connection(&self) -> Option<Connection<'a>> {
        self.connections().next().or_else(|| self.session.connection())
    }

    /// Its own `c=` lines.
    pub fn connections(&self) -> impl Iterator<Item = Connection<'a>> + use<'a> {
        self.lines().filter(|line| line.letter == b'c').filter_map(|line| Connection::parse(line.value))
    }

    /// Its `b=` lines.
    pub fn bandwidths(&self) -> impl Iterator<Item = Bandwidth<'a>> + use<'a> {
        bandwidths(self.lines())
    }

    /// Its `a=` lines.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.lines())
    }

    /// Its first attribute with this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Host, Wild};
    use crate::{DepartureKind, decode};

    fn session(text: &str) -> SessionDescription<'_> {
        decode(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn the_version_alone_is_a_description() {
        for text in ["v=0\r\n", "v=0\n", "v=0", "v=0\r\n\r\n"] {
            let session = session(text);
            assert!(session.is_version_only());
            assert_eq!((session.origin(), session.connection(), session.media().count()), (None, None, 0));
        }
        assert!(!session("v=0\r\ns=-\r\n").is_version_only());
    }

    #[test]
    fn a_local_connection_of_mgcp_is_read() {
        let text = "v=0\r\nc=LOCAL EPN X35V3+A4/13\r\na=mgcpLOCALcx:FDE234C8\r\nm=audio 0 LOCAL 0\r\n";
        let session = session(text);
        assert_eq!(session.connection().unwrap().host, Wild::Value(Host::Other(b"X35V3+A4/13")));
        assert_eq!(session.local_connection_id(), Some(&b"FDE234C8"[..]));
        let line = session.media().next().unwrap().line();
        assert_eq!((line.port, line.transport), (Wild::Value(0), "LOCAL"));
    }

    #[test]
    fn wildcards_of_megaco_are_kept_apart_from_values() {
        let session = session("v=0\nc=IN IP4 $\nb=AS:$\nt=$ *\nm=audio $ RTP/AVP *\nc=$ $ *\n");
        let media = session.media().next().unwrap();
        assert_eq!(session.connection().unwrap().host, Wild::Choose);
        assert_eq!(session.bandwidths().next().unwrap().value, Wild::Choose);
        let timing = session.timings().next().unwrap();
        assert_eq!((timing.start, timing.stop), (Wild::Choose, Wild::All));
        assert_eq!(media.line().port, Wild::Choose);
        assert_eq!(media.line().formats().collect::<Vec<_>>(), ["*"]);
        assert_eq!(media.connection().unwrap().host, Wild::All);
    }

    #[test]
    fn a_stream_has_its_own_lines_and_falls_back_to_the_sessions_connection() {
        let session = session(
            "v=0\nc=IN IP4 233.252.0.1/127/3\nm=audio 1 RTP/AVP 0\ni=one\na=x\nm=video 2 RTP/AVP 31\nc=IN IP6 ff00::1/2\nb=AS:9\n",
        );
        let media: Vec<_> = session.media().collect();
        let group = Host::Ip { ip: "233.252.0.1".parse().unwrap(), ttl: Some(127), count: Some(3) };
        assert_eq!(media[0].connection().unwrap().host, Wild::Value(group));
        assert_eq!(media[0].title(), Some(&b"one"[..]));
        assert_eq!(media[0].attribute("x").unwrap().value, None);
        assert_eq!(media[1].attribute("x"), None);
        let group = Host::Ip { ip: "ff00::1".parse().unwrap(), ttl: None, count: Some(2) };
        assert_eq!(media[1].connection().unwrap().host, Wild::Value(group));
        assert_eq!(media[1].bandwidths().count(), 1);
    }

    #[test]
    fn what_departs_from_the_standard_is_listed_in_order() {
        let kinds: Vec<_> =
            session("v=0\ns=\nm=audio 1 RTP/AVP 0 \n").departures().iter().map(|d| d.kind).collect();
        use DepartureKind as K;
        assert_eq!(
            kinds,
            [
                K::LineFeed,
                K::EmptyName,
                K::NoOrigin,
                K::NoTiming,
                K::LineFeed,
                K::NoConnection,
                K::Spacing,
                K::LineFeed
            ]
        );
    }
}
