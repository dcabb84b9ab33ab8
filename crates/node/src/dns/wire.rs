//! Questions to a name server and its answers, as octets (RFC 1035 section 4, RFC 2782, RFC 3403, RFC 3596).
//!
//! Four types of records are read, and the names that stand for others. What else an answer holds is passed over; one that breaks its
//! bounds is none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use strowger_sip::locate::{Naptr, Srv};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An IPv4 address.
    A = 1,
    /// An IPv6 address.
    Aaaa = 28,
    /// A host and port of a service.
    Srv = 33,
    /// A service of a domain.
    Naptr = 35,
}

/// A name that stands for another.
const CNAME: u16 = 5;
/// The class of the Internet.
const INTERNET: u16 = 1;
/// A name has at most 255 octets, so that it leads to no more places than this.
const JUMPS: usize = 128;
/// How many names stand for each other.
const ALIASES: usize = 8;
/// Records that are read of one answer.
const RECORDS: usize = 256;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// An address.
    Address(IpAddr),
    /// A host and port.
    Srv(Srv),
    /// A service.
    Naptr(Naptr),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// The response code: 0 for success, 3 for a name that does not exist.
    pub(crate) code: u8,
    /// It did not fit, and is to be asked for over TCP.
    pub(crate) is_truncated: bool,
    /// What was asked for.
    pub(crate) records: Vec<Data>,
    /// How long, in seconds, all of it may be remembered.
    pub(crate) ttl: Option<u32>,
}

/// The octets of a question; none for what is no name.
pub(crate) fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(name.len() + 18);
    out.extend(id.to_be_bytes());
    // Recursion is desired; one question.
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        out.push(length);
        out.extend(label.as_bytes());
    }
    out.push(0);
    if out.len() > 12 + 255 {
        return None;
    }
    out.extend((kind as u16).to_be_bytes());
    out.extend(INTERNET.to_be_bytes());
    Some(out)
}

