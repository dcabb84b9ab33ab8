//! `strowger decode`: one message, explained field by field, or why it is illegal.

use std::io::Read;

use strowger_capture::{MegacoForm, Protocol, convert, explain, explain_megaco, octets_of};
use strowger_megaco::binary::NamePlan;

use crate::output::{Exit, fail, print, print_json};

/// The most that is read: a datagram of 64 KiB as spaced hexadecimal digits, several times over.
const LARGEST: u64 = 1024 * 1024;

/// Explain a message, or say why it is illegal
///
/// Reads one message, or one datagram of several, from standard input: as text, or as hexadecimal digits with or
/// without spaces, which is noticed by itself. Each field is shown with its name, value, octets and clause. Exit code: 0
/// when the message is legal, 1 when it breaks a rule, which is named with its place and what a receiver answers, 2 when
/// the command was used wrongly.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    printf 'AUEP 1200 aaln/1@gw1.town MGCP 1.0\\r\\n' | strowger decode - --proto mgcp\n  \
    strowger decode - --proto sdp --json < description.txt\n  \
    echo 41554550 | strowger decode - --proto mgcp\n  \
    echo 010603beaf848c8398543100 8d929583 | strowger decode - --proto push\n  \
    strowger decode - --proto megaco --to compact < message.txt\n  \
    strowger decode - --proto megaco --names 8:aaln,rtp/16:number < message.hex")]
pub(crate) struct Arguments {
    /// Where to read: - is standard input
    #[arg(value_name = "INPUT", default_value = "-")]
    input: String,
    /// The protocol of the message: mgcp, megaco, sip, sdp, rtp, rtcp, push, mms or sms
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol)]
    proto: Protocol,
    /// Write a legal message in another form instead of explaining it: pretty, compact or ber (megaco)
    #[arg(long, value_name = "FORM", value_parser = form)]
    to: Option<MegacoForm>,
    /// How the names of terminations are octets in the binary form, as `strowger gateway megaco` has it (megaco) [default: three
    /// levels of eight zeros and ones]
    #[arg(long, value_name = "PLAN")]
    names: Option<NamePlan>,
    /// Print the explanation as JSON
    #[arg(long)]
    json: bool,
}

fn form(name: &str) -> Result<MegacoForm, String> {
    MegacoForm::from_name(name).ok_or_else(|| "expected one of: pretty, compact, ber".to_owned())
}

fn protocol(name: &str) -> Result<Protocol, String> {
    Protocol::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Protocol::ALL.iter().map(|protocol| protocol.name()).collect();
        format!("expected one of: {}", known.join(", "))
    })
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    if arguments.input != "-" {
        let why = "capture files are not supported by this version yet; expected -, which reads one message from standard input";
        return fail(Exit::Usage, &why);
    }
    if arguments.to.is_some() && (arguments.proto != Protocol::Megaco || arguments.json) {
        return fail(Exit::Usage, &"--to goes with --proto megaco and without --json");
    }
    if arguments.names.is_some() && arguments.proto != Protocol::Megaco {
        return fail(Exit::Usage, &"--names goes with --proto megaco");
    }
    let names = arguments.names.clone().unwrap_or_default();
    let mut given = Vec::new();
    if let Err(error) = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut given) {
        return fail(Exit::Usage, &format!("standard input cannot be read: {error}"));
    }
    if given.len() as u64 > LARGEST {
        return fail(Exit::Finding, &"the input is longer than any message");
    }
    let (given, lines) = octets_of(arguments.proto, &given);
    let mut explained = match arguments.proto {
        Protocol::Megaco => explain_megaco(&given, &names),
        other => explain(other, &given),
    };
    explained.remarks.extend(lines);
    if let Some(form) = arguments.to.filter(|_| explained.is_legal()) {
        return match convert(&given, form, &names) {
            Ok(converted) => {
                print(&converted);
                Exit::Good
            }
            Err(why) => fail(Exit::Finding, &why),
        };
    }
    if arguments.json {
        print_json(&explained);
    } else {
        print(&explained.to_string());
    }
    if explained.is_legal() { Exit::Good } else { Exit::Finding }
}
