//! Delivery receipts (SMPP 3.4 appendix B): what became of a message, as text and as parameters, and which message is meant.
//!
//! The text is the custom of centres rather than a rule. The parameters `receipted_message_id` and `message_state` hold where they are
//! there. A centre may name a message in hexadecimal when it takes it and in decimal when it reports on it, or the other way round.

use super::pdu::ShortMessage;
use super::tlv::{self, Tlv};

/// What became of a message (section 5.2.28), in the order of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Version 5.0: it waits for its time.
    Scheduled,
    /// On its way.
    EnRoute,
    /// With the subscriber.
    Delivered,
    /// Its time ran out.
    Expired,
    /// Somebody took it back.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// Somebody at the centre read it for the subscriber.
    Accepted,
    /// Nobody knows.
    Unknown,
    /// The centre refused it afterwards.
    Rejected,
    /// Version 5.0: it was passed over.
    Skipped,
}

/// Number, word of the text form.
const STATES: &[(MessageState, u8, &str)] = &[
    (MessageState::Scheduled, 0, "SCHEDULED"),
    (MessageState::EnRoute, 1, "ENROUTE"),
    (MessageState::Delivered, 2, "DELIVRD"),
    (MessageState::Expired, 3, "EXPIRED"),
    (MessageState::Deleted, 4, "DELETED"),
    (MessageState::Undeliverable, 5, "UNDELIV"),
    (MessageState::Accepted, 6, "ACCEPTD"),
    (MessageState::Unknown, 7, "UNKNOWN"),
    (MessageState::Rejected, 8, "REJECTD"),
    (MessageState::Skipped, 9, "SKIPPED"),
];

impl MessageState {
    /// Its number.
    #[must_use]
    pub fn code(self) -> u8 {
        STATES.iter().find(|(state, ..)| *state == self).map_or(7, |(_, code, _)| *code)
    }

    /// Its word in the text of a receipt.
    #[must_use]
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, ..)| *state == self).map_or("UNKNOWN", |(.., word)| *word)
    }

    /// The state with this number.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        STATES.iter().find(|(_, known, _)| *known == code).map(|(state, ..)| *state)
    }

    /// The state with this word; the first five letters tell them all apart, and centres spell the rest in their own ways.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let same = |known: &str| {
            let letters = |text: &str| text.chars().take(5).collect::<String>().to_ascii_uppercase();
            letters(known) == letters(word)
        };
        STATES.iter().find(|(.., known)| same(known)).map(|(state, ..)| *state)
    }

    /// Whether nothing more will come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::EnRoute)
    }
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message as the centre calls it here.
    pub message_id: String,
    /// What became of it.
    pub state: MessageState,
    /// The network's or the centre's reason, as it was written.
    pub error: Option<String>,
}

impl Receipt {
    /// Reads a receipt; none when it names no message or no state.
    #[must_use]
    pub fn of(message: &ShortMessage) -> Option<Self> {
        let text: String = message.user_data().iter().copied().map(char::from).collect();
        let named = message.tlv(tlv::RECEIPTED_MESSAGE_ID).map(|value| {
            let octets = value.iter().copied().take_while(|octet| *octet != 0);
            octets.map(char::from).collect::<String>()
        });
        let message_id = named.filter(|id| !id.is_empty()).or_else(|| field(&text, "id"))?;
        let state = message.tlv(tlv::MESSAGE_STATE).and_then(|value| MessageState::of_code(*value.first()?));
        let state = state.or_else(|| MessageState::of_word(&field(&text, "stat")?))?;
        Some(Self { message_id, state, error: field(&text, "err").filter(|error| error != "000") })
    }

    /// Writes it as text. The dates are `YYMMDDhhmm`.
    #[must_use]
    pub fn to_text(&self, submitted: &str, done: &str) -> String {
        let delivered = u8::from(self.state == MessageState::Delivered);
        format!(
            "id:{} sub:001 dlvrd:{delivered:03} submit date:{submitted} done date:{done} stat:{} err:{} text:",
            self.message_id,
            self.state.word(),
            self.error.as_deref().unwrap_or("000"),
        )
    }

    /// The parameters that say the same.
    #[must_use]
    pub fn to_tlvs(&self) -> Vec<Tlv> {
        vec![
            Tlv::text(tlv::RECEIPTED_MESSAGE_ID, &self.message_id),
            Tlv::octet(tlv::MESSAGE_STATE, self.state.code()),
        ]
    }
}

/// The word behind `name:`, in any case, where `name` is a word of its own.
fn field(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + lower.get(from..)?.find(name)?;
        let alone = at == 0 || lower.as_bytes().get(at - 1) == Some(&b' ');
        let after = text.get(at + name.len()..)?;
        match after.strip_prefix(':') {
            Some(value) if alone => {
                let word = value.split_whitespace().next()?;
                return Some(word.to_owned());
            }
            _ => from = at + name.len(),
        }
    }
}

/// How a centre's identifiers in answers and in receipts correspond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdForm {
    /// Found out for each receipt: as it is, then the other forms. The subscriber's number must fit as well.
    #[default]
    Auto,
    /// The same in both.
    Same,
    /// Hexadecimal in the answer, decimal in the receipt.
    HexThenDecimal,
    /// Decimal in the answer, hexadecimal in the receipt.
    DecimalThenHex,
}

impl IdForm {
    /// What answers may have called the message that a receipt calls `id`, the likeliest first, each as [`canonical`] has it.
    #[must_use]
    pub fn candidates(self, id: &str) -> Vec<String> {
        let same = canonical(id);
        let hex = same.parse::<u128>().ok().map(|number| format!("{number:x}"));
        let decimal = u128::from_str_radix(&same, 16).ok().map(|number| number.to_string());
        let mut forms = match self {
            Self::Auto => vec![Some(same), hex, decimal],
            Self::Same => vec![Some(same)],
            Self::HexThenDecimal => vec![hex],
            Self::DecimalThenHex => vec![decimal],
        };
        forms.dedup();
        forms.into_iter().flatten().collect()
    }
}

/// One form for one identifier: small letters, no leading zeros.
#[must_use]
pub fn canonical(id: &str) -> String {
    let trimmed = id.trim().trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_ascii_lowercase() }
}
