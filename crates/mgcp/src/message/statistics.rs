//! Connection parameters `P:`, the statistics of a connection (RFC 3435 section 3.2.2.7).

use std::fmt;

use strowger_sansio::put_decimal;

use crate::scan::{Class, Fault, Scanner, saturating};
use crate::text::Rule;

/// The largest value that fits the nine digits of the grammar.
pub const LARGEST_STATISTIC: u32 = 999_999_999;

/// The value of `P:`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionParameters<'a> {
    text: &'a str,
}

impl<'a> ConnectionParameters<'a> {
    /// A value whose grammar decoding has checked.
    pub(crate) const fn checked(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads statistics; none if they break the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let list = Self::read(&mut s, crate::limits::Limits::DEFAULT.list_items).ok()?;
        s.is_end().then_some(list)
    }

    pub(crate) fn read(s: &mut Scanner<'a>, most: usize) -> Result<Self, Fault> {
        s.space();
        let start = s.position();
        let mut left = most;
        if !s.is_end() {
            loop {
                left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
                read_item(s)?;
                if !s.comma() {
                    break;
                }
            }
        }
        Ok(Self { text: s.since(start) })
    }

    /// The value as written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Names and values in order. Values saturate at zero and at [`LARGEST_STATISTIC`].
    pub fn iter(self) -> impl Iterator<Item = (&'a str, u32)> + Clone {
        let mut s = Scanner::new(self.text);
        let mut more = !self.text.is_empty();
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let item = read_item(&mut s).ok()?;
            more = s.comma();
            Some(item)
        })
    }

    /// The value with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<u32> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The statistics as numbers. What is absent is zero, what the RFC does not name is an extension.
    #[must_use]
    pub fn to_statistics(self) -> ConnectionStatistics {
        let mut statistics = ConnectionStatistics::default();
        for (name, value) in self.iter() {
            let field = match name.to_ascii_uppercase().as_str() {
                "PS" => &mut statistics.packets_sent,
                "OS" => &mut statistics.octets_sent,
                "PR" => &mut statistics.packets_received,
                "OR" => &mut statistics.octets_received,
                "PL" => &mut statistics.packets_lost,
                "JI" => &mut statistics.jitter_ms,
                "LA" => &mut statistics.latency_ms,
                _ => {
                    statistics.extensions.push((name.to_owned(), value));
                    continue;
                }
            };
            *field = value;
        }
        statistics
    }
}

fn read_item<'a>(s: &mut Scanner<'a>) -> Result<(&'a str, u32), Fault> {
    let start = s.position();
    let package_or_name = s.take(Class::WORD);
    if s.eat(b'/') && s.take(Class::WORD).is_empty() || package_or_name.is_empty() {
        return Err(s.fault(Rule::ConnectionParameters));
    }
    let name = s.since(start);
    s.space();
    if !s.eat(b'=') {
        return Err(s.fault(Rule::ConnectionParameters));
    }
    s.space();
    // More than nine digits break the grammar, but a counter that ran over is no reason to lose the rest. Nor is one that
    // ran under: RFC 3550 section 6.4.1 counts more packets received than expected as a negative loss, and osmo-mgw
    // reports it so. None was lost then.
    let negative = s.eat(b'-');
    let digits = s.take(Class::DIGIT);
    if digits.is_empty() || s.peek().is_some_and(|byte| Class::ALNUM.holds(byte)) {
        return Err(s.fault(Rule::ConnectionParameters));
    }
    Ok((name, if negative { 0 } else { saturating(digits).min(LARGEST_STATISTIC) }))
}

impl fmt::Display for ConnectionParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for ConnectionParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The statistics of a connection. [`Display`](fmt::Display) gives the value of `P:`, where every number stops
/// at [`LARGEST_STATISTIC`] and never wraps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionStatistics {
    /// `PS`: RTP packets sent.
    pub packets_sent: u32,
    /// `OS`: RTP payload octets sent.
    pub octets_sent: u32,
    /// `PR`: RTP packets received.
    pub packets_received: u32,
    /// `OR`: RTP payload octets received.
    pub octets_received: u32,
    /// `PL`: RTP packets not received, from gaps in sequence numbers.
    pub packets_lost: u32,
    /// `JI`: mean inter-arrival jitter in milliseconds.
    pub jitter_ms: u32,
    /// `LA`: mean latency in milliseconds.
    pub latency_ms: u32,
    /// Extensions by name, such as `X-CQ` or `pkg/name`. A name that breaks the grammar is not written.
    pub extensions: Vec<(String, u32)>,
}

impl fmt::Display for ConnectionStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stop = |value: u32| value.min(LARGEST_STATISTIC);
        let fields = [
            ("PS=", self.packets_sent),
            (", OS=", self.octets_sent),
            (", PR=", self.packets_received),
            (", OR=", self.octets_received),
            (", PL=", self.packets_lost),
            (", JI=", self.jitter_ms),
            (", LA=", self.latency_ms),
        ];
        let mut text = Vec::with_capacity(64);
        for (name, value) in fields {
            text.extend_from_slice(name.as_bytes());
            put_decimal(&mut text, stop(value).into());
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())?;
        for (name, value) in &self.extensions {
            let item = format!("{name}={}", stop(*value));
            if ConnectionParameters::parse(&item).is_some_and(|list| list.iter().count() == 1) {
                write!(f, ", {item}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_loss_is_none_and_the_rest_is_kept() {
        let osmo = ConnectionParameters::parse("PS=55, OS=9460, PR=787, OR=134948, PL=-4, JI=12").unwrap();
        let statistics = osmo.to_statistics();
        assert_eq!((statistics.packets_sent, statistics.packets_lost, statistics.jitter_ms), (55, 0, 12));
        for wrong in ["PL=-", "PL=--4", "PL=4-", "PL=-4x"] {
            assert!(ConnectionParameters::parse(wrong).is_none(), "{wrong}");
        }
    }
}
