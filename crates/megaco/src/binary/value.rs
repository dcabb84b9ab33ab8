//! Values in octet strings, double-wrapped or raw (RFC 3525 Annex A.2 note 4).
//!
//! A word for which the tables have no number is wrapped as UTF8String, which the note has for text with other than ASCII characters: so
//! a word of a foreign package comes back as a word.

use std::borrow::Cow;

use super::ValueForm;
use super::ber::{Element, Parsed, Sink, integer};
use super::care::Care;
use super::read::Reader;
use crate::error::{EncodeError, Rule};
use crate::message::{ItemName, Name, Relation, Setting, Value};
use crate::package::{Type, Written, from_text, is_safe, write_value};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const UTF8: u8 = 0x0c;
const IA5: u8 = 0x16;

/// The tag and the contents, if octets are one element of a type that stands for values.
fn wrapped(octets: &[u8]) -> Option<(u8, &[u8])> {
    let [tag @ (BOOLEAN | INTEGER | OCTETS | ENUMERATED | UTF8 | IA5), rest @ ..] = octets else {
        return None;
    };
    let (length, contents) = match rest {
        [length @ 0..=0x7f, contents @ ..] => (usize::from(*length), contents),
        [0x81, length, contents @ ..] => (usize::from(*length), contents),
        [0x82, high, low, contents @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), contents),
        _ => return None,
    };
    (contents.len() == length).then_some((*tag, contents))
}

/// The text of a value that is text, wrapped or raw.
pub(super) fn text_of(octets: &[u8]) -> &[u8] {
    match wrapped(octets) {
        Some((IA5 | UTF8, contents)) => contents,
        _ => octets,
    }
}

/// The value in an octet string.
pub(super) fn read(octets: &[u8], kind: Type) -> Value<'_> {
    let Some((tag, contents)) = wrapped(octets) else { return raw(octets, kind) };
    let text = || std::str::from_utf8(contents).ok();
    let read = match tag {
        BOOLEAN => contents.first().filter(|_| contents.len() == 1).map(|octet| Value::Boolean(*octet != 0)),
        INTEGER | ENUMERATED => integer(contents).map(|number| match (kind, u32::try_from(number)) {
            (Type::Fraction, _) => Value::Fraction(number.cast_unsigned()),
            (Type::Enumeration(_), Ok(number)) => Value::Enumeration(number),
            (Type::None, Ok(number)) if tag == ENUMERATED => Value::Enumeration(number),
            _ => Value::Integer(number),
        }),
        OCTETS => match (kind, contents) {
            (Type::Signal, [high, low, above, below]) => {
                item(u16::from_be_bytes([*high, *low]), u16::from_be_bytes([*above, *below])).map(Value::Item)
            }
            _ => Some(Value::Octets(Cow::Borrowed(contents))),
        },
        _ => text().map(|text| {
            let is_word = !text.is_empty() && text.bytes().all(is_safe);
            match kind {
                Type::String => Value::String(text),
                Type::Word if is_word => Value::Token(text),
                _ if is_word && tag == UTF8 => Value::Token(text),
                _ => Value::String(text),
            }
        }),
    };
    // An element with contents that its type has not is not one by intention.
    read.unwrap_or_else(|| raw(octets, kind))
}

fn raw(octets: &[u8], kind: Type) -> Value<'_> {
    let Ok(text) = std::str::from_utf8(octets) else { return Value::Octets(Cow::Borrowed(octets)) };
    let is_word = !text.is_empty() && text.bytes().all(is_safe);
    from_text(kind, Written { text, is_quoted: !is_word })
}

/// An item of a package from its two identifiers; 0xFFFF is all of them.
pub(super) fn item(package: u16, item: u16) -> Option<ItemName<'static>> {
    let name = |id: u16| if id == 0xffff { Name::All } else { Name::Id(id) };
    ItemName::new(name(package), name(item))
}

/// Writes a value as an octet string.
pub(super) fn write(
    sink: &mut Sink<'_>,
    value: &Value<'_>,
    kind: Type,
    form: ValueForm,
) -> Result<(), EncodeError> {
    let start = sink.open(OCTETS);
    if form == ValueForm::Raw {
        write_value(value, kind, sink.out)?;
    } else {
        write_wrapped(sink, value, kind)?;
    }
    sink.close(start);
    Ok(())
}

fn write_wrapped(sink: &mut Sink<'_>, value: &Value<'_>, kind: Type) -> Result<(), EncodeError> {
    match value {
        Value::Integer(number) => sink.integer(INTEGER, *number),
        Value::Boolean(value) => sink.boolean(BOOLEAN, *value),
        Value::Enumeration(number) => sink.integer(ENUMERATED, (*number).into()),
        Value::Fraction(fraction) => sink.integer(INTEGER, fraction.cast_signed()),
        Value::Token(text) => sink.primitive(if kind == Type::Word { IA5 } else { UTF8 }, text.as_bytes()),
        Value::String(text) => sink.primitive(if text.is_ascii() { IA5 } else { UTF8 }, text.as_bytes()),
        Value::Octets(octets) => sink.primitive(OCTETS, octets),
        Value::Item(name) => sink.primitive(OCTETS, &item_octets(*name)?),
    }
    Ok(())
}

