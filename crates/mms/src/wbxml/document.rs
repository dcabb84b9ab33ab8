//! Documents of WBXML (1.1 to 1.3; W3C note of 24 June 1999): checked once, then read lazily as a run of tokens. Nothing is
//! recursive: depth is a number, and every token consumes octets.

use std::fmt;

use crate::charset::Charset;
use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::octets::Reader;
use crate::text::Text;

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicId<'a> {
    /// A number of the registry.
    Number(u32),
    /// An identifier as text, of the string table.
    Text(Text<'a>),
}

/// A document that was checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The version: 02 is 1.2, 03 is 1.3.
    pub version: u8,
    /// What kind of document it is.
    pub public_id: PublicId<'a>,
    /// The character set of its strings.
    pub charset: Charset,
    table: &'a [u8],
    body: &'a [u8],
    /// Where the body stands in the whole.
    start: usize,
}

/// The name of an element or an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// A token, which means something on a code page.
    Token {
        /// The page.
        page: u8,
        /// The token, without the bits that tell of attributes and content.
        code: u8,
    },
    /// A name as text.
    Text(Text<'a>),
}

/// A piece of a value or of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text.
    Text(Text<'a>),
    /// A character by its number.
    Entity(char),
    /// Octets that mean something to the document's kind.
    Opaque(&'a [u8]),
    /// A part of an attribute's value that has a token.
    Value {
        /// The page.
        page: u8,
        /// The token, from 80 up.
        code: u8,
    },
    /// An extension: a variable in WML.
    Extension {
        /// The token.
        code: u8,
        /// Its text, or none.
        text: Option<Text<'a>>,
    },
}

/// One step through a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element begins. Its attributes follow, up to [`Token::Attributed`], if it has any.
    Element {
        /// Its name.
        name: Name<'a>,
        /// Whether attributes follow.
        attributes: bool,
        /// Whether content follows, up to [`Token::End`].
        content: bool,
    },
    /// An attribute begins; pieces of its value follow.
    Attribute(Name<'a>),
    /// A piece of an attribute's value.
    Value(Piece<'a>),
    /// The attributes of an element, or a processing instruction, end.
    Attributed,
    /// A piece of content.
    Content(Piece<'a>),
    /// A processing instruction begins; its name and value are those of an attribute.
    Instruction(Name<'a>),
    /// The content of an element ends.
    End,
}

mod token {
    //! The global tokens (WBXML 7.1).

    pub(super) const SWITCH_PAGE: u8 = 0x00;
    pub(super) const END: u8 = 0x01;
    pub(super) const ENTITY: u8 = 0x02;
    pub(super) const STR_I: u8 = 0x03;
    pub(super) const LITERAL: u8 = 0x04;
    pub(super) const PI: u8 = 0x43;
    pub(super) const STR_T: u8 = 0x83;
    pub(super) const OPAQUE: u8 = 0xc3;
}

/// Of a tag: content follows.
const CONTENT: u8 = 0x40;
/// Of a tag: attributes follow.
const ATTRIBUTES: u8 = 0x80;

impl<'a> Document<'a> {
    /// Decodes a document.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset, an excerpt and the rule broken.
    pub fn decode(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::read(bytes, limits).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        if bytes.len() > limits.bytes {
            return Err(Fault::at(limits.bytes, Rule::Size));
        }
        let mut reader = Reader::new(bytes);
        let version = reader.octet()?;
        if !(1..=3).contains(&version) {
            return Err(Fault::at(0, Rule::WbxmlVersion));
        }
        let id_at = reader.offset();
        let number = reader.uintvar()?;
        let index = if number == 0 { Some(reader.length()?) } else { None };
        let charset_at = reader.offset();
        let charset = Charset(reader.uintvar()?);
        if charset.is_wide() {
            return Err(Fault::at(charset_at, Rule::WbxmlCharset));
        }
        let length = reader.length()?;
        let table = reader.take(length, Rule::LengthPastEnd)?;
        let public_id = match index {
            None => PublicId::Number(number),
            Some(index) => PublicId::Text(string(table, index).ok_or(Fault::at(id_at, Rule::WbxmlTable))?),
        };
        let document =
            Self { version, public_id, charset, table, body: reader.rest(), start: reader.offset() };
        let mut walk = document.walk();
        walk.reader = walk.reader.limited(limits.text);
        while walk.step(limits.depth)?.is_some() {}
        Ok(document)
    }

    fn walk(&self) -> Walk<'a> {
        Walk {
            reader: Reader::at(self.body, self.start),
            table: self.table,
            tag_page: 0,
            attribute_page: 0,
            depth: 0,
            state: State::Before,
            content: false,
        }
    }

    /// The tokens, in order.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'a>> + use<'a> {
        self.tokens_at().map(|(_, token)| token)
    }

    /// The same with the range of octets that each has in the document.
    pub fn tokens_at(&self) -> impl Iterator<Item = (std::ops::Range<usize>, Token<'a>)> + use<'a> {
        let mut walk = self.walk();
        std::iter::from_fn(move || {
            let start = walk.reader.offset();
            let token = walk.step(usize::MAX).ok().flatten()?;
            Some((start..walk.reader.offset(), token))
        })
    }

    /// Text of the document's character set as characters.
    #[must_use]
    pub fn to_str(&self, text: Text<'a>) -> std::borrow::Cow<'a, str> {
        self.charset.decode(text.as_bytes())
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tokens()).finish()
    }
}

/// A string of the table.
fn string(table: &[u8], index: usize) -> Option<Text<'_>> {
    let rest = table.get(index..)?;
    let end = memchr::memchr(0, rest)?;
    Some(Text::of(rest.get(..end).unwrap_or_default()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the element.
    Before,
    /// Among attributes, of an element or an instruction; whether a name has come.
    Attributes { of_element: bool, named: bool },
    /// Among content.
    Content,
    /// Behind the element.
    Behind,
}

struct Walk<'a> {
    reader: Reader<'a>,
    table: &'a [u8],
    tag_page: u8,
    attribute_page: u8,
    depth: usize,
    state: State,
    /// Whether the element whose attributes are read has content.
    content: bool,
}

impl<'a> Walk<'a> {
    fn step(&mut self, deepest: usize) -> Result<Option<Token<'a>>, Fault> {
        loop {
            if self.reader.is_empty() {
                return match self.state {
                    State::Behind => Ok(None),
                    State::Before => Err(Fault::over(self.reader.offset(), 0, Rule::WbxmlRoot)),
                    _ => Err(Fault::over(self.reader.offset(), 0, Rule::Ends)),
                };
            }
            let start = self.reader.offset();
            let octet = self.reader.octet()?;
            if octet == token::SWITCH_PAGE {
                let page = self.reader.octet()?;
                match self.state {
                    State::Attributes { .. } => self.attribute_page = page,
                    State::Before | State::Content => self.tag_page = page,
                    State::Behind => return Err(Fault::at(start, Rule::WbxmlRoot)),
                }
                continue;
            }
            return match self.state {
                State::Before if octet == token::PI => self.instruction(),
                State::Behind if octet == token::PI => self.instruction(),
                State::Behind => Err(Fault::at(start, Rule::WbxmlRoot)),
                State::Before => self.element(octet, start, deepest),
                State::Attributes { of_element, named } => self.attribute(octet, start, of_element, named),
                State::Content => self.content(octet, start, deepest),
            }
            .map(Some);
        }
    }

    fn index(&mut self) -> Result<Text<'a>, Fault> {
        let start = self.reader.offset();
        let index = self.reader.length()?;
        string(self.table, index)
            .ok_or_else(|| Fault::over(start, self.reader.offset() - start, Rule::WbxmlTable))
    }

    fn element(&mut self, octet: u8, start: usize, deepest: usize) -> Result<Token<'a>, Fault> {
        let code = octet & 0x3f;
        let name = match code {
            token::LITERAL => Name::Text(self.index()?),
            0x05.. => Name::Token { page: self.tag_page, code },
            _ => return Err(Fault::at(start, Rule::WbxmlToken)),
        };
        let (attributes, content) = (octet & ATTRIBUTES != 0, octet & CONTENT != 0);
        if content {
            if self.depth >= deepest {
                return Err(Fault::at(start, Rule::WbxmlDepth));
            }
            self.depth += 1;
        }
        self.content = content;
        if attributes {
            self.state = State::Attributes { of_element: true, named: false };
        } else {
            self.after_tag();
        }
        Ok(Token::Element { name, attributes, content })
    }

    /// Where the document goes on behind a tag and its attributes.
    fn after_tag(&mut self) {
        self.state = if self.depth > 0 { State::Content } else { State::Behind };
    }

    fn instruction(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.reader.offset();
        let name = match self.reader.octet()? {
            token::LITERAL => Name::Text(self.index()?),
            code @ (0x05..=0x3f | 0x45..=0x7f) => Name::Token { page: self.attribute_page, code },
            _ => return Err(Fault::at(start, Rule::WbxmlToken)),
        };
        self.content = self.state == State::Behind;
        self.state = State::Attributes { of_element: false, named: true };
        Ok(Token::Instruction(name))
    }

    fn attribute(
        &mut self,
        octet: u8,
        start: usize,
        of_element: bool,
        named: bool,
    ) -> Result<Token<'a>, Fault> {
        let name = match octet {
            token::END => {
                if of_element {
                    self.after_tag();
                } else {
                    self.state = match (self.depth, self.content) {
                        (0, false) => State::Before,
                        (0, true) => State::Behind,
                        _ => State::Content,
                    };
                }
                return Ok(Token::Attributed);
            }
            token::LITERAL => Name::Text(self.index()?),
            0x05..=0x3f | 0x45..=0x7f => Name::Token { page: self.attribute_page, code: octet },
            _ if named => return self.piece(octet, start, true).map(Token::Value),
            _ => return Err(Fault::at(start, Rule::WbxmlToken)),
        };
        self.state = State::Attributes { of_element, named: true };
        Ok(Token::Attribute(name))
    }

    fn content(&mut self, octet: u8, start: usize, deepest: usize) -> Result<Token<'a>, Fault> {
        match octet {
            token::END => {
                self.depth -= 1;
                self.after_tag();
                Ok(Token::End)
            }
            token::PI => self.instruction(),
            token::ENTITY
            | token::STR_I
            | token::STR_T
            | token::OPAQUE
            | 0x40..=0x42
            | 0x80..=0x82
            | 0xc0..=0xc2 => self.piece(octet, start, false).map(Token::Content),
            _ => self.element(octet, start, deepest),
        }
    }

    fn piece(&mut self, octet: u8, start: usize, of_attribute: bool) -> Result<Piece<'a>, Fault> {
        match octet {
            token::STR_I => self.reader.terminated().map(|text| Piece::Text(Text::of(text))),
            token::STR_T => self.index().map(Piece::Text),
            token::ENTITY => {
                let number = self.reader.uintvar()?;
                let length = self.reader.offset() - start;
                let character =
                    char::from_u32(number).filter(|character| crate::xml::is_character(*character));
                character.map(Piece::Entity).ok_or(Fault::over(start, length, Rule::WbxmlEntity))
            }
            token::OPAQUE => {
                let length = self.reader.length()?;
                self.reader.take(length, Rule::LengthPastEnd).map(Piece::Opaque)
            }
            code @ 0x40..=0x42 => {
                let text = self.reader.terminated()?;
                Ok(Piece::Extension { code, text: Some(Text::of(text)) })
            }
            code @ 0x80..=0x82 => Ok(Piece::Extension { code, text: Some(self.index()?) }),
            code @ 0xc0..=0xc2 => Ok(Piece::Extension { code, text: None }),
            code @ 0x85.. if of_attribute && !matches!(code, 0xc4) => {
                Ok(Piece::Value { page: self.attribute_page, code })
            }
            _ => Err(Fault::at(start, Rule::WbxmlToken)),
        }
    }
}
