//! Applications of value-added service providers: who they are, what they may, and how they are reached.
//!
//! - here: the inventory. [`server`]: where they connect. [`submission`]: what both interfaces ask of the engine.
//! - [`mm7`]: SOAP (3GPP TS 23.140 section 8.7). [`json`]: the plain interface. [`outbox`]: what they are handed and told.

pub mod json;
pub mod mm7;
pub mod outbox;
pub mod server;
pub mod submission;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use strowger_sansio::Time;

use super::engine::allowance::{Allowance, Allowances};
use super::party::Party;
use super::routes::Routes;
use crate::http::auth::{self, Credentials};
use crate::http::client::Url;
use crate::mm7::Dialect;
use crate::push::User;

/// How an application is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// MM7, in this version and namespace.
    Mm7(Dialect),
    /// JSON.
    Json,
}

/// Where an application hears of messages and reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The URL, with name and password where the application wants them.
    pub url: Url,
    /// In what language.
    pub interface: Interface,
}

/// An application.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its name, by which it is known over HTTP, its secret, and from where it may come.
    pub user: User,
    /// The provider that it names itself by in MM7; none is not looked at.
    pub vaspid: Option<String>,
    /// The service that it names itself by.
    pub vasid: Option<String>,
    /// The numbers and short codes that reach it. It sends as the first when it does not say.
    pub numbers: Vec<String>,
    /// What else it may send as: numbers, or beginnings of numbers with `*` behind.
    pub senders: Vec<String>,
    /// Beginnings of the numbers that it may send to; none are all.
    pub recipients: Vec<String>,
    /// Recipients a minute; zero is no limit.
    pub rate: u32,
    /// The most at once after a pause.
    pub burst: u32,
    /// Where it is told; without it it asks.
    pub callback: Option<Callback>,
}

impl Application {
    /// Its name here.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.user.name
    }

    /// Itself, as the engine knows it.
    #[must_use]
    pub fn party(&self) -> Party {
        Party::Application(self.user.name.clone())
    }

    /// As whom it sends when it does not say.
    #[must_use]
    pub fn own_number(&self) -> Option<Party> {
        self.numbers.first().and_then(|number| Party::number(number))
    }

    /// Whether it may send as this one.
    #[must_use]
    pub fn may_send_as(&self, sender: &Party) -> bool {
        let Party::Number(number) = sender else { return false };
        let fits = |allowed: &String| match allowed.strip_suffix('*') {
            Some(beginning) => number.starts_with(beginning),
            None => Party::number(allowed).as_ref() == Some(sender),
        };
        self.numbers.iter().chain(&self.senders).any(fits)
    }

    /// Whether it may send to this one.
    #[must_use]
    pub fn may_send_to(&self, recipient: &Party) -> bool {
        let text = recipient.to_string();
        self.recipients.is_empty() || self.recipients.iter().any(|beginning| text.starts_with(beginning))
    }
}

/// All applications.
#[derive(Debug, Default)]
pub struct Inventory {
    applications: Vec<Application>,
    rates: Mutex<Vec<Allowances>>,
}

impl Inventory {
    /// An inventory of these.
    #[must_use]
    pub fn new(applications: Vec<Application>) -> Self {
        let rate = |application: &Application| {
            Allowances::new(Allowance::new(application.rate, application.burst.max(1)))
        };
        let rates = Mutex::new(applications.iter().map(rate).collect());
        Self { applications, rates }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.applications.is_empty()
    }

    /// The routes with those to their numbers.
    #[must_use]
    pub fn route(&self, routes: Routes) -> Routes {
        self.applications.iter().fold(routes, |routes, application| {
            application
                .numbers
                .iter()
                .fold(routes, |routes, number| routes.application(number, application.name()))
        })
    }

    /// Whether anybody may come from there; who may not gets no byte.
    #[must_use]
    pub fn may_come(&self, from: IpAddr) -> bool {
        self.applications.iter().any(|application| application.user.may_come_from(from))
    }

    /// Whose request it is: by name and secret, and by where it comes from.
    #[must_use]
    pub fn identify(&self, from: IpAddr, given: Option<&Credentials>) -> Option<&Application> {
        let users = self.applications.iter().map(|application| &application.user);
        let user = auth::identify(users, from, given)?;
        self.find(&user.name)
    }

    /// The application with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.name() == name)
    }

    /// Takes so many recipients off what an application may send, if it may.
    #[must_use]
    pub fn allow(&self, now: Time, application: &Application, recipients: usize) -> bool {
        let place = self.applications.iter().position(|known| known.name() == application.name());
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = place.and_then(|place| rates.get_mut(place)) else { return false };
        rate.take(now, &application.party(), u32::try_from(recipients).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_sends_as_its_own_and_to_its_own() {
        let application = Application {
            numbers: vec!["8000".to_owned()],
            senders: vec!["+15550100".to_owned(), "+1556*".to_owned()],
            recipients: vec!["+1555".to_owned()],
            ..Application::default()
        };
        let number = |text: &str| Party::number(text).unwrap();
        for (sender, may) in
            [("8000", true), ("+1-555-0100", true), ("+155699", true), ("8001", false), ("+15550101", false)]
        {
            assert_eq!(application.may_send_as(&number(sender)), may, "{sender}");
        }
        assert!(!application.may_send_as(&Party::Application("news".to_owned())));
        assert!(application.may_send_to(&number("+15550100")));
        assert!(!application.may_send_to(&number("+4420")));
    }
}
