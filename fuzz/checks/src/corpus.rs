//! The targets and what is kept for them: samples, their lines, and the words of the dictionaries.

use std::io;
use std::path::Path;

/// A fuzz target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A datagram of MGCP.
    Mgcp,
    /// A session description.
    Sdp,
    /// A digit map, a line feed, what is dialled.
    DigitMap,
    /// Packets of RTP and RTCP, each behind two octets of length.
    Rtp,
    /// A message of Megaco as text; the same octets as BER.
    Megaco,
    /// A message of SIP, as a datagram and in a stream, heard by a user agent.
    Sip,
    /// A datagram of WAP Push; the same octets as what it carries, and as user data of a short message.
    Mms,
    /// A unit of SMPP, and octets that both ends of a link get.
    Smpp,
    /// A document of PAP; the same octets as a body of parts, as content, as an address.
    Pap,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 9] = [
        Self::Megaco,
        Self::Mgcp,
        Self::Sdp,
        Self::DigitMap,
        Self::Rtp,
        Self::Sip,
        Self::Mms,
        Self::Smpp,
        Self::Pap,
    ];

    /// Its name, which is also that of its corpus.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Megaco => "megaco",
            Self::Mgcp => "mgcp",
            Self::Sdp => "sdp",
            Self::DigitMap => "digit_map",
            Self::Rtp => "rtp",
            Self::Sip => "sip",
            Self::Mms => "mms",
            Self::Smpp => "smpp",
            Self::Pap => "pap",
        }
    }

    /// The target with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// What must hold for any input; says how much of it was accepted.
    #[must_use]
    pub const fn check(self) -> fn(&[u8]) -> usize {
        match self {
            Self::Megaco => crate::megaco,
            Self::Mgcp => crate::mgcp,
            Self::Sdp => crate::sdp,
            Self::DigitMap => crate::digit_map,
            Self::Rtp => crate::rtp,
            Self::Sip => crate::sip,
            Self::Mms => crate::mms,
            Self::Smpp => crate::smpp,
            Self::Pap => crate::pap,
        }
    }

    /// Where its samples are, from the root of the repository.
    #[must_use]
    pub const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Megaco => &["fuzz/corpus/megaco"],
            Self::Mgcp => &["fuzz/corpus/mgcp", "crates/mgcp/tests/corpus"],
            Self::Sdp => &["fuzz/corpus/sdp", "crates/sdp/tests/corpus"],
            Self::DigitMap => &["fuzz/corpus/digit_map"],
            Self::Rtp => &["fuzz/corpus/rtp"],
            Self::Sip => &["fuzz/corpus/sip"],
            Self::Mms => &["fuzz/corpus/mms"],
            Self::Smpp => &["fuzz/corpus/smpp"],
            Self::Pap => &["fuzz/corpus/pap"],
        }
    }

    /// Where its dictionary is, if it has one.
    const fn dictionary(self) -> Option<&'static str> {
        match self {
            Self::Mgcp => Some("fuzz/dictionaries/mgcp.txt"),
            Self::Sdp => Some("fuzz/dictionaries/sdp.txt"),
            Self::Sip => Some("fuzz/dictionaries/sip.txt"),
            Self::Mms => Some("fuzz/dictionaries/mms.txt"),
            Self::Pap => Some("fuzz/dictionaries/pap.txt"),
            Self::Megaco | Self::DigitMap | Self::Rtp | Self::Smpp => None,
        }
    }
}

/// What messages are made from.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Whole samples.
    pub(crate) messages: Vec<Box<[u8]>>,
    /// Their lines, each with its end.
    pub(crate) lines: Vec<Box<[u8]>>,
    /// The words of the dictionary.
    pub(crate) words: Vec<Box<[u8]>>,
}

impl Corpus {
    /// Reads the samples of a target, in an order that does not depend on the file system.
    ///
    /// # Errors
    /// A file cannot be read, or a dictionary has a line that is no entry.
    pub fn read(target: Target, root: &Path) -> io::Result<Self> {
        let mut corpus = Self::default();
        for folder in target.folders() {
            let mut paths = Vec::new();
            for entry in std::fs::read_dir(root.join(folder))? {
                paths.push(entry?.path());
            }
            paths.sort();
            for path in paths {
                corpus.messages.push(std::fs::read(path)?.into());
            }
        }
        let lines =
            corpus.messages.iter().flat_map(|message| message.split_inclusive(|octet| *octet == b'\n'));
        corpus.lines = lines.map(Into::into).collect();
        if let Some(path) = target.dictionary() {
            for line in std::fs::read_to_string(root.join(path))?.lines() {
                let word =
                    unquoted(line).ok_or_else(|| io::Error::other(format!("{path}: no entry: {line}")))?;
                corpus.words.push(word.into());
            }
        }
        Ok(corpus)
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// An entry of a dictionary in the form that libFuzzer reads: quoted, with octets as `\xHH`.
fn unquoted(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut word = Vec::new();
    loop {
        rest = match rest {
            [] => return Some(word),
            [b'\\', b'x', high, low, rest @ ..] => {
                let digit = |octet: u8| char::from(octet).to_digit(16);
                word.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
                rest
            }
            [b'\\', octet @ (b'\\' | b'"'), rest @ ..] => {
                word.push(*octet);
                rest
            }
            [b'\\', ..] => return None,
            [octet, rest @ ..] => {
                word.push(*octet);
                rest
            }
        };
    }
}
