//! Whether a message has what every message must have (RFC 3261 sections 8.1.1, 8.2 and 18.1.2).
//!
//! A field that nobody asks for may be wrong: only those that this crate serves a request by are read here.

use crate::error::{DecodeError, Found, Rule};
use crate::limits::Limits;
use crate::message::grammar::{is_word, number, trim};
use crate::message::{Address, CSeq, Message, Method, Name, StartLine, Via};

/// Checks a message that was decoded.
///
/// # Errors
/// The first rule that it breaks, with [`DecodeError::status`] for a request. The offset is that of the field's place in the
/// header: the first is 0.
pub fn check(message: &Message<'_>, limits: &Limits) -> Result<(), DecodeError> {
    let header = &message.header;
    for (at, field) in header.iter().enumerate() {
        let broken = |rule| Err(DecodeError { offset: at, found: Found::new(field.value.as_bytes()), rule });
        if field.name.is_single() && header.iter().take(at).any(|before| before.name == field.name) {
            return broken(Rule::Repeated);
        }
        if let Err(rule) = check_value(&field.name, &field.value, limits) {
            return broken(rule);
        }
    }
    // What others on the way have for branches is their affair.
    let own = header.iter().enumerate().find(|(_, field)| field.name == Name::Via);
    if let (Some((at, field)), Some(via)) = (own, header.via())
        && via.branch() == Some(crate::message::MAGIC_COOKIE)
    {
        return Err(DecodeError {
            offset: at,
            found: Found::new(field.value.as_bytes()),
            rule: Rule::Branch,
        });
    }
    let missing = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq]
        .into_iter()
        .find(|name| header.get(name).is_none());
    if let Some(name) = missing {
        return Err(DecodeError {
            offset: header.len(),
            found: Found::new(name.as_str().as_bytes()),
            rule: Rule::Missing,
        });
    }
    match &message.start {
        StartLine::Request { method, uri } => {
            let found = Found::new(method.as_str().as_bytes());
            let matches = header.cseq().is_some_and(|cseq| cseq.method == *method);
            if !matches {
                // A method that nobody knows is told of first (RFC 4475 section 3.1.2.18).
                let unknown = matches!(method, Method::Other(_));
                let rule = if unknown { Rule::UnknownMethod } else { Rule::CSeqMethod };
                return Err(DecodeError { offset: 0, found, rule });
            }
            if uri.as_sip().is_none() {
                let found = Found::new(uri.to_string().as_bytes());
                return Err(DecodeError { offset: 0, found, rule: Rule::Scheme });
            }
            Ok(())
        }
        StartLine::Response { .. } => Ok(()),
    }
}

fn check_value(name: &Name<'_>, value: &str, limits: &Limits) -> Result<(), Rule> {
    let list = || crate::message::grammar::split_list(value);
    let all_are = |is: fn(&str) -> bool, rule| if list().all(is) { Ok(()) } else { Err(rule) };
    if list().nth(limits.values).is_some() {
        return Err(Rule::ValueCount);
    }
    match name {
        Name::Via => all_are(|value| Via::parse(value).is_some(), Rule::Via),
        Name::From | Name::To => Address::parse(value).map(drop).ok_or(Rule::NameAddress),
        Name::CallId => {
            let word = match value.split_once('@') {
                Some((first, second)) => is_word(first) && is_word(second),
                None => is_word(value),
            };
            if word { Ok(()) } else { Err(Rule::Value) }
        }
        Name::CSeq => match CSeq::parse(value) {
            Some(_) => Ok(()),
            None => {
                let first = value.split(crate::message::grammar::is_space).next().unwrap_or_default();
                let digits = !first.is_empty() && first.bytes().all(|octet| octet.is_ascii_digit());
                let method = Method::new(trim(value.get(first.len()..).unwrap_or_default()));
                Err(if digits && method.is_some() { Rule::Range } else { Rule::Value })
            }
        },
        Name::Contact => all_are(|value| value == "*" || Address::parse(value).is_some(), Rule::NameAddress),
        Name::Route | Name::RecordRoute => all_are(
            |value| Address::parse(value).is_some_and(|address| address.uri.as_sip().is_some()),
            Rule::NameAddress,
        ),
        Name::MaxForwards => number::<u32>(value).map(drop).ok_or(Rule::Value),
        Name::RSeq => number::<u32>(value).map(drop).ok_or(Rule::Value),
        Name::RAck => crate::message::RAck::parse(value).map(drop).ok_or(Rule::Value),
        Name::SessionExpires => crate::message::SessionExpires::parse(value).map(drop).ok_or(Rule::Value),
        Name::ReferTo | Name::ReferredBy => Address::parse(value).map(drop).ok_or(Rule::NameAddress),
        _ => Ok(()),
    }
}
