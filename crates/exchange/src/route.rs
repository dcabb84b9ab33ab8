//! Routes: where the numbers go that are not lines, as plain data.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::Cause;
use crate::inventory::is_number;

/// Where the numbers with a prefix go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// Matched against the dialled number; the longest prefix wins. With `+` it is matched against the E.164 form.
    pub prefix: String,
    /// How many leading characters are taken away …
    pub strip: usize,
    /// … before these are put in their place.
    pub add: String,
    /// How many digits the whole number has, prefix included. Unknown when absent: dialling then ends by `#`
    /// or by pause.
    pub length: Option<RangeInclusive<u8>>,
    /// The targets, in the order in which they are tried.
    pub to: Vec<RouteTarget>,
}

/// One target of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// The line that has the translated number: written `lines`.
    Lines,
    /// This line, whatever the translated number is: written `line:2001`.
    Line(String),
    /// A channel of this trunk: written `trunk:carrier`.
    Trunk(String),
    /// A channel of a trunk of this group: written `trunks:carriers`.
    TrunkGroup(String),
    /// None: the call ends with this cause. Written `cause:21`.
    Release(Cause),
}

impl FromStr for RouteTarget {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownTarget(text.to_owned());
        match text.split_once(':') {
            None if text == "lines" => Ok(Self::Lines),
            Some(("line", number)) if is_number(number) => Ok(Self::Line(number.to_owned())),
            Some(("trunk", id)) if !id.is_empty() => Ok(Self::Trunk(id.to_owned())),
            Some(("trunks", id)) if !id.is_empty() => Ok(Self::TrunkGroup(id.to_owned())),
            Some(("cause", value)) => {
                value.parse().ok().and_then(Cause::new).map(Self::Release).ok_or_else(unknown)
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines => f.write_str("lines"),
            Self::Line(number) => write!(f, "line:{number}"),
            Self::Trunk(id) => write!(f, "trunk:{id}"),
            Self::TrunkGroup(id) => write!(f, "trunks:{id}"),
            Self::Release(cause) => write!(f, "cause:{}", cause.value()),
        }
    }
}

/// A route target that is none of `lines`, `line:NUMBER`, `trunk:ID`, `trunks:ID` and `cause:VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTarget(pub String);

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown route target \"{}\"; expected \"lines\", \"line:NUMBER\", \"trunk:ID\", \
             \"trunks:ID\" or \"cause:VALUE\"",
            self.0.escape_default()
        )
    }
}

impl std::error::Error for UnknownTarget {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_targets_are_read_as_they_are_written() {
        for text in ["lines", "line:2001", "cause:21", "trunk:carrier", "trunks:all"] {
            assert_eq!(text.parse::<RouteTarget>().unwrap().to_string(), text);
        }
        for text in ["", "line", "line:", "line:abc", "cause:128", "cause:-1", "trunk:", "trunks:"] {
            assert!(text.parse::<RouteTarget>().is_err(), "{text}");
        }
    }
}
