//! MMS messages (MMS ENC): their types, header fields and values.
//!
//! - [`codes`]: message types, versions, and the values of one octet.
//! - [`field`]: [`Field`], a header field with its typed value, and [`FieldCode`]: one table for both.
//! - [`value`]: encoded strings, senders, times and counted values. [`address`]: what an address is.
//! - `syntax`: how each kind of value is read, written and shown.
//! - [`table`]: which field stands in which message.
//! - [`pdu`]: [`Pdu`], a decoded message, and [`Message`], one to be encoded. `build`: a constructor for each type.

pub mod address;
pub mod codes;
pub mod field;
pub mod pdu;
pub mod table;
pub mod value;

mod build;
mod syntax;

pub use address::Address;
pub use codes::{
    BoxUnit, CancelStatus, ContentClass, FlagAction, MessageType, MmState, Priority, ReadStatus,
    ReplyCharging, ResponseStatus, RetrievalMode, RetrieveStatus, SenderVisibility, Status, StoreStatus,
    Version, YesNo,
};
pub use field::{Field, FieldCode};
pub use pdu::{Departure, Message, Pdu};
pub use table::{Presence, presence};
pub use value::{
    BoxSize, Counted, ElementDescriptor, EncodedString, MessageClass, MmFlags, PreviousDate, PreviousSender,
    Sender, When,
};