/// Text as an octet string.
pub(super) fn write_text(sink: &mut Sink<'_>, text: &[u8], form: ValueForm) {
    let start = sink.open(OCTETS);
    match form {
        ValueForm::Raw => sink.out.extend_from_slice(text),
        ValueForm::Wrapped => sink.primitive(if text.is_ascii() { IA5 } else { UTF8 }, text),
    }
    sink.close(start);
}

/// The identifier of a name.
pub(super) fn id(what: &'static str, name: Name<'_>) -> Result<u16, EncodeError> {
    match name {
        Name::Id(id) => Ok(id),
        Name::All => Ok(0xffff),
        Name::Text(text) => Err(EncodeError::Unmapped { what, name: text.as_str().to_owned() }),
    }
}

/// The four octets of an item.
pub(super) fn item_octets(name: ItemName<'_>) -> Result<[u8; 4], EncodeError> {
    let [high, low] = id("package", name.package())?.to_be_bytes();
    let [above, below] = id("item of a package", name.item())?.to_be_bytes();
    Ok([high, low, above, below])
}

/// Writes the members `value` and `extraInfo` of a property or parameter.
pub(super) fn write_setting(
    sink: &mut Sink<'_>,
    setting: &Setting<'_>,
    kind: Type,
    form: ValueForm,
) -> Result<(), EncodeError> {
    let kind = kind.element();
    let start = sink.open(0xa1);
    match setting {
        Setting::One(value) | Setting::Relation(_, value) => write(sink, value, kind, form)?,
        Setting::Choose if form == ValueForm::Raw => sink.primitive(OCTETS, b"$"),
        Setting::Choose => {}
        Setting::Range(range) => {
            let (first, last) = range.as_ref();
            write(sink, first, kind, form)?;
            write(sink, last, kind, form)?;
        }
        Setting::All(values) | Setting::Any(values) => {
            let is_legal = !values.is_empty() && (values.len() > 1 || matches!(setting, Setting::All(_)));
            if !is_legal {
                return Err(EncodeError::Illegal { what: "a list without values, or a choice of one" });
            }
            values.iter().try_for_each(|value| write(sink, value, kind, form))?;
        }
    }
    sink.close(start);
    let start = sink.open(0xa2);
    match setting {
        Setting::Relation(relation, _) => sink.primitive(0x80, &[*relation as u8]),
        Setting::Range(..) => sink.boolean(0x81, true),
        Setting::All(_) => sink.boolean(0x82, true),
        Setting::Any(_) if form == ValueForm::Raw => sink.boolean(0x82, false),
        _ => {
            // Nothing to say: the member is left out.
            sink.out.truncate(start - 2);
            return Ok(());
        }
    }
    sink.close(start);
    Ok(())
}

impl<'a, C: Care> Reader<'a, C> {
    /// The values of a member `value`, and what `extraInfo` says about them.
    pub(super) fn setting(
        &mut self,
        values: Element<'a, C>,
        extra: Option<Element<'a, C>>,
        kind: Type,
    ) -> Parsed<Setting<'a>, C> {
        let kind = kind.element();
        let mut octets = values.constructed()?;
        let depth = self.depth();
        let mut next = || match octets.next(depth)? {
            Some(element) if element.tag == OCTETS => Ok(Some(read(element.contents.rest, kind))),
            Some(element) => element.fault(Rule::BerType),
            None => Ok(None),
        };
        let extra = match extra {
            Some(extra) => Some(extra.only(depth)?),
            None => None,
        };
        let Some(first) = next()? else {
            return if extra.is_none() { Ok(Setting::Choose) } else { values.fault(Rule::BerMember) };
        };
        let second = next()?;
        if second.is_none() && extra.is_none() {
            return Ok(Setting::from(first));
        }
        let mut all = vec![first];
        all.extend(second);
        while let Some(value) = next()? {
            all.push(value);
        }
        let count = all.len();
        let mut all = all.into_iter();
        match extra.map(|extra| (extra.number(), extra)) {
            Some((0, relation)) => {
                let relation = match relation.small(2)? {
                    0 => Relation::Greater,
                    1 => Relation::Smaller,
                    _ => Relation::Unequal,
                };
                match (all.next(), count) {
                    (Some(value), 1) => Ok(Setting::Relation(relation, value)),
                    _ => values.fault(Rule::BerMember),
                }
            }
            Some((1, range)) if range.boolean()? => match (all.next(), all.next(), count) {
                (Some(first), Some(last), 2) => Ok(Setting::Range(Box::new((first, last)))),
                _ => values.fault(Rule::BerMember),
            },
            Some((2, sublist)) if sublist.boolean()? => Ok(Setting::All(all.collect())),
            _ => match (count, all.len()) {
                (1, _) => Ok(all.next().map_or(Setting::Choose, Setting::from)),
                _ => Ok(Setting::Any(all.collect())),
            },
        }
    }
}
