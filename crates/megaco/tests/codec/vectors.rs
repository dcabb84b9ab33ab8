//! Messages of a peer in all its forms, read from a folder beside the repository when it is there.

use std::path::Path;

use strowger_megaco::binary::{self, ValueForm};
use strowger_megaco::message::Message;
use strowger_megaco::text::{self, Layout};

/// One message in three forms.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) pretty: Vec<u8>,
    pub(crate) compact: Vec<u8>,
    pub(crate) ber: Vec<u8>,
}

fn octets(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The vectors, or none with a word about it.
pub(crate) fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/megaco-v1v2.tsv");
    let Ok(file) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: the peer's messages are not in {}", path.display());
        return Vec::new();
    };
    let rows = file.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut cells = row.split('\t');
        let mut cell = || cells.next().unwrap();
        let name = cell().to_owned();
        cell();
        Vector { name, pretty: octets(cell()), compact: octets(cell()), ber: octets(cell()) }
    })
    .collect()
}

pub(crate) fn read(bytes: &[u8]) -> Message<'_> {
    match text::decode(bytes, &text::Options::DEFAULT) {
        Ok(message) => message,
        Err(error) => panic!("{error}\n{}", bytes.escape_ascii()),
    }
}

pub(crate) fn write(message: &Message<'_>, layout: Layout) -> Vec<u8> {
    let mut out = Vec::new();
    if let Err(error) = text::encode(message, layout, &mut out) {
        panic!("{error}: {message:?}");
    }
    out
}

#[test]
fn both_layouts_of_a_peer_are_the_same_message() {
    for vector in vectors() {
        assert_eq!(read(&vector.pretty), read(&vector.compact), "{}", vector.name);
    }
}

#[test]
fn a_peers_message_comes_back_from_both_layouts() {
    for vector in vectors() {
        let message = read(&vector.pretty);
        for layout in [Layout::Pretty, Layout::Compact] {
            let written = write(&message, layout);
            assert_eq!(read(&written), message, "{}: {}", vector.name, written.escape_ascii());
        }
    }
}

#[test]
fn compact_text_is_what_the_peer_writes() {
    for vector in vectors() {
        let written = write(&read(&vector.compact), Layout::Compact);
        // The case of names is free, and the peer leaves out the braces around no signals.
        let shown = |text: &[u8]| text.to_ascii_uppercase().escape_ascii().to_string().replace("SG{}", "SG");
        assert_eq!(shown(&written), shown(&vector.compact), "{}", vector.name);
    }
}

/// What the peer's binary form is like: values are raw, and it calls one digit map by a name.
pub(crate) fn peer() -> binary::Options {
    binary::Options {
        values: ValueForm::Raw,
        digit_maps: vec![("dialplan00".to_owned(), 0)],
        ..binary::Options::default()
    }
}

pub(crate) fn read_ber<'a>(bytes: &'a [u8], options: &'a binary::Options) -> Message<'a> {
    match binary::decode(bytes, options) {
        Ok(message) => message,
        Err(error) => panic!("{error}\n{bytes:02x?}"),
    }
}

pub(crate) fn write_ber(message: &Message<'_>, options: &binary::Options) -> Vec<u8> {
    let mut out = Vec::new();
    if let Err(error) = binary::encode(message, options, &mut out) {
        panic!("{error}: {message:?}");
    }
    out
}

#[test]
fn all_forms_of_a_peer_are_the_same_message() {
    let peer = peer();
    for vector in vectors() {
        assert_eq!(read_ber(&vector.ber, &peer), read(&vector.pretty), "{}", vector.name);
    }
}

#[test]
fn a_peers_binary_message_is_written_octet_for_octet() {
    let peer = peer();
    for vector in vectors() {
        let from_binary = write_ber(&read_ber(&vector.ber, &peer), &peer);
        assert_eq!(hex(&from_binary), hex(&vector.ber), "{}", vector.name);
        let from_text = write_ber(&read(&vector.compact), &peer);
        assert_eq!(hex(&from_text), hex(&vector.ber), "{} from text", vector.name);
    }
}

#[test]
fn values_wrapped_twice_are_the_same_message() {
    let wrapped = binary::Options { values: ValueForm::Wrapped, ..peer() };
    for vector in vectors() {
        let message = read(&vector.pretty);
        let written = write_ber(&message, &wrapped);
        assert_eq!(read_ber(&written, &wrapped), message, "{}", vector.name);
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
