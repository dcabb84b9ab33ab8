//! A session that brings one mail to a host (RFC 5321 sections 3 and 4), without a socket.

use super::{LINE, Mail, Outcome, is_path};

/// The most octets of a reply, all its lines together.
const REPLY: usize = 64 * 1024;

/// What the next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    From,
    To,
    Data,
    Mail,
    Quit,
}

/// One connection with one mail.
#[derive(Debug)]
pub struct Session {
    name: String,
    mail: Mail,
    state: State,
    input: Vec<u8>,
    /// The lines of a reply that is not whole.
    lines: Vec<String>,
    read: usize,
    output: Vec<u8>,
    outcome: Option<Outcome>,
}

impl Session {
    /// A session of the host `name`.
    #[must_use]
    pub fn new(name: &str, mail: Mail) -> Self {
        let wrong = !is_path(&mail.from) || !is_path(&mail.to) || mail.to.is_empty();
        Self {
            name: name.to_owned(),
            mail,
            state: State::Greeting,
            input: Vec::new(),
            lines: Vec::new(),
            read: 0,
            output: Vec::new(),
            // What cannot be an address is not written into a command.
            outcome: wrong.then(|| Outcome::Refused("an address that mail cannot have".to_owned())),
        }
    }

    /// Octets came.
    pub fn handle_input(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        while self.state != State::Quit && self.outcome.is_none() {
            let Some(end) = self.input.iter().position(|octet| *octet == b'\n') else {
                if self.input.len() > LINE {
                    self.end(Outcome::Later("a line that is too long".to_owned()));
                }
                return;
            };
            let line: Vec<u8> = self.input.drain(..=end).collect();
            self.read += line.len();
            if line.len() > LINE || self.read > REPLY {
                self.end(Outcome::Later("a reply that is too long".to_owned()));
                return;
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let more = line.as_bytes().get(3) == Some(&b'-');
            self.lines.push(line);
            if !more {
                self.read = 0;
                let lines = std::mem::take(&mut self.lines);
                self.replied(&lines);
            }
        }
    }

    /// The connection is gone.
    pub fn handle_end(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Later("the host hung up".to_owned()));
        }
    }

    /// What is to be sent.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| std::mem::take(&mut self.output))
    }

    /// What became of the mail; what there is to be sent is sent before the connection is closed.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn say(&mut self, state: State, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.state = state;
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
        self.say(State::Quit, "QUIT");
    }

    fn replied(&mut self, lines: &[String]) {
        let last = lines.last().map(String::as_str).unwrap_or_default();
        let code: u16 = last.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        let good = match self.state {
            State::Data => code == 354,
            _ => (200..300).contains(&code),
        };
        if !good {
            // A host that does not know EHLO knows HELO (section 3.2).
            if self.state == State::Ehlo && (500..600).contains(&code) {
                let hello = format!("HELO {}", self.name);
                return self.say(State::Helo, &hello);
            }
            let why: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
            // What answers a greeting or a hello badly says nothing of the mail.
            let about_mail = matches!(self.state, State::From | State::To | State::Data | State::Mail);
            return self.end(match about_mail && (500..600).contains(&code) {
                true => Outcome::Refused(why),
                false => Outcome::Later(why),
            });
        }
        match self.state {
            State::Greeting => {
                let hello = format!("EHLO {}", self.name);
                self.say(State::Ehlo, &hello);
            }
            State::Ehlo | State::Helo => {
                let knows = |word: &str| {
                    lines.iter().filter_map(|line| line.get(4..)).any(|line| {
                        line.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
                    })
                };
                let size = match self.state == State::Ehlo && knows("SIZE") {
                    true => format!(" SIZE={}", self.mail.octets.len()),
                    false => String::new(),
                };
                let from = format!("MAIL FROM:<{}>{size}", self.mail.from);
                self.say(State::From, &from);
            }
            State::From => {
                let to = format!("RCPT TO:<{}>", self.mail.to);
                self.say(State::To, &to);
            }
            State::To => self.say(State::Data, "DATA"),
            State::Data => {
                let body = stuffed(&self.mail.octets);
                self.output.extend_from_slice(&body);
                self.say(State::Mail, ".");
            }
            State::Mail => self.end(Outcome::Accepted),
            State::Quit => {}
        }
    }
}

/// A mail with a dot in front of each line that begins with one (section 4.5.2), and with an end of its last line.
fn stuffed(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 64);
    let mut rest = octets;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\r\n").map_or(rest.len(), |at| at + 2);
        let (line, after) = rest.split_at(end);
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        rest = after;
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}
