//! A session with a host that brings mail (RFC 5321 sections 3 and 4), without a socket.
//!
//! The end of a mail is a dot between two ends of lines, and an end of a line is CRLF: a bare LF or CR makes the mail one that is
//! refused, so that no two hosts see its end at different places (section 2.3.8).

use std::collections::VecDeque;

use super::{LINE, Outcome, Received, SmtpLimits, is_path};

/// What a session waits for.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// A command.
    Command,
    /// The lines of a mail.
    Data,
    /// What becomes of the mail that came.
    Verdict,
    /// Nothing any more.
    Over,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    name: String,
    limits: SmtpLimits,
    state: State,
    input: VecDeque<u8>,
    output: Vec<u8>,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    octets: Vec<u8>,
    /// Why the mail that is coming is not taken.
    spoilt: Option<&'static str>,
    /// The beginning of the line that is coming was thrown away.
    within: bool,
    mail: Option<Received>,
    faults: usize,
    mails: usize,
}

impl Session {
    /// A session of the host `name`, which begins by greeting.
    #[must_use]
    pub fn new(name: &str, limits: SmtpLimits) -> Self {
        let mut session = Self {
            name: name.to_owned(),
            limits,
            state: State::Command,
            input: VecDeque::new(),
            output: Vec::new(),
            greeted: false,
            from: None,
            to: Vec::new(),
            octets: Vec::new(),
            spoilt: None,
            within: false,
            mail: None,
            faults: 0,
            mails: 0,
        };
        let greeting = format!("{name} ESMTP");
        session.reply(220, &greeting);
        session
    }

    /// Octets came. `admits` says whose mail is taken here.
    pub fn handle_input(&mut self, bytes: &[u8], admits: &dyn Fn(&str) -> bool) {
        self.input.extend(bytes);
        self.go_on(admits);
    }

    /// What became of the mail that [`Self::poll_mail`] gave.
    pub fn handle_verdict(&mut self, verdict: &Outcome, admits: &dyn Fn(&str) -> bool) {
        if self.state != State::Verdict {
            return;
        }
        match verdict {
            Outcome::Accepted => self.reply(250, "taken"),
            Outcome::Later(why) => self.reply(451, why),
            Outcome::Refused(why) => self.reply(554, why),
        }
        self.state = State::Command;
        self.go_on(admits);
    }

    /// A mail that has come whole; [`Self::handle_verdict`] answers it.
    pub fn poll_mail(&mut self) -> Option<Received> {
        self.mail.take()
    }

