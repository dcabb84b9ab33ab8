//! The versions of PAP: each document names its own in its type, and an answer is in the version of the question, or in the highest that
//! its sender says it understands.
//!
//! PAP 1.0 and 2.0 are WAP-164 and WAP-247; 2.1 is the Open Mobile Alliance's. The names are those that deployed initiators write; the documents
//! themselves were not at hand.

/// A version of PAP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0.
    V1_0,
    /// 2.0.
    #[default]
    V2_0,
    /// 2.1.
    V2_1,
}

/// Version, number, public identifier, where the document type is kept; nobody fetches it.
const VERSIONS: &[(Version, (u8, u8), &str, &str)] = &[
    (Version::V1_0, (1, 0), "-//WAPFORUM//DTD PAP 1.0//EN", "http://www.wapforum.org/DTD/pap_1.0.dtd"),
    (Version::V2_0, (2, 0), "-//WAPFORUM//DTD PAP 2.0//EN", "http://www.wapforum.org/DTD/pap_2.0.dtd"),
    (
        Version::V2_1,
        (2, 1),
        "-//WAPFORUM//DTD PAP 2.1//EN",
        "http://www.openmobilealliance.org/tech/DTD/pap_2.1.dtd",
    ),
];

/// Version, number on disk.
const NUMBERS: &[(Version, u64)] = &[(Version::V2_0, 0), (Version::V1_0, 1), (Version::V2_1, 2)];

/// A document of a version that is not known here: its number, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {0} of PAP is not known here")]
pub struct UnknownVersion(pub String);

impl Version {
    /// What goes before a document of this version.
    #[must_use]
    pub fn prologue(self) -> String {
        let (.., public, system) = self.row();
        format!("<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"{public}\" \"{system}\">\n")
    }

    /// The version of the answer to a document with this type declaration (what stands between `<!DOCTYPE` and its end): its own; when
    /// that is not known here, the highest that it lists in `wap-pap-ver`, or else the highest of its major version. A declaration
    /// that names no version, and none at all, mean [`Version::default`].
    ///
    /// # Errors
    /// When nothing of that is known.
    pub fn of_type(declared: Option<&str>) -> Result<Self, UnknownVersion> {
        let Some(own) = declared.and_then(|declared| behind(declared, "DTD PAP ", "/")) else {
            return Ok(Self::default());
        };
        let listed =
            declared.and_then(|declared| behind(declared, "supported-versions=\"", "\"")).unwrap_or("");
        let major = own.split('.').next().map(|major| format!("{major}.*")).unwrap_or_default();
        let highest = |patterns: &str| {
            let fits = |number| patterns.split(',').any(|pattern| within(number, pattern.trim()));
            VERSIONS.iter().filter(|(_, number, ..)| fits(*number)).map(|(version, ..)| *version).next_back()
        };
        let known = highest(own).or_else(|| highest(listed)).or_else(|| highest(&major));
        known.ok_or_else(|| UnknownVersion(own.chars().take(16).collect()))
    }

    /// Its number on disk: the default is that of rows which name none.
    pub(crate) fn number(self) -> u64 {
        NUMBERS.iter().find(|(version, _)| *version == self).map_or(0, |(_, number)| *number)
    }

    /// The version with this number.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        NUMBERS.iter().find(|(_, known)| *known == number).map(|(version, _)| *version)
    }

    fn row(self) -> (Self, (u8, u8), &'static str, &'static str) {
        let found = VERSIONS.iter().find(|(version, ..)| *version == self);
        found.or(VERSIONS.first()).copied().unwrap_or((self, (2, 0), "", ""))
    }
}

/// What stands behind `mark` up to `end`.
fn behind<'t>(text: &'t str, mark: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(mark)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Whether a version is meant by `2.0`, or by `2.*`.
fn within((major, minor): (u8, u8), pattern: &str) -> bool {
    let Some((first, second)) = pattern.split_once('.') else { return false };
    first.parse() == Ok(major) && (second == "*" || second.parse() == Ok(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_in_the_version_of_the_question_or_in_one_that_it_lists() {
        let typed = |number: &str, more: &str| {
            let declared = format!(" pap PUBLIC \"-//WAPFORUM//DTD PAP {number}//EN\" \"x\"{more}");
            Version::of_type(Some(&declared))
        };
        let listing = |versions: &str| format!(" [<?wap-pap-ver supported-versions=\"{versions}\"?>]");
        for (number, more, version) in [
            ("1.0", String::new(), Some(Version::V1_0)),
            ("2.0", String::new(), Some(Version::V2_0)),
            ("2.1", listing("2.0,1.*"), Some(Version::V2_1)),
            ("2.9", String::new(), Some(Version::V2_1)),
            ("2.9", listing("2.0, 1.*"), Some(Version::V2_0)),
            ("3.0", listing("1.*"), Some(Version::V1_0)),
            ("3.0", String::new(), None),
            ("3.0", listing("3.*"), None),
            ("x", String::new(), None),
        ] {
            assert_eq!(typed(number, &more).ok(), version, "{number}{more}");
        }
        assert_eq!(Version::of_type(None), Ok(Version::V2_0));
        assert_eq!(Version::of_type(Some(" pap SYSTEM \"pap.dtd\"")), Ok(Version::V2_0));
        assert!(Version::V1_0.prologue().contains("DTD PAP 1.0//EN"));
    }
}
