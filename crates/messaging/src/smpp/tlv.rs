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
/// Whether a subscriber can be reached (section 5.3.2.30).
pub const MS_AVAILABILITY_STATUS: u16 = 0x0422;
/// How busy a centre is, in percent of what it can do (version 5.0 section 4.8.4.18).
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

/// The value of the parameter with this tag.
#[must_use]
pub fn find(tlvs: &[Tlv], tag: u16) -> Option<&[u8]> {
    tlvs.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value.as_slice())
}

/// Appends parameters; one beyond 64 kilobytes cannot be said and is left out.
pub(super) fn encode(tlvs: &[Tlv], out: &mut Vec<u8>) {
    for tlv in tlvs {
        encode_one(tlv.tag, &tlv.value, out);
    }
}

/// Appends a parameter.
pub(super) fn encode_one(tag: u16, value: &[u8], out: &mut Vec<u8>) {
    let Ok(length) = u16::try_from(value.len()) else { return };
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
}
