//! A client and a centre with a wire between them.

use std::collections::VecDeque;

use strowger_messaging::smpp::Status;
use strowger_messaging::smpp::centre::{self, Centre, CentreConfig};
use strowger_messaging::smpp::client::{self, Client, ClientConfig, Loss, Outcome, Token};
use strowger_messaging::smpp::pdu::{self, Answer, Bind, Operation, ShortMessage, version};
use strowger_sansio::{Duration, Rng, Time};

pub(crate) const START: Time = Time::from_secs(1_000);

pub(crate) fn client_config() -> ClientConfig {
    let bind = Bind {
        system_id: "town".into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    };
    ClientConfig { bind, window: 4, ..ClientConfig::default() }
}

pub(crate) fn centre_config() -> CentreConfig {
    CentreConfig { accounts: vec![("town".into(), "secret".into())], ..CentreConfig::default() }
}

pub(crate) fn message(to: &str) -> Box<ShortMessage> {
    Box::new(ShortMessage {
        destination: pdu::Address::of(to),
        text: b"hello".to_vec(),
        ..Default::default()
    })
}

/// A client and a centre with a wire between them.
pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) client: Client,
    pub(crate) centre: Option<Centre>,
    pub(crate) client_events: Vec<client::Event>,
    pub(crate) centre_events: VecDeque<centre::Event>,
    /// How many octets pass at once; none is all of them.
    pub(crate) step: Option<usize>,
    /// The client's transport can be opened.
    pub(crate) reachable: bool,
    /// What the centre speaks.
    pub(crate) centre_version: u8,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(client_config())
    }

    pub(crate) fn with(config: ClientConfig) -> Self {
        let client = Client::new(config, START, Rng::from_number(1));
        Self {
            now: START,
            client,
            centre: None,
            client_events: Vec::new(),
            centre_events: VecDeque::new(),
            step: None,
            reachable: true,
            centre_version: version::V5_0,
        }
    }

    pub(crate) fn bound() -> Self {
        let mut pair = Self::new();
        pair.turn();
        assert!(pair.client.is_bound());
        pair.client_events.clear();
        pair.centre_events.clear();
        pair
    }

    /// Lets everything pass that wants to.
    pub(crate) fn turn(&mut self) {
        loop {
            let mut moved = false;
            while let Some(event) = self.client.poll_event() {
                moved = true;
                match event {
                    client::Event::Connect if self.reachable => {
                        let config = CentreConfig { version: self.centre_version, ..centre_config() };
                        self.centre = Some(Centre::new(config, self.now));
                        self.client.handle_connected(self.now);
                    }
                    client::Event::Connect => self.client.handle_disconnected(self.now),
                    client::Event::Disconnect => self.cut_centre(),
                    event => self.client_events.push(event),
                }
            }
            while let Some(bytes) = self.client.poll_transmit() {
                moved = true;
                for piece in bytes.chunks(self.step.unwrap_or(bytes.len())) {
                    if let Some(centre) = &mut self.centre {
                        centre.handle_input(self.now, piece);
                    }
                }
            }
            if let Some(centre) = &mut self.centre {
                while let Some(bytes) = centre.poll_transmit() {
                    moved = true;
                    for piece in bytes.chunks(self.step.unwrap_or(bytes.len())) {
                        self.client.handle_input(self.now, piece);
                    }
                }
                while let Some(event) = centre.poll_event() {
                    moved = true;
                    self.centre_events.push_back(event);
                }
            }
            if !moved {
                return;
            }
        }
    }

    pub(crate) fn cut_centre(&mut self) {
        if let Some(mut centre) = self.centre.take() {
            centre.handle_disconnected();
        }
    }

    /// The wire breaks.
    pub(crate) fn cut(&mut self) {
        self.cut_centre();
        self.client.handle_disconnected(self.now);
        self.turn();
    }

    /// Goes to the next deadline of either side.
    pub(crate) fn wait(&mut self) {
        let due = self.centre.as_ref().and_then(Centre::poll_timeout);
        let due = [self.client.poll_timeout(), due].into_iter().flatten().min().unwrap();
        self.pass(due.max(self.now) - self.now);
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        if let Some(centre) = &mut self.centre {
            centre.handle_timeout(self.now);
        }
        self.turn();
    }

    pub(crate) fn submit(&mut self, token: u64) {
        self.client.submit(self.now, Token(token), message("+15550100")).unwrap();
        self.turn();
    }

    /// The submissions that the centre has not answered.
    pub(crate) fn submitted(&mut self) -> Vec<u32> {
        let all = std::mem::take(&mut self.centre_events);
        let submitted = all.into_iter().filter_map(|event| match event {
            centre::Event::Asked(sequence, Operation::Submit(_)) => Some(sequence),
            _ => None,
        });
        submitted.collect()
    }

    pub(crate) fn answer(&mut self, sequence: u32, answer: Result<&str, Status>) {
        let answer = Answer::Submit(answer.map(ToOwned::to_owned));
        self.centre.as_mut().unwrap().answer(sequence, answer);
        self.turn();
    }

    /// The outcomes since the last asking.
    pub(crate) fn outcomes(&mut self) -> Vec<(u64, Outcome)> {
        let all = std::mem::take(&mut self.client_events);
        let outcomes = all.into_iter().filter_map(|event| match event {
            client::Event::Answered(token, outcome) => Some((token.0, outcome)),
            _ => None,
        });
        outcomes.collect()
    }

    pub(crate) fn losses(&self) -> Vec<Loss> {
        let losses = self.client_events.iter().filter_map(|event| match event {
            client::Event::Lost(loss) => Some(*loss),
            _ => None,
        });
        losses.collect()
    }
}
