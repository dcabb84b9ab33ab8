//! Service changes (RFC 3525 sections 7.1.13 and 7.2.8).

use super::event::time_stamp;
use super::name::is_name;
use super::scan::{Scanned, Scanner, number};
use crate::error::Rule;
use crate::message::{
    Address, AuditDescriptor, Caseless, Extension, Method, NonStandard, Profile, Reason, ServiceChange,
    ServiceChangeReply, ServiceChangeResult, ServiceTarget, TimeStamp, Version,
};
use crate::package::Type;
use crate::token::Token;

/// What requests and replies have in common.
#[derive(Default)]
struct Shared<'a> {
    target: Option<ServiceTarget<'a>>,
    version: Option<Version>,
    profile: Option<Profile<'a>>,
    time: Option<TimeStamp>,
}

impl<'a> Scanner<'a> {
    /// The services descriptor of a request.
    pub(super) fn service_change(&mut self) -> Scanned<ServiceChange<'a>> {
        if self.token(Rule::Descriptor)? != Token::Services {
            return self.fault_from(self.at(), Rule::DescriptorMissing);
        }
        let start = self.at();
        let mut shared = Shared::default();
        let mut method = None;
        let mut reason = None;
        let mut delay = None;
        let mut non_standard = None;
        let mut info: Option<AuditDescriptor<'a>> = None;
        let mut is_incomplete = false;
        self.braced(|scanner| {
            let start = scanner.at();
            let word = scanner.text(Rule::ServiceChange)?;
            if let Some(extension) = Extension::new(word) {
                if non_standard.is_some() {
                    return scanner.fault_in(word.as_bytes(), Rule::ParameterTwice);
                }
                non_standard = Some(NonStandard::Extension(extension, scanner.setting(Type::None)?));
                return Ok(());
            }
            match Token::find(word.as_bytes()) {
                Some(Token::Method) if method.is_none() => {
                    scanner.equal()?;
                    method = Some(scanner.method()?);
                }
                Some(Token::Reason) if reason.is_none() => {
                    scanner.equal()?;
                    let written = scanner.written()?;
                    reason = Reason::new(written.text);
                }
                Some(Token::Delay) if delay.is_none() => {
                    scanner.equal()?;
                    delay = Some(scanner.number32(Rule::Number32)?);
                }
                Some(Token::Incomplete) => is_incomplete = true,
                Some(Token::Method | Token::Reason | Token::Delay) => {
                    return scanner.fault_in(word.as_bytes(), Rule::ParameterTwice);
                }
                Some(token) if super::audit::item(token).is_some() => {
                    scanner.audit_item(token, info.get_or_insert_default())?;
                }
                token => {
                    scanner.shared(word, token, &mut shared, start)?;
                }
            }
            Ok(())
        })?;
        let (Some(method), Some(reason)) = (method, reason) else {
            return self.fault_from(start, Rule::MethodMissing);
        };
        let Shared { target, version, profile, time } = shared;
        Ok(ServiceChange {
            method,
            target,
            version,
            profile,
            reason,
            delay,
            time,
            non_standard,
            info,
            is_incomplete,
        })
    }

    fn method(&mut self) -> Scanned<Method<'a>> {
        let word = self.text(Rule::Method)?;
        Ok(match Token::find(word.as_bytes()) {
            Some(Token::Failover) => Method::Failover,
            Some(Token::Forced) => Method::Forced,
            Some(Token::Graceful) => Method::Graceful,
            Some(Token::Restart) => Method::Restart,
            Some(Token::Disconnected) => Method::Disconnected,
            Some(Token::HandOff) => Method::HandOff,
            _ => match Extension::new(word) {
                Some(extension) => Method::Extension(extension),
                None => return self.fault_in(word.as_bytes(), Rule::Method),
            },
        })
    }

    fn shared(
        &mut self,
        word: &'a str,
        token: Option<Token>,
        to: &mut Shared<'a>,
        start: usize,
    ) -> Scanned<()> {
        let is_second = match token {
            Some(Token::Version) => to.version.is_some(),
            Some(Token::Profile) => to.profile.is_some(),
            _ => false,
        };
        if is_second {
            return self.fault_in(word.as_bytes(), Rule::ParameterTwice);
        }
        match token {
            Some(Token::ServiceChangeAddress | Token::MgcIdToTry) if to.target.is_some() => {
                return self.fault_in(word.as_bytes(), Rule::Target);
            }
            Some(Token::ServiceChangeAddress) => {
                self.equal()?;
                to.target = Some(ServiceTarget::Address(self.address()?));
            }
            Some(Token::MgcIdToTry) => {
                self.equal()?;
                to.target = Some(ServiceTarget::Mgc(self.mid(Rule::Mid)?));
            }
            Some(Token::Version) => {
                self.equal()?;
                let digits = self.word(Rule::Version)?;
                to.version = version(digits);
                if to.version.is_none() {
                    return self.fault_in(digits, Rule::Version);
                }
            }
            Some(Token::Profile) => {
                self.equal()?;
                let text = self.text(Rule::Profile)?;
                to.profile = text.split_once('/').filter(|(name, _)| is_name(name) && *name != "*").and_then(
                    |(name, digits)| {
                        Some(Profile { name: Caseless::new(name), version: version(digits.as_bytes())? })
                    },
                );
                if to.profile.is_none() {
                    return self.fault_in(text.as_bytes(), Rule::Profile);
                }
            }
            _ => match time_stamp(word.as_bytes()) {
                Some(time) if to.time.is_none() => to.time = Some(time),
                _ => return self.fault_from(start, Rule::ServiceChange),
            },
        }
        Ok(())
    }

    fn address(&mut self) -> Scanned<Address<'a>> {
        if matches!(self.peek(), Some(b'[' | b'<')) {
            return self.mid(Rule::Mid).map(Address::Mid);
        }
        let start = self.at();
        let word = self.word(Rule::Mid)?;
        if word.iter().all(u8::is_ascii_digit) {
            let port = number(word, 5).and_then(|port| u16::try_from(port).ok());
            return match port {
                Some(port) => Ok(Address::Port(port)),
                None => self.fault_in(word, Rule::Number16),
            };
        }
        self.go_back(start);
        self.mid(Rule::Mid).map(Address::Mid)
    }

    /// A reply behind `ServiceChange =`.
    pub(super) fn service_change_reply(&mut self) -> Scanned<ServiceChangeReply<'a>> {
        let terminations = self.terminations()?;
        let mut shared = Shared::default();
        if self.peek() == Some(b'{') {
            self.open()?;
            match self.token(Rule::Descriptor)? {
                Token::Error => {
                    let error = self.error_descriptor()?;
                    self.close()?;
                    return Ok(ServiceChangeReply {
                        terminations,
                        result: ServiceChangeResult::Error(error),
                    });
                }
                Token::Services => {}
                _ => return self.fault_from(self.at(), Rule::Descriptor),
            }
            self.braced(|scanner| {
                let start = scanner.at();
                let word = scanner.text(Rule::ServiceChange)?;
                scanner.shared(word, Token::find(word.as_bytes()), &mut shared, start)
            })?;
            self.close()?;
        }
        let Shared { target, version, profile, time } = shared;
        let result = ServiceChangeResult::Accepted { target, version, profile, time };
        Ok(ServiceChangeReply { terminations, result })
    }
}

fn version(digits: &[u8]) -> Option<Version> {
    number(digits, 2).and_then(|version| Version::new(u8::try_from(version).ok()?))
}
