//! Names of endpoints and of call agents (RFC 3435 sections 2.1.2, 2.1.4 and 3.2.1.3, Appendix E.5).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::caseless::Caseless;
use crate::scan::{Class, Fault, Scanner, cut, short_number};
use crate::text::Rule;

/// The default port of a notified entity that names none (RFC 3435 section 3.2.1.3).
pub const CALL_AGENT_PORT: u16 = 2727;

/// The longest local name and the longest domain name (RFC 3435 section 3.2.1.3).
const LONGEST_PART: usize = 255;

/// An endpoint's name, `local@domain`, possibly with wildcards. Compared without regard to case.
#[derive(Clone, Copy)]
pub struct EndpointName<'a> {
    local: &'a str,
    domain: &'a str,
    wildcarded: bool,
}

impl<'a> EndpointName<'a> {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let name = Self::read(&mut s).ok()?;
        s.is_end().then_some(name)
    }

    #[inline]
    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let start = s.position();
        let wildcarded = skip_local(s)?;
        let at = s.position();
        skip_at_domain(s)?;
        let local = s.text().get(start..at).unwrap_or_default();
        Ok(Self { local, domain: s.since(at + 1), wildcarded })
    }

    /// Steps over a name.
    pub(crate) fn skip(s: &mut Scanner<'_>) -> Result<(), Fault> {
        skip_local(s)?;
        skip_at_domain(s)
    }

    /// The part before the `@`.
    #[must_use]
    pub const fn local(self) -> &'a str {
        self.local
    }

    /// The part after the `@`.
    #[must_use]
    pub const fn domain(self) -> &'a str {
        self.domain
    }

    /// The terms of the local name, from the least to the most specific.
    pub fn terms(self) -> impl Iterator<Item = Term<'a>> + Clone {
        self.local.split('/').map(Term::of)
    }

    /// Whether a term is `*` or `$`. Range wildcards do not count: they need provisioning on both sides.
    #[must_use]
    pub const fn is_wildcarded(self) -> bool {
        self.wildcarded
    }

    /// Whether a term is `*`, all of its values.
    #[must_use]
    pub fn all(self) -> bool {
        self.wildcarded && self.terms().any(|term| term == Term::All)
    }

    /// Whether a term is `$`, any one of its values.
    #[must_use]
    pub fn any(self) -> bool {
        self.wildcarded && self.terms().any(|term| term == Term::Any)
    }

    /// Whether every name that `other` can stand for is one that this name can stand for, term by term: `*` and
    /// `$` match any one term, and a name that is a wildcard alone matches every local name. Ranges match as
    /// text only; see [`RangeWildcard`].
    #[must_use]
    pub fn covers(self, other: EndpointName<'_>) -> bool {
        if !same_domain(self.domain, other.domain) {
            return false;
        }
        if matches!(self.local, "*" | "$") {
            return true;
        }
        let mut theirs = other.terms();
        let covered = self.terms().all(|term| match (term, theirs.next()) {
            (_, None) => false,
            (Term::All | Term::Any, Some(_)) => true,
            (Term::Name(mine), Some(Term::Name(name))) => mine.eq_ignore_ascii_case(name),
            (Term::Name(_), Some(_)) => false,
        });
        covered && theirs.next().is_none()
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> EndpointNameBuf {
        let mut text = String::with_capacity(self.local.len() + 1 + self.domain.len());
        text.push_str(self.local);
        text.push('@');
        text.push_str(self.domain);
        EndpointNameBuf { text: text.into(), at: self.local.len() }
    }
}

fn same_domain(left: &str, right: &str) -> bool {
    left.trim_end_matches('.').eq_ignore_ascii_case(right.trim_end_matches('.'))
}

/// Steps over the part before the `@`, and says whether it has wildcards.
#[inline]
fn skip_local(s: &mut Scanner<'_>) -> Result<bool, Fault> {
    let start = s.position();
    let mut wildcarded = false;
    loop {
        if s.pass(Class::ENDPOINT) == 0 {
            if !s.eat(b'*') && !s.eat(b'$') {
                return Err(s.fault(Rule::EndpointName));
            }
            wildcarded = true;
        }
        if !s.eat(b'/') {
            break;
        }
    }
    if s.position() - start > LONGEST_PART {
        return Err(Fault { at: start, rule: Rule::EndpointName });
    }
    Ok(wildcarded)
}

