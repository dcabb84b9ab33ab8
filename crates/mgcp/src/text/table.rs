//! Which parameter may stand in which message: the tables of RFC 3435 sections 3.2.2 and 3.3, with MESG of
//! Appendix B as a tenth column.

use crate::message::{KNOWN, ParameterCode, Verb};

/// Whether a parameter may or must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Mandatory,
    /// It may.
    Optional,
    /// It must not.
    Forbidden,
}

/// One row: a parameter, and its letter for each verb.
#[derive(Clone, Copy)]
struct Row {
    code: ParameterCode<'static>,
    command: &'static [u8; COLUMNS],
    response: &'static [u8; COLUMNS],
}

/// The columns, in the order of [`Verb::ALL`].
const COLUMNS: usize = Verb::ALL.len();

const fn row(
    code: ParameterCode<'static>,
    command: &'static [u8; COLUMNS],
    response: &'static [u8; COLUMNS],
) -> Row {
    Row { code, command, response }
}

/// The rows in the order of [`ParameterCode::ALL`]. Columns: EPCF CRCX MDCX DLCX RQNT NTFY AUEP AUCX RSIP MESG.
///
/// Letters with a note in the RFC: `B` in EPCF and `X` with an encapsulated request depend on other parameters,
/// which [`check`](crate::text::check) looks at; so does `P` in DLCX on who sends it.
const ROWS: [Row; KNOWN] = [
    row(ParameterCode::BearerInformation, b"OOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::CallId, b"FMMOFFFFFF", b"FFFFFFFOFF"),
    row(ParameterCode::Capabilities, b"FFFFFFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::ConnectionId, b"FFMOFFFMFF", b"FOFFFFOFFF"),
    row(ParameterCode::ConnectionMode, b"FMOFFFFFFF", b"FFFFFFFOFF"),
    row(ParameterCode::ConnectionParameters, b"FFFOFFFFFF", b"FFFOFFFOFF"),
    row(ParameterCode::DetectEvents, b"FOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::DigitMap, b"FOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::EventStates, b"FFFFFFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::LocalConnectionOptions, b"FOOFFFFFFF", b"FFFFFFFOFF"),
    row(ParameterCode::MaxMgcpDatagram, b"FFFFFFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::NotifiedEntity, b"FOOOOOFFFF", b"FFFFFFOOOF"),
    row(ParameterCode::ObservedEvents, b"FFFFFMFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::PackageList, b"FFFFFFFFFF", b"OOOOOOOOOO"),
    row(ParameterCode::QuarantineHandling, b"FOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::ReasonCode, b"FFFOFFFFOF", b"FFFFFFOFFF"),
    row(ParameterCode::RequestedEvents, b"FOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::RequestedInfo, b"FFFFFFOMFF", b"FFFFFFFFFF"),
    row(ParameterCode::RequestIdentifier, b"FOOOMMFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::ResponseAck, b"OOOOOOOOOO", b"OOOOOOOOOO"),
    row(ParameterCode::RestartDelay, b"FFFFFFFFOF", b"FFFFFFOFFF"),
    row(ParameterCode::RestartMethod, b"FFFFFFFFMF", b"FFFFFFOFFF"),
    row(ParameterCode::SecondConnectionId, b"FFFFFFFFFF", b"FOFFFFFFFF"),
    row(ParameterCode::SecondEndpointId, b"FOFFFFFFFF", b"FOFFFFFFFF"),
    row(ParameterCode::SignalRequests, b"FOOOOFFFFF", b"FFFFFFOFFF"),
    row(ParameterCode::SpecificEndpointId, b"FFFFFFFFFF", b"FOFFFFOFFF"),
    row(ParameterCode::RemoteConnectionDescriptor, b"FOOFFFFFFF", b"FFFFFFFOFF"),
    row(ParameterCode::LocalConnectionDescriptor, b"FFFFFFFFFF", b"FOOFFFFOFF"),
];

/// The parameters that have this letter in the commands of each verb, as bits at their places.
const fn marked(letter: u8) -> [u32; COLUMNS] {
    let mut bits = [0; COLUMNS];
    let mut column = 0;
    while column < COLUMNS {
        let mut place = 0;
        while place < KNOWN {
            if ROWS[place].command[column] == letter {
                bits[column] |= 1 << place;
            }
            place += 1;
        }
        column += 1;
    }
    bits
}

const MANDATORY: [u32; COLUMNS] = marked(b'M');
const FORBIDDEN: [u32; COLUMNS] = marked(b'F');

/// The parameters that a command must have, as bits at their places in [`ParameterCode::ALL`].
pub(crate) fn mandatory_bits(verb: Verb) -> u32 {
    verb.index().and_then(|column| MANDATORY.get(column)).copied().unwrap_or(0)
}

/// The parameters that a command must not have, in the same form.
pub(crate) fn forbidden_bits(verb: Verb) -> u32 {
    verb.index().and_then(|column| FORBIDDEN.get(column)).copied().unwrap_or(0)
}

/// The parameters that a response to a command must not have, in the same form.
pub(crate) fn forbidden_in_response_bits(verb: Verb) -> u32 {
    let all = ParameterCode::ALL.into_iter().enumerate();
    let forbidden = all.filter(|(_, code)| in_response(verb, *code) == Presence::Forbidden);
    forbidden.fold(0, |bits, (place, _)| bits | 1 << place)
}

/// Whether a parameter may stand in a command. The two descriptors stand for session descriptions. Extensions,
/// and all parameters of unknown verbs, are optional as far as the table goes.
#[must_use]
pub fn in_command(verb: Verb, code: ParameterCode<'_>) -> Presence {
    look_up(verb, code, |row| row.command)
}

/// Whether a parameter may stand in the response to a command. Who receives others ignores them.
#[must_use]
pub fn in_response(verb: Verb, code: ParameterCode<'_>) -> Presence {
    look_up(verb, code, |row| row.response)
}

/// The parameters that a command must have.
pub fn mandatory(verb: Verb) -> impl Iterator<Item = ParameterCode<'static>> {
    ROWS.iter().map(|row| row.code).filter(move |code| in_command(verb, *code) == Presence::Mandatory)
}

/// Whether a parameter may be repeated: in the answer to an audit of an endpoint some may (section 3.3).
#[must_use]
pub fn may_repeat(verb: Verb, code: ParameterCode<'_>) -> bool {
    let listed =
        [ParameterCode::Capabilities, ParameterCode::ConnectionId, ParameterCode::SpecificEndpointId];
    verb == Verb::Auep && listed.contains(&code)
}

fn look_up(
    verb: Verb,
    code: ParameterCode<'_>,
    letters: impl Fn(&Row) -> &'static [u8; COLUMNS],
) -> Presence {
    let column = verb.index();
    let row = code.index().and_then(|index| ROWS.get(index));
    let (Some(column), Some(row)) = (column, row) else {
        return Presence::Optional;
    };
    match letters(row).get(column) {
        Some(b'M') => Presence::Mandatory,
        Some(b'F') => Presence::Forbidden,
        _ => Presence::Optional,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_the_place_of_their_parameter() {
        for (code, row) in ParameterCode::ALL.into_iter().zip(&ROWS) {
            assert_eq!(code, row.code);
            for letters in [row.command, row.response] {
                assert!(letters.iter().all(|letter| b"MOF".contains(letter)), "{code}");
            }
        }
    }

    #[test]
    fn the_bits_say_what_the_rows_say() {
        for verb in Verb::ALL {
            for (place, code) in ParameterCode::ALL.into_iter().enumerate() {
                let (must, must_not) = (mandatory_bits(verb) >> place & 1, forbidden_bits(verb) >> place & 1);
                let expected = match in_command(verb, code) {
                    Presence::Mandatory => (1, 0),
                    Presence::Optional => (0, 0),
                    Presence::Forbidden => (0, 1),
                };
                assert_eq!((must, must_not), expected, "{code} in {verb}");
            }
            assert_eq!(verb.index().and_then(|place| Verb::ALL.get(place)), Some(&verb));
        }
        assert_eq!((mandatory_bits(Verb::Other(*b"XYZW")), forbidden_bits(Verb::Other(*b"XYZW"))), (0, 0));
    }

    #[test]
    fn mandatory_parameters_are_those_of_the_table() {
        let codes = |verb| mandatory(verb).map(|code| code.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(Verb::Crcx), "C M");
        assert_eq!(codes(Verb::Mdcx), "C I");
        assert_eq!(codes(Verb::Rqnt), "X");
        assert_eq!(codes(Verb::Ntfy), "O X");
        assert_eq!(codes(Verb::Aucx), "I F");
        assert_eq!(codes(Verb::Rsip), "RM");
        for verb in [Verb::Epcf, Verb::Dlcx, Verb::Auep, Verb::Mesg, Verb::Other(*b"XYZW")] {
            assert_eq!(codes(verb), "", "{verb}");
        }
    }
}