/// Reads the answer to a question; none when it is none, or broken.
pub(crate) fn answer(bytes: &[u8], id: u16, name: &str, kind: Kind) -> Option<Response> {
    let mut reader = Reader { bytes, at: 0 };
    let (own, flags) = (reader.u16()?, reader.u16()?);
    let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
    if own != id || flags & 0x8000 == 0 || counts[0] != 1 {
        return None;
    }
    let asked = reader.name()?;
    if !asked.eq_ignore_ascii_case(name.trim_end_matches('.'))
        || (reader.u16()?, reader.u16()?) != (kind as u16, INTERNET)
    {
        return None;
    }
    let code = flags.to_be_bytes()[1] & 0x0f;
    let is_truncated = flags & 0x0200 != 0;
    let mut response = Response { code, is_truncated, records: Vec::new(), ttl: None };
    if is_truncated {
        return Some(response);
    }
    let (mut found, mut aliases) = (Vec::new(), Vec::new());
    for _ in 0..usize::from(counts[1]).min(RECORDS) {
        let (owner, its, class, ttl) = (reader.name()?, reader.u16()?, reader.u16()?, reader.u32()?);
        let length = usize::from(reader.u16()?);
        let end = reader.at.checked_add(length).filter(|end| *end <= bytes.len())?;
        if class == INTERNET && its == CNAME {
            aliases.push((owner, reader.name()?, ttl));
        } else if class == INTERNET && its == kind as u16 {
            found.push((owner, reader.data(kind, end)?, ttl));
        }
        reader.at = end;
    }
    let mut owner = asked;
    let mut shortest = u32::MAX;
    for _ in 0..ALIASES {
        let Some((_, to, ttl)) = aliases.iter().find(|(from, ..)| from.eq_ignore_ascii_case(&owner)) else {
            break;
        };
        shortest = shortest.min(*ttl);
        owner.clone_from(to);
    }
    for (_, data, ttl) in found.into_iter().filter(|(from, ..)| from.eq_ignore_ascii_case(&owner)) {
        shortest = shortest.min(ttl);
        response.records.push(data);
    }
    response.ttl = (!response.records.is_empty()).then_some(shortest);
    Some(response)
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A name without the dot at its end. A pointer leads back alone, so that every name has an end.
    fn name(&mut self) -> Option<String> {
        let (mut at, mut behind, mut name) = (self.at, None, String::new());
        for _ in 0..JUMPS {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    self.at = behind.unwrap_or(at + 1);
                    return Some(name);
                }
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length))?;
                    let legal = label.iter().all(|octet| octet.is_ascii_graphic() && *octet != b'.');
                    if !legal || name.len() + label.len() > 255 {
                        return None;
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(std::str::from_utf8(label).ok()?);
                    at += 1 + usize::from(length);
                }
                192.. => {
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, *self.bytes.get(at + 1)?]));
                    behind.get_or_insert(at + 2);
                    if to >= at {
                        return None;
                    }
                    at = to;
                }
                64..=191 => return None,
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        self.take(length).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    fn data(&mut self, kind: Kind, end: usize) -> Option<Data> {
        let data = match kind {
            Kind::A => Data::Address(Ipv4Addr::from(<[u8; 4]>::try_from(self.take(4)?).ok()?).into()),
            Kind::Aaaa => Data::Address(Ipv6Addr::from(<[u8; 16]>::try_from(self.take(16)?).ok()?).into()),
            Kind::Srv => Data::Srv(Srv {
                priority: self.u16()?,
                weight: self.u16()?,
                port: self.u16()?,
                target: self.name()?,
            }),
            Kind::Naptr => {
                let (order, preference) = (self.u16()?, self.u16()?);
                let (flags, service, expression) = (self.text()?, self.text()?, self.text()?);
                let replacement = Some(self.name()?).filter(|_| expression.is_empty());
                Data::Naptr(Naptr { order, preference, flags, service, replacement })
            }
        };
        (self.at == end).then_some(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id: u16, flags: u16, answers: u16) -> Vec<u8> {
        [id, flags, 1, answers, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect()
    }

    fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
        let mut record = owner.to_vec();
        record.extend(kind.to_be_bytes());
        record.extend([0, 1]);
        record.extend(ttl.to_be_bytes());
        record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        record.extend(data);
        record
    }

    fn reply(kind: Kind, records: &[Vec<u8>]) -> Vec<u8> {
        let asked = question(7, "example.com", kind).unwrap();
        let mut reply = header(7, 0x8180, u16::try_from(records.len()).unwrap());
        reply.extend(&asked[12..]);
        reply.extend(records.concat());
        reply
    }

    /// The name of the question.
    const ASKED: &[u8] = &[0xc0, 12];

    #[test]
    fn a_question_is_as_rfc_1035_wants_it() {
        let octets = question(0x1234, "_sip._udp.example.com.", Kind::Srv).unwrap();
        assert_eq!(octets[..12], [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&octets[12..], b"\x04_sip\x04_udp\x07example\x03com\x00\x00\x21\x00\x01");
        assert!(question(1, "a..b", Kind::A).is_none() && question(1, &"a".repeat(64), Kind::A).is_none());
        assert!(question(1, &["abcdefg"; 40].join("."), Kind::A).is_none());
    }

    #[test]
    fn records_are_read_with_names_that_point_back() {
        let srv = [&[0, 10, 0, 20, 0x13, 0xc4, 1, b'a'][..], ASKED].concat();
        let read =
            answer(&reply(Kind::Srv, &[record(ASKED, 33, 300, &srv)]), 7, "EXAMPLE.com", Kind::Srv).unwrap();
        let expected = Srv { priority: 10, weight: 20, port: 5060, target: "a.example.com".into() };
        assert_eq!((read.records, read.ttl), (vec![Data::Srv(expected)], Some(300)));
        let naptr = [&b"\x00\x32\x00\x33\x01s\x07SIP+D2T\x00\x04_sip\x04_tcp"[..], ASKED].concat();
        let read =
            answer(&reply(Kind::Naptr, &[record(ASKED, 35, 60, &naptr)]), 7, "example.com", Kind::Naptr)
                .unwrap();
        let expected = Naptr {
            order: 50,
            preference: 51,
            flags: "s".into(),
            service: "SIP+D2T".into(),
            replacement: Some("_sip._tcp.example.com".into()),
        };
        assert_eq!(read.records, [Data::Naptr(expected)]);
    }

    #[test]
    fn a_name_that_stands_for_another_is_followed_and_nothing_else_is_taken() {
        let alias = [&[3, b'w', b'w', b'w'][..], ASKED].concat();
        let records = [
            record(ASKED, CNAME, 30, &alias),
            record(&alias, 1, 300, &[192, 0, 2, 1]),
            record(&[5, b'o', b't', b'h', b'e', b'r', 0], 1, 5, &[203, 0, 113, 9]),
        ];
        let read = answer(&reply(Kind::A, &records), 7, "example.com", Kind::A).unwrap();
        assert_eq!(read.records, [Data::Address([192, 0, 2, 1].into())]);
        assert_eq!(read.ttl, Some(30));
    }

    #[test]
    fn an_answer_to_something_else_is_none() {
        let good = reply(Kind::A, &[record(ASKED, 1, 300, &[192, 0, 2, 1])]);
        assert!(answer(&good, 7, "example.com", Kind::A).is_some());
        assert!(answer(&good, 8, "example.com", Kind::A).is_none());
        assert!(answer(&good, 7, "example.net", Kind::A).is_none());
        assert!(answer(&good, 7, "example.com", Kind::Aaaa).is_none());
        let mut asks = good.clone();
        asks[2] &= 0x7f;
        assert!(answer(&asks, 7, "example.com", Kind::A).is_none());
    }

    #[test]
    fn whatever_is_cut_off_or_points_in_circles_ends() {
        let srv = [&[0, 10, 0, 20, 0x13, 0xc4, 1, b'a'][..], ASKED].concat();
        let good = reply(Kind::Srv, &[record(ASKED, 33, 300, &srv)]);
        for length in 0..good.len() {
            assert!(answer(&good[..length], 7, "example.com", Kind::Srv).is_none(), "{length}");
        }
        for at in 0..good.len() {
            for octet in [0, 1, 63, 64, 0xc0, 0xff] {
                let mut changed = good.clone();
                changed[at] = octet;
                let _ = answer(&changed, 7, "example.com", Kind::Srv);
            }
        }
        let itself = [0xc0, u8::try_from(good.len() - srv.len() - 12).unwrap()];
        let circle = reply(Kind::Srv, &[record(&itself, 33, 300, &srv)]);
        assert!(answer(&circle, 7, "example.com", Kind::Srv).is_none());
    }
}
