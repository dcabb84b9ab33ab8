//! Text that is kept as it was written and compared without regard to case.
//!
//! RFC 3435 compares names without regard to case (section 3.2) but wants the most recently supplied form of a
//! name to be used (section 2.1.2), and there are peers that compare more strictly than the RFC.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Owned text, equal to any other spelling of it in ASCII case.
#[derive(Clone, Default)]
pub(crate) struct Caseless(String);

impl Caseless {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl From<&str> for Caseless {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Caseless {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Caseless {}

impl PartialOrd for Caseless {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Caseless {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for Caseless {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.folded() {
            state.write_u8(byte);
        }
        // As the standard library does for text, so that neighbours in a tuple do not run together.
        state.write_u8(0xff);
    }
}

impl fmt::Display for Caseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Caseless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
