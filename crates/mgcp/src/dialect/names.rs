//! Names of events and signals that a dialect has otherwise than RFC 3660.
//!
//! Inside, everything bears the names of RFC 3660: `D/5`, `G/rt`. Where a peer has others, lists are rewritten on their way
//! out and in, names alone: actions, parameters and quoted text stay as they are.

use super::Dialect;

/// How a dialect names what RFC 3660 names otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// The package that the digits are in.
    pub digits: &'static str,
    /// Single events and signals: RFC 3660's name, and the dialect's.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Packages that only the dialect has: gateways that speak it name them among their capabilities.
    pub packages: &'static [&'static str],
}

impl Names {
    /// RFC 3660's own.
    pub const STANDARD: Self = Self { digits: "D", renamed: &[], packages: &[] };

    fn outgoing(&self, name: &str) -> Option<String> {
        let (package, event) = name.split_once('/')?;
        if package.eq_ignore_ascii_case("D") && is_digits(event) {
            return Some(format!("{}/{event}", self.digits));
        }
        let (_, own) = self.renamed.iter().find(|(standard, _)| standard.eq_ignore_ascii_case(name))?;
        Some((*own).to_owned())
    }

    fn incoming(&self, name: &str) -> Option<String> {
        let (package, event) = name.split_once('/')?;
        if package.eq_ignore_ascii_case(self.digits) && is_digits(event) {
            return Some(format!("D/{event}"));
        }
        let (standard, _) = self.renamed.iter().find(|(_, own)| own.eq_ignore_ascii_case(name))?;
        Some((*standard).to_owned())
    }
}

impl Dialect {
    /// A list of events or signals in the peer's names.
    #[must_use]
    pub fn to_peer(&self, list: &str) -> String {
        rewrite(list, |name| self.names.outgoing(name))
    }

    /// A list of events or signals of the peer in the names of RFC 3660; none when they are these already.
    #[must_use]
    pub fn from_peer(&self, list: &str) -> Option<String> {
        (self.names != Names::STANDARD).then(|| rewrite(list, |name| self.names.incoming(name)))
    }
}

/// Keys, a range of them, or the digit timer; no event of another meaning is written so.
fn is_digits(event: &str) -> bool {
    let key = |c: char| matches!(c.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D' | 'T');
    let first = event.chars().next();
    let is_range = first == Some('[');
    let single = event.chars().count() == 1 && event.chars().all(key);
    let dialled = first.is_some_and(|c| matches!(c, '0'..='9' | '*' | '#')) && event.chars().all(key);
    is_range || single || dialled
}

/// Replaces names outside of quoted text.
fn rewrite(list: &str, replaced: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(list.len());
    let mut name = String::new();
    let mut quoted = false;
    let flush = |name: &mut String, out: &mut String| {
        out.push_str(&replaced(name).unwrap_or_else(|| name.clone()));
        name.clear();
    };
    for c in list.chars() {
        if c == '"' {
            flush(&mut name, &mut out);
            quoted = !quoted;
        }
        if quoted || matches!(c, '"' | '(' | ')' | ',' | '=' | '@' | ' ' | '\t' | '\r' | '\n') {
            flush(&mut name, &mut out);
            out.push(c);
        } else {
            name.push(c);
        }
    }
    flush(&mut name, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rewritten_and_nothing_else() {
        let out = |list: &str| Dialect::NCS.to_peer(list);
        assert_eq!(out("L/hu(N), L/oc(N), D/[0-9*#T](D)"), "L/hu(N), L/oc(N), L/[0-9*#T](D)");
        assert_eq!(out("L/hd(E(R(D/[0-9](D),L/hu(N)),S(L/dl)))"), "L/hd(E(R(L/[0-9](D),L/hu(N)),S(L/dl)))");
        assert_eq!(out("G/rt@0A, g/CG"), "L/rt@0A, L/cg");
        assert_eq!(out("L/ci(\"\",\"D/5\",\"G/rt\")"), "L/ci(\"\",\"D/5\",\"G/rt\")");
        assert_eq!(out("G/ld"), "G/ld");
    }

    #[test]
    fn what_went_out_comes_back() {
        for list in ["L/hd, D/5", "D/#", "D/T", "L/oc(G/rt)", "L/hf", "D/8295555T", "D/[0-9*#T](D)"] {
            for dialect in Dialect::ALL {
                let out = dialect.to_peer(list);
                assert_eq!(dialect.from_peer(&out).unwrap_or(out), list, "{}", dialect.name);
            }
        }
    }

    #[test]
    fn dialects_without_names_of_their_own_leave_lists_alone() {
        assert_eq!(Dialect::RFC3435.from_peer("L/5"), None);
        assert_eq!(Dialect::RFC3435.to_peer("D/5, G/rt"), "D/5, G/rt");
    }
}
