//! Which addresses are not handsets: the numbers and short codes of applications.

use std::collections::BTreeMap;

use super::message::Via;
use super::party::{Party, Unaddressable};

/// The routes. An address that none fits is a handset's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    codes: BTreeMap<Party, String>,
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

    /// Whose address it is, and how he is reached.
    ///
    /// # Errors
    /// [`Unaddressable`] when it is no address, or one that is not served.
    pub fn find(&self, text: &str) -> Result<(Party, Via), Unaddressable> {
        let party = Party::parse(text)?;
        let via = self.codes.get(&party).map_or(Via::Push, |name| Via::Application(name.clone()));
        Ok((party, via))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_code_is_an_applications_and_every_other_number_a_handsets() {
        let routes = Routes::new().application("8000", "news").application("no number", "nobody");
        let via = |text: &str| routes.find(text).map(|(_, via)| via);
        assert_eq!(via("8000/TYPE=PLMN"), Ok(Via::Application("news".to_owned())));
        assert_eq!(via("8000"), Ok(Via::Application("news".to_owned())));
        assert_eq!(via("80001"), Ok(Via::Push), "a code is the whole number");
        assert_eq!(via("+15550100"), Ok(Via::Push));
        assert_eq!(via("user@example.net"), Err(Unaddressable::Foreign));
    }
}
