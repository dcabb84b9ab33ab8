//! The tokens of the text form (RFC 3525 Annex B.2; versions 2 and 3 from their grammars), found by a perfect hash.
//!
//! Which token a word is says nothing about what it means: `Add` is a name where the grammar wants one. Readers ask for
//! the token only where one can stand.

macro_rules! tokens {
    ($($name:ident $long:literal $short:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Token { $($name,)+ }

        const WORDS: &[(&str, Token)] = &[$(($long, Token::$name), ($short, Token::$name),)+];
        const FORMS: &[(&str, &str)] = &[$(($long, $short),)+];
    };
}

tokens! {
    Add "Add" "A", Audit "Audit" "AT", AuditCapability "AuditCapability" "AC", AuditValue "AuditValue" "AV",
    Authentication "Authentication" "AU", Bothway "Bothway" "BW", Brief "Brief" "BR", Buffer "Buffer" "BF",
    Context "Context" "C", ContextAudit "ContextAudit" "CA", DigitMap "DigitMap" "DM",
    Disconnected "Disconnected" "DC", Delay "Delay" "DL", Duration "Duration" "DR", Embed "Embed" "EM",
    Emergency "Emergency" "EG", Error "Error" "ER", EventBuffer "EventBuffer" "EB", Events "Events" "E",
    Failover "Failover" "FL", Forced "Forced" "FO", Graceful "Graceful" "GR", H221 "H221" "H221",
    H223 "H223" "H223", H226 "H226" "H226", HandOff "HandOff" "HO", ImmAckRequired "ImmAckRequired" "IA",
    Inactive "Inactive" "IN", Isolate "Isolate" "IS", InService "InService" "IV", IntByEvent "IntByEvent" "IBE",
    IntBySigDescr "IntBySigDescr" "IBS", KeepActive "KeepActive" "KA", Local "Local" "L",
    LocalControl "LocalControl" "O", LockStep "LockStep" "SP", Loopback "Loopback" "LB", Media "Media" "M",
    Megaco "MEGACO" "!", Method "Method" "MT", MgcIdToTry "MgcIdToTry" "MG", Mode "Mode" "MO",
    Modify "Modify" "MF", Modem "Modem" "MD", Move "Move" "MV", Mtp "MTP" "MTP", Mux "Mux" "MX",
    Notify "Notify" "N", NotifyCompletion "NotifyCompletion" "NC", ObservedEvents "ObservedEvents" "OE",
    Oneway "Oneway" "OW", OnOff "OnOff" "OO", OtherReason "OtherReason" "OR", OutOfService "OutOfService" "OS",
    Packages "Packages" "PG", Pending "Pending" "PN", Priority "Priority" "PR", Profile "Profile" "PF",
    Reason "Reason" "RE", ReceiveOnly "ReceiveOnly" "RC", Reply "Reply" "P", Restart "Restart" "RS",
    Remote "Remote" "R", ReservedGroup "ReservedGroup" "RG", ReservedValue "ReservedValue" "RV",
    SendOnly "SendOnly" "SO", SendReceive "SendReceive" "SR", Services "Services" "SV",
    ServiceStates "ServiceStates" "SI", ServiceChange "ServiceChange" "SC",
    ServiceChangeAddress "ServiceChangeAddress" "AD", SignalList "SignalList" "SL", Signals "Signals" "SG",
    SignalType "SignalType" "SY", Statistics "Statistics" "SA", Stream "Stream" "ST", Subtract "Subtract" "S",
    SynchIsdn "SynchISDN" "SN", TerminationState "TerminationState" "TS", Test "Test" "TE",
    TimeOut "TimeOut" "TO", Topology "Topology" "TP", Transaction "Transaction" "T",
    ResponseAck "TransactionResponseAck" "K", V18 "V18" "V18", V22 "V22" "V22", V22b "V22b" "V22b",
    V32 "V32" "V32", V32b "V32b" "V32b", V34 "V34" "V34", V76 "V76" "V76", V90 "V90" "V90", V91 "V91" "V91",
    Version "Version" "V", On "ON" "ON", Off "OFF" "OFF",
    // Version 2.
    Nx64k "Nx64Kservice" "N64", EmergencyOff "EmergencyOff" "EGO",
    // Version 3.
    Segment "Segment" "SM", Both "Both" "B", External "External" "EX", Internal "Internal" "IT",
    Direction "SPADirection" "SPADI", SignalRequestId "SPARequestID" "SPARQ", Intersignal "Intersignal" "SPAIS",
    Iteration "Iteration" "IR", OnewayExternal "OnewayExternal" "OWE", OnewayBoth "OnewayBoth" "OWB",
    Ieps "IEPSCall" "IEPS", EmergencyValue "EmergencyValue" "EGV", ContextAttr "ContextAttr" "CT",
    ContextList "ContextList" "CLT", AndLogic "ANDLgc" "ANDLgc", OrLogic "ORLgc" "ORLgc",
    ImmediateNotify "ImmediateNotify" "NBIN", RegulatedNotify "RegulatedNotify" "NBRN",
    NeverNotify "NeverNotify" "NBNN", ResetEvents "ResetEventsDescriptor" "RSE",
    Incomplete "ServiceChangeInc" "SIC",
}

/// Words that mean a token but are never written: what version 2 called `EmergencyOff`, and what a widespread peer writes
/// or wrote.
const ALIASES: &[(&str, Token)] = &[
    ("EmergencyOffToken", Token::EmergencyOff),
    ("ANSLgc", Token::AndLogic),
    ("IterationToken", Token::Iteration),
    ("Direction", Token::Direction),
    ("DI", Token::Direction),
    ("RequestID", Token::SignalRequestId),
    ("RQ", Token::SignalRequestId),
];

impl Token {
    pub(crate) const fn long(self) -> &'static str {
        FORMS[self as usize].0
    }

    pub(crate) const fn short(self) -> &'static str {
        FORMS[self as usize].1
    }

    /// The token that a word of safe characters is, in any case.
    #[inline]
    pub(crate) fn find(word: &[u8]) -> Option<Self> {
        let key = Key::of(word)?;
        let place = usize::from(*SLOTS.get(key.slot())?);
        let (known, token) = ENTRIES.get(place)?;
        // The middle of the few longest words is in no key.
        (*known == key && (word.len() <= 16 || is_written(place, word))).then_some(*token)
    }
}

