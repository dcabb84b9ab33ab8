//! Small values: `CSeq`, `RAck`, `Reason`, `Session-Expires`, `Date`.

use std::fmt;

use strowger_sansio::{Duration, civil_date};

use super::grammar::{is_space, number, split_list, trim};
use super::method::Method;
use super::parameters::Parameters;

/// `CSeq`: the number of a request within its dialog, and its method (RFC 3261 section 20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Less than 2^31.
    pub number: u32,
    /// The method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a value; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (first, method) = trim(text).split_once(is_space)?;
        let number = number::<u32>(first).filter(|number| *number < 1 << 31)?;
        Some(Self { number, method: Method::new(trim(method))? })
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> CSeq<'static> {
        CSeq { number: self.number, method: self.method.into_owned() }
    }
}

impl fmt::Display for CSeq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// `RAck`: which reliable provisional response a PRACK acknowledges (RFC 3262 section 7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The `RSeq` of the response.
    pub response: u32,
    /// The `CSeq` of the response.
    pub request: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads a value; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (response, request) = trim(text).split_once(is_space)?;
        Some(Self { response: number(response)?, request: CSeq::parse(request)? })
    }
}

impl fmt::Display for RAck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.response, self.request)
    }
}

/// `Session-Expires` and, without a refresher, `Min-SE` (RFC 4028 sections 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds.
    pub interval: u32,
    /// Who refreshes.
    pub refresher: Option<Refresher>,
}

/// Who refreshes a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

impl SessionExpires {
    /// Reads a value; none when it breaks the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = trim(text);
        let end = text.find(';').unwrap_or(text.len());
        let interval = number(trim(text.get(..end)?))?;
        let parameters = Parameters::parse(text.get(end..)?)?;
        let refresher = match parameters.get("refresher") {
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return None,
            None => None,
        };
        Some(Self { interval, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// A moment as `Date` has it (RFC 3261 section 20.17): `Sat, 13 Nov 2010 23:29:00 GMT`. `unix`: since 1970 in UTC.
#[must_use]
pub fn date(unix: Duration) -> String {
    // 1970 began on a Thursday.
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = unix.as_secs();
    let days = seconds / 86_400;
    let (year, month, day) = civil_date(i64::try_from(days).unwrap_or_default());
    let name = |names: &'static [&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
    };
    let (weekday, month) = (name(&DAYS, days % 7), name(&MONTHS, u64::from(month.saturating_sub(1))));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// The Q.850 cause in a `Reason` field (RFC 3326 section 2); none when it names none from 1 to 127.
#[must_use]
pub fn q850_cause(reason: &str) -> Option<u8> {
    split_list(reason).find_map(|value| {
        let end = value.find(';').unwrap_or(value.len());
        let (protocol, rest) = (value.get(..end)?, value.get(end..)?);
        if !trim(protocol).eq_ignore_ascii_case("Q.850") {
            return None;
        }
        number::<u8>(Parameters::parse(rest)?.get("cause")?).filter(|cause| matches!(cause, 1..=127))
    })
}
