//! Messages of a peer in all its forms, read from a folder beside the repository when it is there.

use std::path::Path;

use strowger_megaco::message::Message;
use strowger_megaco::text::{self, Layout};

/// One message in three forms.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) pretty: Vec<u8>,
    pub(crate) compact: Vec<u8>,
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
        Vector { name, pretty: octets(cell()), compact: octets(cell()) }
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
        // The case of names is free.
        let shown = |text: &[u8]| text.to_ascii_uppercase().escape_ascii().to_string();
        assert_eq!(shown(&written), shown(&vector.compact), "{}", vector.name);
    }
}
