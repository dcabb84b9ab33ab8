//! The kinds of values that header fields have (MMS ENC, header fields): how each is read, written and shown.

use super::codes::{
    CancelStatus, ContentClass, MessageType, MmState, Priority, ReadStatus, ReplyCharging, ResponseStatus,
    RetrievalMode, RetrieveStatus, SenderVisibility, Status, StoreStatus, Version, YesNo,
};
use super::field::FieldCode;

/// A value of one octet with bit 7 set.
pub(super) trait Token: Sized + Copy + std::fmt::Display {
    fn of_code(code: u8) -> Self;
    fn to_code(self) -> u8;
}

macro_rules! tokens {
    ($($name:ident),*) => {
        $(impl Token for $name {
            #[inline]
            fn of_code(code: u8) -> Self {
                Self::from_code(code)
            }

            #[inline]
            fn to_code(self) -> u8 {
                self.code()
            }
        })*
    };
}

tokens! {
    CancelStatus, ContentClass, FieldCode, MessageType, MmState, Priority, ReadStatus, ReplyCharging, ResponseStatus, RetrievalMode,
    RetrieveStatus, SenderVisibility, Status, StoreStatus, Version, YesNo
}

pub(super) mod read {
    //! From the wire.

    use super::Token;
    use crate::error::Fault;
    use crate::message::value::{
        BoxSize, Counted, ElementDescriptor, EncodedString, MessageClass, MmFlags, PreviousDate,
        PreviousSender, Sender, When,
    };
    use crate::octets::Reader;
    use crate::text::Text;
    use crate::wsp::content_type::ContentType;

    #[inline]
    pub(in crate::message) fn encoded<'a>(reader: &mut Reader<'a>) -> Result<EncodedString<'a>, Fault> {
        EncodedString::read(reader)
    }

    #[inline]
    pub(in crate::message) fn text<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, Fault> {
        reader.text().map(Text::of)
    }

    #[inline]
    pub(in crate::message) fn counted_text<'a>(reader: &mut Reader<'a>) -> Result<Counted<Text<'a>>, Fault> {
        counted(reader, text)
    }

    #[inline]
    pub(in crate::message) fn counted_token<T: Token>(reader: &mut Reader<'_>) -> Result<Counted<T>, Fault> {
        counted(reader, token)
    }

    /// A length tells a value with a number in front from one without.
    #[inline]
    fn counted<'a, T>(
        reader: &mut Reader<'a>,
        read: fn(&mut Reader<'a>) -> Result<T, Fault>,
    ) -> Result<Counted<T>, Fault> {
        if !matches!(reader.peek(), Some(1..=0x1f)) {
            return read(reader).map(Counted::plain);
        }
        let mut inner = reader.value()?;
        let value = Counted { count: Some(inner.integer()?), value: read(&mut inner)? };
        inner.finish(crate::error::Rule::LengthNotUsed)?;
        Ok(value)
    }

    #[inline]
    pub(in crate::message) fn token<T: Token>(reader: &mut Reader<'_>) -> Result<T, Fault> {
        reader.token().map(T::of_code)
    }

    #[inline]
    pub(in crate::message) fn date(reader: &mut Reader<'_>) -> Result<u64, Fault> {
        // A short integer is not what the standard says, but is no riddle.
        reader.integer()
    }

    #[inline]
    pub(in crate::message) fn size(reader: &mut Reader<'_>) -> Result<u64, Fault> {
        reader.integer()
    }

    #[inline]
    pub(in crate::message) fn integer(reader: &mut Reader<'_>) -> Result<u64, Fault> {
        reader.integer()
    }

    #[inline]
    pub(in crate::message) fn when(reader: &mut Reader<'_>) -> Result<When, Fault> {
        When::read(reader)
    }

    #[inline]
    pub(in crate::message) fn sender<'a>(reader: &mut Reader<'a>) -> Result<Sender<'a>, Fault> {
        Sender::read(reader)
    }

    #[inline]
    pub(in crate::message) fn class<'a>(reader: &mut Reader<'a>) -> Result<MessageClass<'a>, Fault> {
        MessageClass::read(reader)
    }

    #[inline]
    pub(in crate::message) fn content_type<'a>(reader: &mut Reader<'a>) -> Result<ContentType<'a>, Fault> {
        ContentType::read(reader)
    }

    pub(in crate::message) fn previous_sender<'a>(
        reader: &mut Reader<'a>,
    ) -> Result<PreviousSender<'a>, Fault> {
        PreviousSender::read(reader)
    }

    pub(in crate::message) fn previous_date(reader: &mut Reader<'_>) -> Result<PreviousDate, Fault> {
        PreviousDate::read(reader)
    }

    pub(in crate::message) fn flags<'a>(reader: &mut Reader<'a>) -> Result<MmFlags<'a>, Fault> {
        MmFlags::read(reader)
    }

    pub(in crate::message) fn box_size(reader: &mut Reader<'_>) -> Result<BoxSize, Fault> {
        BoxSize::read(reader)
    }

    pub(in crate::message) fn element<'a>(reader: &mut Reader<'a>) -> Result<ElementDescriptor<'a>, Fault> {
        ElementDescriptor::read(reader)
    }

    pub(in crate::message) fn raw<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
        reader.any_value()
    }
}

