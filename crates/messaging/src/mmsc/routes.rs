//! Which addresses are not handsets: short codes of applications, and numbers that belong to other MMSCs.

use std::collections::BTreeMap;

use super::message::Via;
use super::party::{Party, Unaddressable};

/// The routes. An address that none fits is a handset's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    codes: BTreeMap<Party, String>,
    /// The longest prefix first.
    prefixes: Vec<(String, String)>,
}

impl Routes {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a number that an application is reached by; one that is no number is left out.
    #[must_use]
    pub fn application(mut self, number: &str, name: &str) -> Self {
        if let Some(party) = Party::number(number) {
            self.codes.insert(party, name.to_owned());
        }
        self
    }

    /// With numbers, by their beginning, that another MMSC serves.
    #[must_use]
    pub fn peer(mut self, prefix: &str, name: &str) -> Self {
        self.prefixes.push((prefix.to_owned(), name.to_owned()));
        self.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }

    /// Whose address it is, and how he is reached.
    ///
    /// # Errors
    /// [`Unaddressable`] when it is no address, or one that is not served.
    pub fn find(&self, text: &str) -> Result<(Party, Via), Unaddressable> {
        let party = Party::parse(text)?;
        if let Some(name) = self.codes.get(&party) {
            let via = Via::Application(name.clone());
            return Ok((party, via));
        }
        let via = match &party {
            Party::Number(number) => {
                let found = self.prefixes.iter().find(|(prefix, _)| number.starts_with(prefix));
                found.map_or(Via::Push, |(_, name)| Via::Peer(name.clone()))
            }
            _ => Via::Push,
        };
        Ok((party, via))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_code_is_an_applications_and_the_longest_prefix_names_the_mmsc() {
        let routes = Routes::new()
            .application("8000", "news")
            .peer("+1555", "west")
            .peer("+15551", "east")
            .application("no number", "nobody");
        let via = |text: &str| routes.find(text).map(|(_, via)| via);
        assert_eq!(via("8000/TYPE=PLMN"), Ok(Via::Application("news".to_owned())));
        assert_eq!(via("8000"), Ok(Via::Application("news".to_owned())));
        assert_eq!(via("80001"), Ok(Via::Push), "a code is the whole number");
        assert_eq!(via("+15550100"), Ok(Via::Peer("west".to_owned())));
        assert_eq!(via("+15551100/TYPE=PLMN"), Ok(Via::Peer("east".to_owned())));
        assert_eq!(via("user@example.net"), Err(Unaddressable::Foreign));
    }
}
