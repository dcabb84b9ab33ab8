//! The header of user data (3GPP TS 23.040 section 9.2.3.24): ports and concatenation, elements in any order, each read once.

use std::fmt;

use crate::error::{DecodeError, Fault, Rule};
use crate::octets::Reader;

/// Octets of user data that a short message carries, with its header.
pub const LARGEST: usize = 140;

/// Source and destination of what a short message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// The application that it is for.
    pub destination: u16,
    /// The application that it comes from.
    pub source: u16,
}

impl Ports {
    /// A push to a client: 2948 from 9200.
    pub const PUSH: Self = Self { destination: 2948, source: 9200 };
    /// The port of a client for secure push, which is not read here.
    pub const PUSH_SECURE: u16 = 2949;
}

/// How wide a reference of concatenation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// Eight bits.
    Narrow,
    /// Sixteen bits.
    Wide,
}

/// The place of a part among the parts of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concatenation {
    /// What the parts of a message have in common.
    pub reference: u16,
    /// How wide it is on the wire.
    pub width: Width,
    /// How many parts there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub part: u8,
}

/// An element that is neither ports nor concatenation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its identifier.
    pub id: u8,
    /// Its data.
    pub data: &'a [u8],
}

/// The user data of a short message that has a header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserData<'a> {
    /// The ports.
    pub ports: Option<Ports>,
    /// The place among the parts.
    pub concatenation: Option<Concatenation>,
    elements: &'a [u8],
    /// What the message carries.
    pub payload: &'a [u8],
}

const CONCATENATION_8: u8 = 0x00;
const PORTS_8: u8 = 0x04;
const PORTS_16: u8 = 0x05;
const CONCATENATION_16: u8 = 0x08;

impl<'a> UserData<'a> {
    /// Decodes user data that begin with a header (TP-UDHI is set).
    ///
    /// # Errors
    /// [`DecodeError`] with the offset, an excerpt and the rule broken.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(bytes).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > LARGEST {
            return Err(Fault::at(LARGEST, Rule::UserData));
        }
        let mut reader = Reader::new(bytes);
        let length = reader.octet()?;
        let mut header =
            reader.sub(usize::from(length), Rule::UdhLength).map_err(|_| Fault::at(0, Rule::UdhLength))?;
        let mut data =
            Self { ports: None, concatenation: None, elements: header.rest(), payload: reader.rest() };
        while !header.is_empty() {
            data.element(&mut header)?;
        }
        Ok(data)
    }

    fn element(&mut self, header: &mut Reader<'_>) -> Result<(), Fault> {
        let start = header.offset();
        let element = read_element(header)?;
        let malformed = Fault::over(start, header.offset() - start, Rule::UdhElementLength);
        let ports = match (element.id, element.data) {
            (PORTS_16, [d0, d1, s0, s1]) => {
                Ports { destination: u16::from_be_bytes([*d0, *d1]), source: u16::from_be_bytes([*s0, *s1]) }
            }
            (PORTS_8, [destination, source]) => {
                Ports { destination: u16::from(*destination), source: u16::from(*source) }
            }
            (CONCATENATION_8, [reference, total, part]) => {
                let reference = u16::from(*reference);
                let place = Concatenation { reference, width: Width::Narrow, total: *total, part: *part };
                return self.concatenate(place, start);
            }
            (CONCATENATION_16, [high, low, total, part]) => {
                let reference = u16::from_be_bytes([*high, *low]);
                let place = Concatenation { reference, width: Width::Wide, total: *total, part: *part };
                return self.concatenate(place, start);
            }
            (PORTS_8 | PORTS_16 | CONCATENATION_8 | CONCATENATION_16, _) => return Err(malformed),
            _ => return Ok(()),
        };
        if self.ports.replace(ports).is_some() {
            return Err(Fault::at(start, Rule::UdhRepeated));
        }
        Ok(())
    }

    fn concatenate(&mut self, place: Concatenation, start: usize) -> Result<(), Fault> {
        if place.total == 0 || place.part == 0 || place.part > place.total {
            return Err(Fault::at(start, Rule::UdhPart));
        }
        if self.concatenation.replace(place).is_some() {
            return Err(Fault::at(start, Rule::UdhRepeated));
        }
        Ok(())
    }

    /// The elements that are neither ports nor concatenation, in order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut reader = Reader::new(self.elements);
        std::iter::from_fn(move || if reader.is_empty() { None } else { read_element(&mut reader).ok() })
            .filter(|element| !matches!(element.id, PORTS_8 | PORTS_16 | CONCATENATION_8 | CONCATENATION_16))
    }
}

impl fmt::Debug for UserData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("ports", &self.ports)
            .field("concatenation", &self.concatenation)
            .field("payload", &self.payload.len())
            .finish_non_exhaustive()
    }
}

fn read_element<'a>(header: &mut Reader<'a>) -> Result<Element<'a>, Fault> {
    let start = header.offset();
    let id = header.octet()?;
    let element = |_| Fault::at(start, Rule::UdhElement);
    let length = header.octet().map_err(element)?;
    let data = header.take(usize::from(length), Rule::UdhElement).map_err(element)?;
    Ok(Element { id, data })
}

/// Appends a header: ports of 16 bits, then the place among the parts.
pub(super) fn put_header(ports: Ports, place: Option<Concatenation>, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    out.extend_from_slice(&[PORTS_16, 4]);
    out.extend_from_slice(&ports.destination.to_be_bytes());
    out.extend_from_slice(&ports.source.to_be_bytes());
    if let Some(place) = place {
        match place.width {
            Width::Narrow => out.extend_from_slice(&[CONCATENATION_8, 3, place.reference as u8]),
            Width::Wide => {
                out.extend_from_slice(&[CONCATENATION_16, 4]);
                out.extend_from_slice(&place.reference.to_be_bytes());
            }
        }
        out.extend_from_slice(&[place.total, place.part]);
    }
    let length = out.len() - start - 1;
    if let Some(slot) = out.get_mut(start) {
        *slot = length as u8;
    }
}