pub(super) mod write {
    //! To the wire.

    use super::Token;
    use crate::message::value::{
        BoxSize, Counted, ElementDescriptor, EncodedString, MessageClass, MmFlags, PreviousDate,
        PreviousSender, Sender, When,
    };
    use crate::octets::{put_integer, put_long_integer, put_text, put_value};
    use crate::text::Text;
    use crate::wsp::content_type::ContentType;

    #[inline]
    pub(in crate::message) fn encoded(value: &EncodedString<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    #[inline]
    pub(in crate::message) fn text(value: &Text<'_>, out: &mut Vec<u8>) {
        put_text(value.as_bytes(), out);
    }

    #[inline]
    pub(in crate::message) fn counted_text(value: &Counted<Text<'_>>, out: &mut Vec<u8>) {
        counted(value, text, out);
    }

    #[inline]
    pub(in crate::message) fn counted_token<T: Token>(value: &Counted<T>, out: &mut Vec<u8>) {
        counted(value, token, out);
    }

    #[inline]
    fn counted<T>(value: &Counted<T>, write: fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
        match value.count {
            None => write(&value.value, out),
            Some(count) => put_value(out, |out| {
                put_integer(count, out);
                write(&value.value, out);
            }),
        }
    }

    #[inline]
    pub(in crate::message) fn token<T: Token>(value: &T, out: &mut Vec<u8>) {
        out.push(value.to_code());
    }

    #[inline]
    pub(in crate::message) fn date(value: &u64, out: &mut Vec<u8>) {
        put_long_integer(*value, out);
    }

    #[inline]
    pub(in crate::message) fn size(value: &u64, out: &mut Vec<u8>) {
        put_long_integer(*value, out);
    }

    #[inline]
    pub(in crate::message) fn integer(value: &u64, out: &mut Vec<u8>) {
        put_integer(*value, out);
    }

    #[inline]
    pub(in crate::message) fn when(value: &When, out: &mut Vec<u8>) {
        value.write(out);
    }

    #[inline]
    pub(in crate::message) fn sender(value: &Sender<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    #[inline]
    pub(in crate::message) fn class(value: &MessageClass<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    #[inline]
    pub(in crate::message) fn content_type(value: &ContentType<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn previous_sender(value: &PreviousSender<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn previous_date(value: &PreviousDate, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn flags(value: &MmFlags<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn box_size(value: &BoxSize, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn element(value: &ElementDescriptor<'_>, out: &mut Vec<u8>) {
        value.write(out);
    }

    pub(in crate::message) fn raw(value: &&[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
    }
}

pub(super) mod show {
    //! For people.

    use std::fmt::{Display, Formatter, Result};

    use crate::date::Utc;

    pub(in crate::message) fn date(value: &u64, f: &mut Formatter<'_>) -> Result {
        Utc(*value).fmt(f)
    }

    pub(in crate::message) fn raw(value: &[u8], f: &mut Formatter<'_>) -> Result {
        value
            .iter()
            .enumerate()
            .try_for_each(|(place, octet)| write!(f, "{}{octet:02x}", if place == 0 { "" } else { " " }))
    }

    macro_rules! plain {
        ($($kind:ident),*) => {
            $(pub(in crate::message) fn $kind(value: &impl Display, f: &mut Formatter<'_>) -> Result {
                value.fmt(f)
            })*
        };
    }

    plain! {
        encoded, text, counted_text, counted_token, token, size, integer, when, sender, class, content_type, previous_sender,
        previous_date, flags, box_size, element
    }
}
