//! WBXML documents, token by token (W3C note of 24 June 1999), with the names of the documents that pushes carry.

use strowger_mms::Limits;
use strowger_mms::wbxml::{Document, Language, Name, Piece, PublicId, Token, table};
use strowger_mms::wsp::MediaType;

use super::mms;
use super::tree::{Explained, Node};

const TOKENS: &str = "WBXML 5.8";
/// Tokens that are shown: a document of push has some tens.
const SHOWN: usize = 2_000;

/// Whether a body of this type is a WBXML document.
pub(super) fn is_document(media: &MediaType<'_>) -> bool {
    let binary = [
        MediaType::SI,
        MediaType::SL,
        MediaType::CO,
        MediaType::EMN,
        MediaType::named("application/vnd.wap.wbxml"),
        MediaType::named("application/vnd.wap.wmlc"),
    ];
    binary.iter().any(|known| media.is(known)) || media.name().is_some_and(|name| name.ends_with("+wbxml"))
}

/// Adds the nodes of a document that begins at `base` of the whole.
pub(super) fn describe(octets: &[u8], base: usize, media: &MediaType<'_>, explained: &mut Explained) {
    let document = match Document::decode(octets, &Limits::DEFAULT) {
        Ok(document) => document,
        Err(error) => return mms::refuse(&error, base, None, explained),
    };
    let language = language(&document, media);
    let (shown, note) = match document.public_id {
        PublicId::Number(number) => (format!("{number:02x}"), table::public_text(number)),
        PublicId::Text(text) => (text.to_string(), None),
    };
    let mut root = Node::new("WBXML", format!("1.{}", document.version), base..base + octets.len(), TOKENS);
    root.children.push(
        Node::new("public identifier", shown, base + 1..base + octets.len().min(2), TOKENS).maybe(note),
    );
    for (range, token) in document.tokens_at().take(SHOWN) {
        if let Some((label, value)) = shown_token(&document, language, &token) {
            let range = base + range.start..base + range.end;
            root.children.push(Node::new(label, value.as_bytes(), range, TOKENS));
        }
    }
    explained.nodes.push(root);
    if let Some(Err(error)) = typed(octets, language) {
        mms::refuse(&error, base, None, explained);
    }
}

/// The language of a document, by its public identifier, or by its media type where that is unknown.
fn language(document: &Document<'_>, media: &MediaType<'_>) -> Option<&'static Language> {
    let by_id = table::LANGUAGES.iter().find(|language| match document.public_id {
        PublicId::Number(number) => number == language.public_id,
        PublicId::Text(text) => text.to_str() == language.public_text,
    });
    let by_type = || {
        let types = [MediaType::SI, MediaType::SL, MediaType::CO, MediaType::EMN];
        let place = types.iter().position(|known| media.is(known))?;
        table::LANGUAGES.get(place)
    };
    by_id.or_else(by_type).copied()
}

/// What the typed reader says of a document.
fn typed(octets: &[u8], language: Option<&Language>) -> Option<Result<(), strowger_mms::DecodeError>> {
    use strowger_mms::wbxml::{CacheOperation, EmailNotification, ServiceIndication, ServiceLoading};
    let limits = Limits::DEFAULT;
    let language = language?;
    Some(if *language == table::SI {
        ServiceIndication::decode(octets, &limits).map(drop)
    } else if *language == table::SL {
        ServiceLoading::decode(octets, &limits).map(drop)
    } else if *language == table::CO {
        CacheOperation::decode(octets, &limits).map(drop)
    } else {
        EmailNotification::decode(octets, &limits).map(drop)
    })
}

fn shown_token(
    document: &Document<'_>,
    language: Option<&Language>,
    token: &Token<'_>,
) -> Option<(&'static str, String)> {
    match token {
        Token::Element { name, .. } => Some((
            "element",
            match name {
                Name::Token { page: 0, code } => language
                    .and_then(|language| language.tag(*code))
                    .map_or_else(|| format!("tag {code:02x}"), str::to_owned),
                Name::Token { page, code } => format!("tag {code:02x} of page {page}"),
                Name::Text(text) => document.to_str(*text).into_owned(),
            },
        )),
        Token::Attribute(name) | Token::Instruction(name) => Some((
            "attribute",
            match name {
                Name::Token { page: 0, code } => {
                    match language.and_then(|language| language.attribute(*code)) {
                        Some((name, "")) => name.to_owned(),
                        Some((name, value)) => format!("{name}={value}"),
                        None => format!("attribute {code:02x}"),
                    }
                }
                Name::Token { page, code } => format!("attribute {code:02x} of page {page}"),
                Name::Text(text) => document.to_str(*text).into_owned(),
            },
        )),
        Token::Value(piece) => Some(("value", piece_text(document, language, piece))),
        Token::Content(piece) => Some(("text", piece_text(document, language, piece))),
        Token::Attributed | Token::End => None,
    }
}

fn piece_text(document: &Document<'_>, language: Option<&Language>, piece: &Piece<'_>) -> String {
    match piece {
        Piece::Text(text) => document.to_str(*text).into_owned(),
        Piece::Entity(character) => character.to_string(),
        Piece::Opaque(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        Piece::Value { page: 0, code } => language
            .and_then(|language| language.value(*code))
            .map_or_else(|| format!("value {code:02x}"), str::to_owned),
        Piece::Value { page, code } => format!("value {code:02x} of page {page}"),
        Piece::Extension { code, .. } => format!("extension {code:02x}"),
    }
}