#[inline]
fn skip_at_domain(s: &mut Scanner<'_>) -> Result<(), Fault> {
    if s.eat(b'@') { skip_domain(s, Rule::EndpointName) } else { Err(s.fault(Rule::EndpointName)) }
}

/// Steps over a domain name, a number, or an address in brackets.
#[inline]
fn skip_domain(s: &mut Scanner<'_>, rule: Rule) -> Result<(), Fault> {
    let start = s.position();
    match s.pass(Class::DOMAIN) {
        0 => skip_literal(s, rule),
        1..=LONGEST_PART => Ok(()),
        _ => Err(Fault { at: start, rule }),
    }
}

/// The rarer forms, apart from the others so that those stay short.
#[cold]
fn skip_literal(s: &mut Scanner<'_>, rule: Rule) -> Result<(), Fault> {
    let fault = s.fault(rule);
    if s.eat(b'[') {
        let inner = s.take(Class::ADDRESS);
        let address = inner.parse::<Ipv4Addr>().is_ok() || inner.parse::<Ipv6Addr>().is_ok();
        return if address && s.eat(b']') { Ok(()) } else { Err(fault) };
    }
    if s.eat(b'#') && (1..LONGEST_PART).contains(&s.pass(Class::DIGIT)) { Ok(()) } else { Err(fault) }
}

impl PartialEq for EndpointName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.local.eq_ignore_ascii_case(other.local) && self.domain.eq_ignore_ascii_case(other.domain)
    }
}

impl Eq for EndpointName<'_> {}

impl fmt::Display for EndpointName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for EndpointName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One term of a local name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term<'a> {
    /// `*`: all values.
    All,
    /// `$`: any one value.
    Any,
    /// A value, or a range wildcard where both sides are provisioned for those.
    Name(&'a str),
}

impl<'a> Term<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            "*" => Self::All,
            "$" => Self::Any,
            name => Self::Name(name),
        }
    }

    /// The range wildcard, if the term has the form of one.
    #[must_use]
    pub fn range(self) -> Option<RangeWildcard<'a>> {
        match self {
            Self::Name(name) => RangeWildcard::parse(name),
            _ => None,
        }
    }
}

/// A range wildcard `[1,3,20-24]` (RFC 3435 Appendix E.5): many values of one term, where both sides are
/// provisioned for it. At most [`RangeWildcard::LONGEST`] characters; an item spans at most 65 536 values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeWildcard<'a> {
    inner: &'a str,
}

impl<'a> RangeWildcard<'a> {
    /// The length that RFC 3435 Appendix E.5 suggests as the most.
    pub const LONGEST: usize = 128;

    /// Reads a term; none if it is no range.
    #[must_use]
    pub fn parse(term: &'a str) -> Option<Self> {
        if term.len() > Self::LONGEST {
            return None;
        }
        let inner = term.strip_prefix('[')?.strip_suffix(']')?;
        let range = Self { inner };
        inner.split(',').all(|item| Self::item(item).is_some()).then_some(range)
    }

    fn item(text: &str) -> Option<(u16, u16)> {
        let (low, high) = cut(text, b'-').unwrap_or((text, text));
        let (low, high) = (short_number(low, 5)?, short_number(high, 5)?);
        (low <= high).then_some((low, high))
    }

    /// The items, each from the lowest to the highest value included.
    pub fn items(self) -> impl Iterator<Item = (u16, u16)> {
        self.inner.split(',').filter_map(Self::item)
    }

    /// Whether the value is in the range.
    #[must_use]
    pub fn contains(self, value: u16) -> bool {
        self.items().any(|(low, high)| (low..=high).contains(&value))
    }
}

/// An owned [`EndpointName`]: keeps its spelling; ordered, hashed and equal without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointNameBuf {
    text: Caseless,
    at: usize,
}

impl EndpointNameBuf {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        EndpointName::parse(text).map(EndpointName::to_buf)
    }

    /// A name from its two parts; none if they break the grammar.
    #[must_use]
    pub fn from_parts(local: &str, domain: &str) -> Option<Self> {
        Self::parse(&format!("{local}@{domain}"))
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_name(&self) -> EndpointName<'_> {
        let local = self.local();
        EndpointName {
            local,
            domain: self.domain(),
            wildcarded: local.split('/').any(|t| matches!(t, "*" | "$")),
        }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.as_str().get(..self.at).unwrap_or_default()
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.as_str().get(self.at + 1..).unwrap_or_default()
    }
}

