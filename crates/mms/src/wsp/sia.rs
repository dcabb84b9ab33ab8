//! Session initiation (WAP-235, media type application/vnd.wap.sia): a push that asks a client to begin a session with a
//! contact point, for the applications that are listed.

use super::header::ApplicationId;
use super::pdu::{Addresses, BearerAddress};
use crate::error::{DecodeError, Fault, Rule};
use crate::octets::{Reader, put_integer, put_size, put_text};
use crate::text::Text;

/// The body of a session initiation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInitiation<'a> {
    /// Major version in the upper half, minor in the lower.
    pub version: u8,
    applications: &'a [u8],
    contacts: Addresses<'a>,
}

impl<'a> SessionInitiation<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset, an excerpt and the rule broken.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes)).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn read(mut reader: Reader<'a>) -> Result<Self, Fault> {
        let version = reader.octet()?;
        let length = reader.length()?;
        let mut list = reader.sub(length, Rule::LengthPastEnd)?;
        let applications = list.rest();
        while !list.is_empty() {
            application(&mut list)?;
        }
        let length = reader.length()?;
        let start = reader.offset();
        let contacts = reader.take(length, Rule::LengthPastEnd)?;
        let contacts =
            Addresses::decode(contacts).map_err(|error| Fault::at(start + error.offset, error.rule))?;
        reader.finish(Rule::Trailing)?;
        Ok(Self { version, applications, contacts })
    }

    /// The applications that the session is for.
    pub fn applications(&self) -> impl Iterator<Item = ApplicationId<'a>> + use<'a> {
        let mut reader = Reader::new(self.applications);
        std::iter::from_fn(move || if reader.is_empty() { None } else { application(&mut reader).ok() })
    }

    /// Where to connect to.
    pub fn contacts(&self) -> impl Iterator<Item = BearerAddress<'a>> + use<'a> {
        self.contacts.iter()
    }

    /// Appends a body.
    pub fn write(
        version: u8,
        applications: &[ApplicationId<'_>],
        contacts: &Addresses<'_>,
        out: &mut Vec<u8>,
    ) {
        out.push(version);
        let mut list = Vec::new();
        for id in applications {
            match id {
                ApplicationId::Number(number) => put_integer(*number, &mut list),
                ApplicationId::Uri(uri) => put_text(uri.as_bytes(), &mut list),
            }
        }
        put_size(list.len(), out);
        out.extend_from_slice(&list);
        put_size(contacts.as_bytes().len(), out);
        out.extend_from_slice(contacts.as_bytes());
    }
}

fn application<'a>(reader: &mut Reader<'a>) -> Result<ApplicationId<'a>, Fault> {
    match reader.peek() {
        Some(0x20..=0x7f) => reader.text().map(|uri| ApplicationId::Uri(Text::of(uri))),
        _ => reader.integer().map(ApplicationId::Number),
    }
}
