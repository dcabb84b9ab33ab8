//! Optional parameters of SMPP (section 5.3): tag, length, value. What is not known is kept.

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// Which.
    pub tag: u16,
    /// Its octets.
    pub value: Vec<u8>,
}

/// Type of the receiving system's port for WAP (section 5.3.2.20).
pub const SOURCE_PORT: u16 = 0x020a;
/// The port that a message is for (section 5.3.2.21).
pub const DESTINATION_PORT: u16 = 0x020b;
/// Number that the parts of one message share (section 5.3.2.22).
pub const SAR_MSG_REF_NUM: u16 = 0x020c;
/// How many parts (section 5.3.2.24).
pub const SAR_TOTAL_SEGMENTS: u16 = 0x020e;
/// Which part, from 1 (section 5.3.2.23).
pub const SAR_SEGMENT_SEQNUM: u16 = 0x020f;
/// The message that a receipt is for (section 5.3.2.12).
pub const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
/// What the centre speaks (section 5.3.2.25).
pub const SC_INTERFACE_VERSION: u16 = 0x0210;
/// User data of up to 64 kilobytes (section 5.3.2.32).
pub const MESSAGE_PAYLOAD: u16 = 0x0424;
/// More follow to the same destination (section 5.3.2.34).
pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
/// What became of a message (section 5.3.2.35).
pub const MESSAGE_STATE: u16 = 0x0427;
/// Why the network did not deliver (section 5.3.2.31).
pub const NETWORK_ERROR_CODE: u16 = 0x0423;
/// How long a busy centre asks for, in percent of its capacity (version 5.0, section 4.8.4.18).
pub const CONGESTION_STATE: u16 = 0x0428;

impl Tlv {
    /// A parameter of one octet.
    #[must_use]
    pub fn octet(tag: u16, value: u8) -> Self {
        Self { tag, value: vec![value] }
    }

    /// A parameter of two octets.
    #[must_use]
    pub fn number(tag: u16, value: u16) -> Self {
        Self { tag, value: value.to_be_bytes().to_vec() }
    }

    /// A text with its NUL.
    #[must_use]
    pub fn text(tag: u16, text: &str) -> Self {
        let mut value: Vec<u8> = text.bytes().filter(|octet| *octet != 0).collect();
        value.push(0);
        Self { tag, value }
    }
}

/// Appends parameters; one beyond 64 kilobytes cannot be said and is left out.
pub(super) fn encode(tlvs: &[Tlv], out: &mut Vec<u8>) {
    for tlv in tlvs {
        let Ok(length) = u16::try_from(tlv.value.len()) else { continue };
        out.extend_from_slice(&tlv.tag.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&tlv.value);
    }
}
