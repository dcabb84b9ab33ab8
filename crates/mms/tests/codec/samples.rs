//! The samples that tests share: one message of each kind that is deployed, as hexadecimal digits, made for these tests.

/// Octets of hexadecimal digits with spaces.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A notification with an expiry of three days.
pub(crate) const NOTIFICATION: &str = "8c82 985431 00 8d92 8915 80 2b31353535303130302f545950453d504c4d4e00 8a80 8e022710 \
     8805 81 0303f480 83 687474703a2f2f6d6d73632f3100";
/// The same with an absolute expiry.
pub(crate) const NOTIFICATION_ABSOLUTE: &str = "8c82 985431 00 8d92 8915 80 2b31353535303130302f545950453d504c4d4e00 8a80 \
     8e022710 8806 80 04 65920080 83 687474703a2f2f6d6d73632f3100";
/// The answer: later.
pub(crate) const NOTIFYRESP: &str = "8c83 98543100 8d92 9583";
/// The acknowledgement.
pub(crate) const ACKNOWLEDGE: &str = "8c85 98543100 8d92 9180";
/// The answer to a message that was submitted.
pub(crate) const SEND_CONF: &str = "8c81 98543100 8d92 9280 8b6d31406d6d736300";
/// A report of delivery.
pub(crate) const DELIVERY: &str =
    "8c86 8d92 8b6d31406d6d736300 972b31353535303130312f545950453d504c4d4e00 850465920080 9581";
/// A report of reading.
pub(crate) const READ_REC: &str =
    "8c87 8d92 8b6d31406d6d736300 972b31353535303130302f545950453d504c4d4e00 890181 850465920080 9b80";
/// A message that is given on.
pub(crate) const FORWARD: &str =
    "8c89 98543100 8d92 890181 972b31353535303130322f545950453d504c4d4e00 83687474703a2f2f6d6d73632f3100";
/// A message that is submitted, with one part of text.
pub(crate) const SEND_REQ: &str =
    "8c80 98543100 8d92 890181 972b31353535303130312f545950453d504c4d4e00 84a3 01 01 02 83 6869";
/// A message that was fetched, with a presentation and a text.
pub(crate) const RETRIEVE: &str = "8c84 98543100 8d92 8b6d31406d6d736300 850465920080 \
     8915802b31353535303130302f545950453d504c4d4e00 972b31353535303130312f545950453d504c4d4e00 9608ea4772c3bcc39f00 \
     8418b3896170706c69636174696f6e2f736d696c008a3c733e00 02 1738 6170706c69636174696f6e2f736d696c00 c0223c733e00 \
     3c736d696c3e3c626f64793e3c7061723e3c74657874207372633d22742e747874222f3e3c2f7061723e3c2f626f64793e3c2f736d696c3e \
     1202 0a8381ea85742e74787400 8e742e74787400 6869";

/// All of them.
pub(crate) const ALL: &[&str] = &[
    NOTIFICATION,
    NOTIFICATION_ABSOLUTE,
    NOTIFYRESP,
    ACKNOWLEDGE,
    SEND_CONF,
    DELIVERY,
    READ_REC,
    FORWARD,
    SEND_REQ,
    RETRIEVE,
];