impl<'a> From<&'a EndpointNameBuf> for EndpointName<'a> {
    fn from(owned: &'a EndpointNameBuf) -> Self {
        owned.as_name()
    }
}

impl fmt::Display for EndpointNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.as_str())
    }
}

impl fmt::Debug for EndpointNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.as_str())
    }
}

/// Who controls an endpoint: `[local@]domain[:port]` (RFC 3435 section 2.1.4).
#[derive(Clone, Copy)]
pub struct NotifiedEntity<'a> {
    local: Option<&'a str>,
    domain: &'a str,
    port: Option<u16>,
}

impl<'a> NotifiedEntity<'a> {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        Self::skip(&mut s).ok()?;
        s.is_end().then(|| Self::of(text))
    }

    /// Steps over a name.
    #[inline]
    pub(crate) fn skip(s: &mut Scanner<'_>) -> Result<(), Fault> {
        let start = s.position();
        if s.peek() != Some(b'[')
            && s.pass(Class::ENDPOINT) > 0
            && !matches!(s.peek(), Some(b'@' | b'/' | b'*' | b'$'))
        {
            // There is no local part: what was passed is a domain, and perhaps a port.
            s.seek(start);
        } else if s.peek() != Some(b'[') {
            s.seek(start);
            skip_local(s).map_err(|fault| Fault { rule: Rule::NotifiedEntity, ..fault })?;
            if !s.eat(b'@') {
                return Err(s.fault(Rule::NotifiedEntity));
            }
        }
        skip_domain(s, Rule::NotifiedEntity)?;
        if s.eat(b':') {
            let at = s.position();
            let port = s.number(5, Rule::NotifiedEntity)?;
            u16::try_from(port).map_err(|_| Fault { at, rule: Rule::NotifiedEntity })?;
        }
        Ok(())
    }

    /// The parts of a name that was stepped over.
    fn of(text: &'a str) -> Self {
        let (local, rest) = match cut(text, b'@') {
            None => (None, text),
            Some((local, rest)) => (Some(local), rest),
        };
        // A colon within brackets is part of an address.
        let host = rest.bytes().position(|byte| byte == b']').map_or(0, |end| end + 1);
        let (domain, port) = match rest.bytes().skip(host).position(|byte| byte == b':') {
            None => (rest, None),
            Some(at) => (rest.get(..host + at).unwrap_or(rest), rest.get(host + at + 1..)),
        };
        Self { local, domain, port: port.and_then(|digits| digits.parse().ok()) }
    }

    /// The part before the `@`, which has no inner structure.
    #[must_use]
    pub const fn local(self) -> Option<&'a str> {
        self.local
    }

    /// The domain name or bracketed address.
    #[must_use]
    pub const fn domain(self) -> &'a str {
        self.domain
    }

    /// The port as written.
    #[must_use]
    pub const fn explicit_port(self) -> Option<u16> {
        self.port
    }

    /// The port, [`CALL_AGENT_PORT`] when none is written.
    #[must_use]
    pub fn port(self) -> u16 {
        self.port.unwrap_or(CALL_AGENT_PORT)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> NotifiedEntityBuf {
        NotifiedEntityBuf(self.to_string().into())
    }
}

impl PartialEq for NotifiedEntity<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same_local = match (self.local, other.local) {
            (None, None) => true,
            (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
            _ => false,
        };
        same_local && self.domain.eq_ignore_ascii_case(other.domain) && self.port() == other.port()
    }
}

impl Eq for NotifiedEntity<'_> {}

impl fmt::Display for NotifiedEntity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(local) = self.local {
            write!(f, "{local}@")?;
        }
        f.write_str(self.domain)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for NotifiedEntity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An owned [`NotifiedEntity`]: keeps its spelling; ordered, hashed and equal without regard to case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotifiedEntityBuf(Caseless);

impl NotifiedEntityBuf {
    /// Reads a name; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        NotifiedEntity::parse(text).map(NotifiedEntity::to_buf)
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_view(&self) -> NotifiedEntity<'_> {
        // Only parsed text is ever kept, so the fallback is never taken.
        NotifiedEntity::parse(self.as_str()).unwrap_or(NotifiedEntity {
            local: None,
            domain: self.as_str(),
            port: None,
        })
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for NotifiedEntityBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for NotifiedEntityBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}
