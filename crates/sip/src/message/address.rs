//! Names and addresses: the values of `From`, `To`, `Contact`, `Route` and their like (RFC 3261 section 20.10).

use std::borrow::Cow;
use std::fmt;

use super::grammar::{find_outside, is_token, quote, quoted_length, trim, unquote};
use super::parameters::Parameters;
use super::uri::Uri;

/// A display name, a URI, and the parameters of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The display name, without quotes.
    pub name: Option<Cow<'a, str>>,
    /// The URI.
    pub uri: Uri<'a>,
    /// The parameters behind it.
    pub parameters: Parameters<'a>,
}

impl<'a> Address<'a> {
    /// Reads one value; none when it breaks the grammar.
    ///
    /// A URI that is not in `<>` has no parameters: those behind it are the field's. One with a comma, a question mark or
    /// a semicolon must be in `<>` (RFC 3261 section 20).
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trim(text);
        let Some(open) = find_outside(text, b'<') else {
            let end = text.find(';').unwrap_or(text.len());
            let uri = trim(text.get(..end)?);
            if uri.contains(['?', ',', ' ', '\t', '"']) {
                return None;
            }
            let (uri, parameters) = (Uri::parse(uri)?, Parameters::parse(text.get(end..)?)?);
            return Some(Self { name: None, uri, parameters });
        };
        let name = display_name(trim(text.get(..open)?))?;
        let inner = text.get(open + 1..)?;
        let close = inner.find('>')?;
        let uri = Uri::parse(inner.get(..close)?)?;
        let parameters = Parameters::parse(inner.get(close + 1..)?)?;
        Some(Self { name, uri, parameters })
    }

    /// The `tag` parameter.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.parameters.get("tag").filter(|tag| !tag.is_empty())
    }
}

/// None: it breaks the grammar. Some none: there is no name.
#[allow(clippy::option_option, reason = "a name may be missing, or be wrong")]
fn display_name(text: &str) -> Option<Option<Cow<'_, str>>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.starts_with('"') {
        return (quoted_length(text)? == text.len()).then(|| Some(unquote(text)));
    }
    text.split_ascii_whitespace().all(is_token).then_some(Some(Cow::Borrowed(text)))
}

/// `"name" <uri>;parameters`. The name is always quoted.
impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{} ", quote(name))?;
        }
        write!(f, "<{}>", self.uri)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, ";{}", self.parameters.as_str()) }
    }
}
