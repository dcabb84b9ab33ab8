//! Which addresses are not handsets: those of applications, of mail, and of other MMSCs.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Via;
use super::party::{Party, Unaddressable};

/// The routes. A number that none fits is a handset's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    codes: BTreeMap<Party, String>,
    subscribers: BTreeSet<Party>,
    /// Mail for numbers at this domain is for numbers here.
    domain: Option<String>,
    /// Whether mail goes out.
    mail: bool,
    /// Beginnings of numbers, and the MMSC that they belong to.
    peers: Vec<(String, String)>,
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

    /// With a number that is a handset's, whoever else has numbers that begin so.
    #[must_use]
    pub fn subscriber(mut self, number: &str) -> Self {
        self.subscribers.extend(Party::number(number));
        self
    }

    /// With a domain whose mailboxes are numbers here.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.to_ascii_lowercase());
        self
    }

    /// With a way for mail.
    #[must_use]
    pub fn mail(mut self) -> Self {
        self.mail = true;
        self
    }

    /// With an MMSC for numbers that begin so.
    #[must_use]
    pub fn peer(mut self, beginning: &str, name: &str) -> Self {
        self.peers.push((beginning.to_owned(), name.to_owned()));
        self
    }

    /// Whose address it is, and how he is reached.
    ///
    /// # Errors
    /// [`Unaddressable`] when it is no address, or one that is not served.
    pub fn find(&self, text: &str) -> Result<(Party, Via), Unaddressable> {
        if text.contains('@') {
            return self.find_mail(text);
        }
        Party::parse(text).map(|party| self.way_to(party))
    }

    /// Whether somebody here has this number: a subscriber or an application.
    #[must_use]
    pub fn is_local(&self, party: &Party) -> bool {
        self.codes.contains_key(party) || self.subscribers.contains(party)
    }

    fn find_mail(&self, text: &str) -> Result<(Party, Via), Unaddressable> {
        let party = Party::mail(text).ok_or(Unaddressable::Foreign)?;
        if let Party::Mail(address) = &party
            && let Some((local, domain)) = address.rsplit_once('@')
            && self.domain.as_deref() == Some(domain)
        {
            // A mailbox of ours is a number of ours, and no mail that would come back to us.
            let party = Party::parse(local).map_err(|_| Unaddressable::Foreign)?;
            return Ok(self.way_to(party));
        }
        if self.mail { Ok((party, Via::Mail)) } else { Err(Unaddressable::Foreign) }
    }

    fn way_to(&self, party: Party) -> (Party, Via) {
        let via = match self.codes.get(&party) {
            Some(name) => Via::Application(name.clone()),
            None if self.subscribers.contains(&party) => Via::Push,
            None => self.peer_of(&party).map_or(Via::Push, |name| Via::Peer(name.to_owned())),
        };
        (party, via)
    }

    /// The MMSC that a number belongs to: that of the longest beginning.
    #[must_use]
    pub fn peer_of(&self, party: &Party) -> Option<&str> {
        let Party::Number(number) = party else { return None };
        let fitting = self.peers.iter().filter(|(beginning, _)| number.starts_with(beginning));
        fitting.max_by_key(|(beginning, _)| beginning.len()).map(|(_, name)| name.as_str())
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

    #[test]
    fn mail_goes_out_and_mailboxes_of_ones_own_are_numbers() {
        let routes = Routes::new().mail().domain("MMS.town").subscriber("2002");
        let found = |text: &str| routes.find(text);
        assert_eq!(found("A <a@example.net>"), Ok((Party::Mail("a@example.net".to_owned()), Via::Mail)));
        assert_eq!(found("2002@mms.town"), Ok((Party::Number("2002".to_owned()), Via::Push)));
        assert_eq!(found("2002/TYPE=PLMN@MMS.TOWN"), Ok((Party::Number("2002".to_owned()), Via::Push)));
        assert_eq!(found("postmaster@mms.town"), Err(Unaddressable::Foreign));
        assert_eq!(found("a b@example.net"), Err(Unaddressable::Foreign));
    }

    #[test]
    fn the_longest_beginning_of_a_number_names_its_mmsc_unless_somebody_here_has_it() {
        let routes = Routes::new().peer("+1555", "one").peer("+155501", "other").subscriber("+15550199");
        let via = |text: &str| routes.find(text).unwrap().1;
        assert_eq!(via("+15559999"), Via::Peer("one".to_owned()));
        assert_eq!(via("+15550100/TYPE=PLMN"), Via::Peer("other".to_owned()));
        assert_eq!(via("+15550199"), Via::Push);
        assert_eq!(via("+4420"), Via::Push);
    }
}
