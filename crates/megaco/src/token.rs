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

    /// The token that a word is, in any case.
    pub(crate) fn find(word: &[u8]) -> Option<Self> {
        let slot = hash(word) as usize;
        let place = usize::from(*SLOTS.get(slot)?);
        let (text, token) = WORDS.get(place).or_else(|| ALIASES.get(place.checked_sub(WORDS.len())?))?;
        text.as_bytes().eq_ignore_ascii_case(word).then_some(*token)
    }
}

const SIZE: usize = 4096;
const EMPTY: u8 = u8::MAX;

/// Length, the first four and the last three characters tell all words apart.
const fn hash(word: &[u8]) -> u32 {
    let mut mixed = word.len() as u32;
    let mut place = 0;
    while place < 4 && place < word.len() {
        mixed = mixed.wrapping_mul(MULTIPLIER) ^ (word[place] | 0x20) as u32;
        place += 1;
    }
    let mut back = 1;
    while back <= 3 && back <= word.len() {
        mixed = mixed.wrapping_mul(MULTIPLIER) ^ (word[word.len() - back] | 0x20) as u32;
        back += 1;
    }
    mixed.wrapping_mul(0x9e37_79b1) >> (32 - SIZE.trailing_zeros())
}

const MULTIPLIER: u32 = 0x9108_ae71;

const SLOTS: [u8; SIZE] = {
    let mut slots = [EMPTY; SIZE];
    let mut place = 0;
    while place < WORDS.len() + ALIASES.len() {
        let (text, token) = if place < WORDS.len() { WORDS[place] } else { ALIASES[place - WORDS.len()] };
        let slot = hash(text.as_bytes()) as usize;
        if slots[slot] == EMPTY {
            slots[slot] = place as u8;
        } else {
            // A token whose two forms are one word may stand twice; anything else needs another multiplier.
            let held = slots[slot] as usize;
            let other = if held < WORDS.len() { WORDS[held].1 } else { ALIASES[held - WORDS.len()].1 };
            assert!(
                other as usize == token as usize
                    && FORMS[token as usize].0.len() == FORMS[token as usize].1.len()
            );
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