    /// What is to be sent.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| std::mem::take(&mut self.output))
    }

    /// Whether the connection is to be closed once everything is sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    fn go_on(&mut self, admits: &dyn Fn(&str) -> bool) {
        loop {
            let went = match self.state {
                State::Command => self.command(admits),
                State::Data => self.data(),
                // What a host sends ahead of an answer waits for it.
                State::Verdict => {
                    if self.input.len() > self.limits.octets {
                        self.end(421, "too much ahead of an answer");
                    }
                    return;
                }
                State::Over => return,
            };
            if !went {
                return;
            }
        }
    }

    fn reply(&mut self, code: u16, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        self.output.extend_from_slice(format!("{code} {text}\r\n").as_bytes());
    }

    /// A command that is refused; after so many the connection is.
    fn fault(&mut self, code: u16, text: &str) {
        self.faults += 1;
        if self.faults > self.limits.faults {
            self.end(421, "too many commands that are refused");
        } else {
            self.reply(code, text);
        }
    }

    fn end(&mut self, code: u16, text: &str) {
        self.reply(code, text);
        self.state = State::Over;
        self.input.clear();
    }

    /// The next command; false when it is not whole.
    fn command(&mut self, admits: &dyn Fn(&str) -> bool) -> bool {
        let Some(end) = self.input.iter().position(|octet| *octet == b'\n') else {
            if self.input.len() > LINE {
                self.end(500, "the line is too long");
            }
            return false;
        };
        let line: Vec<u8> = self.input.drain(..=end).collect();
        if line.len() > LINE {
            self.end(500, "the line is too long");
            return false;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(true),
            "HELO" => self.hello(false),
            "MAIL" => self.mail_from(rest),
            "RCPT" => self.rcpt_to(rest, admits),
            "DATA" => self.begin_data(),
            "RSET" => {
                self.reset();
                self.reply(250, "forgotten");
            }
            "NOOP" => self.reply(250, "OK"),
            "VRFY" => self.reply(252, "try it"),
            "QUIT" => self.end(221, "bye"),
            "EXPN" | "HELP" => self.fault(502, "not done here"),
            _ => self.fault(500, "not a command"),
        }
        self.state != State::Over
    }

    fn hello(&mut self, extended: bool) {
        self.greeted = true;
        self.reset();
        if !extended {
            let name = self.name.clone();
            self.reply(250, &name);
            return;
        }
        let lines = format!(
            "250-{}\r\n250-SIZE {}\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
            self.name, self.limits.octets
        );
        self.output.extend_from_slice(lines.as_bytes());
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
        self.octets.clear();
        self.spoilt = None;
    }

    fn mail_from(&mut self, rest: &str) {
        if !self.greeted || self.from.is_some() {
            return self.fault(503, "not now");
        }
        if self.mails >= self.limits.mails {
            return self.end(421, "enough for one connection");
        }
        let Some((path, parameters)) = path(rest, "FROM:") else {
            return self.fault(501, "expected MAIL FROM:<address>");
        };
        let size = parameters.split_whitespace().find_map(|word| {
            let (name, value) = word.split_once('=')?;
            if name.eq_ignore_ascii_case("SIZE") { value.parse::<usize>().ok() } else { None }
        });
        if size.is_some_and(|size| size > self.limits.octets) {
            return self.fault(552, "the mail is too large");
        }
        self.from = Some(path);
        self.reply(250, "OK");
    }

    fn rcpt_to(&mut self, rest: &str, admits: &dyn Fn(&str) -> bool) {
        if self.from.is_none() {
            return self.fault(503, "not now");
        }
        match path(rest, "TO:") {
            Some((to, _)) if !to.is_empty() => {
                if self.to.len() >= self.limits.recipients {
                    self.fault(452, "too many recipients");
                } else if admits(&to) {
                    self.to.push(to);
                    self.reply(250, "OK");
                } else {
                    self.fault(550, "nobody here is called so");
                }
            }
            _ => self.fault(501, "expected RCPT TO:<address>"),
        }
    }

    fn begin_data(&mut self) {
        if self.to.is_empty() {
            return self.fault(503, "nobody gets it");
        }
        self.octets.clear();
        self.spoilt = None;
        self.state = State::Data;
        self.reply(354, "end with a dot");
    }

    /// The next line of a mail; false when it is not whole.
    fn data(&mut self) -> bool {
        let input: &[u8] = self.input.make_contiguous();
        let Some(end) = memchr::memmem::find(input, b"\r\n") else {
            if self.octets.len() + input.len() > self.limits.octets {
                self.spoilt = Some("the mail is too large");
                // Only the first half of what ends it may still be there.
                let keep = usize::from(input.last() == Some(&b'\r'));
                let gone = input.len() - keep;
                self.input.drain(..gone);
                self.octets.clear();
                // A dot that follows does not stand alone.
                self.within = true;
            }
            return false;
        };
        let (line, _) = input.split_at(end);
        if !std::mem::take(&mut self.within) && line == b"." {
            self.input.drain(..end + 2);
            self.finish();
            return true;
        }
        if line.contains(&b'\n') || line.contains(&b'\r') {
            self.spoilt = Some("an end of a line that is not CRLF");
        }
        if self.octets.len() + line.len() + 2 > self.limits.octets {
            self.spoilt.get_or_insert("the mail is too large");
            self.octets.clear();
        }
        if self.spoilt.is_none() {
            self.octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            self.octets.extend_from_slice(b"\r\n");
        }
        self.input.drain(..end + 2);
        true
    }

    /// The mail is whole.
    fn finish(&mut self) {
        self.mails += 1;
        let octets = std::mem::take(&mut self.octets);
        let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
        match self.spoilt.take() {
            Some(why @ "the mail is too large") => {
                self.reply(552, why);
                self.state = State::Command;
            }
            Some(why) => {
                self.reply(554, why);
                self.state = State::Command;
            }
            None => {
                self.mail = Some(Received { from, to, octets });
                self.state = State::Verdict;
            }
        }
    }
}

/// The address of `FROM:<a@b> …`, without a route in front of it (section 4.1.1.3), and the parameters.
fn path<'t>(text: &'t str, word: &str) -> Option<(String, &'t str)> {
    let head = text.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let (path, parameters) = text.get(word.len()..)?.trim_start().strip_prefix('<')?.split_once('>')?;
    let path = match path.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1,
        None => path,
    };
    is_path(path).then(|| (path.to_owned(), parameters))
}
