//! What a unit asks or answers, by number (SMPP 3.4 section 5.1.2.1, SMPP 5.0 section 4.7.5).

/// Set in every answer.
pub const RESPONSE: u32 = 0x8000_0000;
/// Cannot be told what it was.
pub const GENERIC_NACK: u32 = 0x8000_0000;
/// Binds to receive only.
pub const BIND_RECEIVER: u32 = 0x0000_0001;
/// Binds to transmit only.
pub const BIND_TRANSMITTER: u32 = 0x0000_0002;
/// Asks for the state of a message.
pub const QUERY_SM: u32 = 0x0000_0003;
/// A message to the centre.
pub const SUBMIT_SM: u32 = 0x0000_0004;
/// A message or a receipt from the centre.
pub const DELIVER_SM: u32 = 0x0000_0005;
/// Ends a session.
pub const UNBIND: u32 = 0x0000_0006;
/// Replaces a message.
pub const REPLACE_SM: u32 = 0x0000_0007;
/// Takes a message back.
pub const CANCEL_SM: u32 = 0x0000_0008;
/// Binds for both directions.
pub const BIND_TRANSCEIVER: u32 = 0x0000_0009;
/// The centre asks to be bound to.
pub const OUTBIND: u32 = 0x0000_000b;
/// Is the other side there?
pub const ENQUIRE_LINK: u32 = 0x0000_0015;
/// A message to several addresses.
pub const SUBMIT_MULTI: u32 = 0x0000_0021;
/// A subscriber can be reached again.
pub const ALERT_NOTIFICATION: u32 = 0x0000_0102;
/// A message, in either direction, without the fields that are rarely used.
pub const DATA_SM: u32 = 0x0000_0103;
/// Version 5.0: a message to everybody in an area.
pub const BROADCAST_SM: u32 = 0x0000_0111;
/// Version 5.0: asks for the state of such a message.
pub const QUERY_BROADCAST_SM: u32 = 0x0000_0112;
/// Version 5.0: takes such a message back.
pub const CANCEL_BROADCAST_SM: u32 = 0x0000_0113;