#[cold]
fn is_written(place: usize, word: &[u8]) -> bool {
    row(place).0.as_bytes().eq_ignore_ascii_case(word)
}

/// All that is in a word of up to 16 characters, in lower case; of a longer one its first and its last eight. Loads of four and eight
/// octets that overlap take the place of a loop.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

/// The bit that makes capitals small, and leaves the digits and `!` of tokens as they are.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// The first eight characters of a word in lower case, or all that it has: words of one length with the same are the same that far.
#[inline]
pub(crate) const fn folded(word: &[u8]) -> u64 {
    if let Some(first) = word.first_chunk() {
        u64::from_le_bytes(*first) | SMALL
    } else if let (Some(first), Some(last)) = (word.first_chunk(), word.last_chunk()) {
        (u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << 32) | SMALL
    } else if let ([first, ..], [.., last]) = (word, word) {
        let middle = if word.len() == 3 { word[1] } else { *last };
        u32::from_le_bytes([*first, middle, *last, 0]) as u64 | SMALL >> 40
    } else {
        0
    }
}

impl Key {
    #[inline]
    const fn of(word: &[u8]) -> Option<Self> {
        let last = match word.last_chunk() {
            Some(last) => u64::from_le_bytes(*last) | SMALL,
            None if word.is_empty() => return None,
            None => 0,
        };
        Some(Self { first: folded(word), last, length: word.len() })
    }

    #[inline]
    const fn slot(self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ (self.length as u64) << 24;
        (mixed.wrapping_mul(MULTIPLIER) >> (u64::BITS - SIZE.trailing_zeros())) as usize
    }
}

const SIZE: usize = 4096;
const EMPTY: u8 = u8::MAX;
const COUNT: usize = WORDS.len() + ALIASES.len();

/// Tells all words apart.
const MULTIPLIER: u64 = 0xc84f_2b7d_b2a0_4cd3;

/// The words and their tokens in the order of the tables above.
static ENTRIES: [(Key, Token); COUNT] = {
    let mut entries = [(Key { first: 0, last: 0, length: 0 }, Token::Add); COUNT];
    let mut place = 0;
    while place < COUNT {
        let (text, token) = row(place);
        if let Some(key) = Key::of(text.as_bytes()) {
            entries[place] = (key, token);
        }
        place += 1;
    }
    entries
};

const fn row(place: usize) -> (&'static str, Token) {
    if place < WORDS.len() { WORDS[place] } else { ALIASES[place - WORDS.len()] }
}

static SLOTS: [u8; SIZE] = {
    let mut slots = [EMPTY; SIZE];
    let mut place = 0;
    while place < COUNT {
        let (text, token) = row(place);
        if let Some(key) = Key::of(text.as_bytes()) {
            let slot = key.slot();
            if slots[slot] == EMPTY {
                slots[slot] = place as u8;
            } else {
                // A token whose two forms are one word may stand twice; anything else needs another multiplier.
                let (held, other) = row(slots[slot] as usize);
                assert!(other as usize == token as usize && held.len() == text.len());
            }
        }
        place += 1;
    }
    slots
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_in_any_case() {
        for (word, token) in WORDS.iter().chain(ALIASES) {
            for word in [(*word).to_owned(), word.to_ascii_lowercase(), word.to_ascii_uppercase()] {
                assert_eq!(Token::find(word.as_bytes()), Some(*token), "{word}");
            }
        }
    }

    #[test]
    fn other_words_are_no_tokens() {
        for word in [
            "",
            "x",
            "Adds",
            "Medi",
            "al",
            "Transactions",
            "ROOT",
            "!!",
            "TransactionResponseAckTransactionResponseAck",
        ] {
            assert_eq!(Token::find(word.as_bytes()), None, "{word}");
        }
    }
}
