//! Service changes from BER.

use super::Reader;
use crate::binary::ber::{Element, Parsed};
use crate::binary::care::Care;
use crate::binary::value::text_of;
use crate::error::Rule;
use crate::message::{
    Address, Caseless, Extension, Method, NonStandard, Profile, Reason, ServiceChange, ServiceChangeReply,
    ServiceChangeResult, ServiceTarget, Version,
};
use crate::package::Type;

impl<'a, C: Care> Reader<'a, C> {
    pub(super) fn service_change(&mut self, element: Element<'a, C>) -> Parsed<ServiceChange<'a>, C> {
        let mut members = element.members(self.depth())?;
        let (mut method, mut target, mut version, mut profile, mut reason) = (None, None, None, None, None);
        let (mut delay, mut time, mut non_standard, mut info, mut is_incomplete) =
            (None, None, None, None, false);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => method = Some(self.method(member)?),
                1 => target = Some(ServiceTarget::Address(self.address(member)?)),
                2 => version = Some(self.version(member)?),
                3 => profile = Some(self.profile(member)?),
                4 => reason = Some(self.reason(member)?),
                5 => delay = Some(member.unsigned32()?),
                6 if target.is_some() => return member.fault(Rule::Target),
                6 => target = Some(ServiceTarget::Mgc(self.mid(member.only(self.depth())?)?)),
                7 => time = Some(self.time(member)?),
                8 => non_standard = Some(self.non_standard(member)?),
                9 => info = Some(self.audit_descriptor(member)?),
                10 => is_incomplete = member.null()?,
                _ => {}
            }
        }
        let (Some(method), Some(reason)) = (method, reason) else {
            return element.fault(Rule::MethodMissing);
        };
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

    fn method(&self, element: Element<'a, C>) -> Parsed<Method<'a>, C> {
        Ok(match element.integer()? {
            0 => Method::Failover,
            1 => Method::Forced,
            2 => Method::Graceful,
            3 => Method::Restart,
            4 => Method::Disconnected,
            5 => Method::HandOff,
            _ => return element.fault(Rule::Method),
        })
    }

    fn address(&mut self, element: Element<'a, C>) -> Parsed<Address<'a>, C> {
        let choice = element.only(self.depth())?;
        match choice.number() {
            0 => choice.unsigned16().map(Address::Port),
            number @ 1..=5 => self.mid_from(choice, number - 1).map(Address::Mid),
            _ => choice.fault(Rule::Mid),
        }
    }

    fn profile(&mut self, element: Element<'a, C>) -> Parsed<Profile<'a>, C> {
        let Some((0, name)) = element.members(self.depth())?.next()? else {
            return element.fault(Rule::Profile);
        };
        let text = name.text()?;
        let read = text.split_once('/').and_then(|(name, digits)| {
            let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let is_legal =
                begins && name.len() <= 64 && name.bytes().all(legal) && (1..=2).contains(&digits.len());
            let version = digits.parse().ok().filter(|_| is_legal).and_then(Version::new)?;
            Some(Profile { name: Caseless::new(name), version })
        });
        match read {
            Some(profile) => Ok(profile),
            None => name.fault(Rule::Profile),
        }
    }

    fn reason(&mut self, element: Element<'a, C>) -> Parsed<Reason<'a>, C> {
        let text = element.only(self.depth())?;
        let reason = std::str::from_utf8(text_of(text.primitive()?)).ok().and_then(Reason::new);
        match reason {
            Some(reason) => Ok(reason),
            None => text.fault(Rule::BerText),
        }
    }

    pub(super) fn service_change_reply(
        &mut self,
        element: Element<'a, C>,
    ) -> Parsed<ServiceChangeReply<'a>, C> {
        let mut members = element.members(self.depth())?;
        let (mut terminations, mut result) = (None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => terminations = Some(self.terminations(member)?),
                1 => {
                    let choice = member.only(self.depth())?;
                    result = Some(match choice.number() {
                        0 => ServiceChangeResult::Error(self.error_descriptor(choice)?),
                        1 => self.accepted(choice)?,
                        _ => return choice.fault(Rule::BerType),
                    });
                }
                _ => {}
            }
        }
        match (terminations, result) {
            (Some(terminations), Some(result)) => Ok(ServiceChangeReply { terminations, result }),
            _ => element.fault(Rule::BerMember),
        }
    }

    fn accepted(&mut self, element: Element<'a, C>) -> Parsed<ServiceChangeResult<'a>, C> {
        let mut members = element.members(self.depth())?;
        let (mut target, mut version, mut profile, mut time) = (None, None, None, None);
        while let Some((number, member)) = members.next()? {
            match number {
                0 => target = Some(ServiceTarget::Mgc(self.mid(member.only(self.depth())?)?)),
                1 if target.is_some() => return member.fault(Rule::Target),
                1 => target = Some(ServiceTarget::Address(self.address(member)?)),
                2 => version = Some(self.version(member)?),
                3 => profile = Some(self.profile(member)?),
                4 => time = Some(self.time(member)?),
                _ => {}
            }
        }
        Ok(ServiceChangeResult::Accepted { target, version, profile, time })
    }

    /// Something of a vendor's own: an extension parameter when it is named like one, else as it came.
    pub(super) fn non_standard(&mut self, element: Element<'a, C>) -> Parsed<NonStandard<'a>, C> {
        let kept = NonStandard::Binary(element.constructed()?.rest);
        let mut members = element.members(self.depth())?;
        let (Some((0, identifier)), Some((1, data))) = (members.next()?, members.next()?) else {
            return element.fault(Rule::BerMember);
        };
        let choice = identifier.only(self.depth())?;
        if choice.number() != 2 {
            return Ok(kept);
        }
        let name = choice.text().ok().and_then(|name| Extension::new(name.trim_ascii_end()));
        Ok(name.map_or(kept, |name| {
            let value = crate::binary::value::read(data.contents.rest, Type::None);
            NonStandard::Extension(name, value.into())
        }))
    }
}
