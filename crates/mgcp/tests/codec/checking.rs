//! Stories of refusal: which code a legal but unacceptable command gets.
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{ActionSet, Message};
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text::{check, decode};

/// A value of so many equal formats of one codec.
fn ordered(count: usize) -> String {
    format!("a:PCMU;PCMU, fmtp:{}", vec!["\"PCMU:2 a=b\""; count].join(";"))
}

/// The code that the command gets, from the decoder or from the check; 0 when it is accepted.
fn verdict_in(dialect: &Dialect, lines: &str) -> u16 {
    let text = lines.replace('|', "\r\n") + "\r\n";
    match decode(text.as_bytes(), &Limits::DEFAULT) {
        Err(error) => error.return_code().get(),
        Ok(Message::Response(response)) => panic!("{response:?}"),
        Ok(Message::Command(command)) => {
            check(&command, dialect, &PackageSet::ALL).map_or_else(|refusal| refusal.code.get(), |()| 0)
        }
    }
}

fn verdict(lines: &str) -> u16 {
    verdict_in(&Dialect::RFC3435, lines)
}

#[test]
fn complete_commands_of_every_verb_are_accepted() {
    for command in [
        "EPCF 1 aaln/1@gw MGCP 1.0|B: e:mu",
        "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: a:PCMU, p:20",
        "CRCX 1 aaln/$@gw MGCP 1.0|C: A3|M: inactive|Z2: aaln/$@gw",
        "MDCX 1 aaln/1@gw MGCP 1.0|C: A3|I: FD|M: sendrecv||v=0",
        "DLCX 1 aaln/1@gw MGCP 1.0|C: A3|I: FD",
        "DLCX 1 aaln/*@gw MGCP 1.0",
        "DLCX 1 aaln/1@gw MGCP 1.0|C: A3|I: FD|E: 902 lost|P: PS=1, OS=160",
        "RQNT 1 aaln/1@gw MGCP 1.0|X: 0123|R: L/hd(N)|S: L/rg|Q: loop|T: D/[0-9]|D: x[1-7].T|N: ca@ca:2727",
        "NTFY 1 aaln/1@gw MGCP 1.0|X: 0123|O: L/hd|N: ca@ca",
        "AUEP 1 *@gw MGCP 1.0",
        "AUEP 1 aaln/1@gw MGCP 1.0|F: A, I, LC, B/NS, X-own|K: 1-5, 9",
        "AUCX 1 aaln/1@gw MGCP 1.0|I: FD|F: C,N,L,M,P,LC,RC",
        "RSIP 1 *@gw MGCP 1.0|RM: restart|RD: 30",
        "MESG 1 aaln/1@gw MGCP 1.0",
        "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|B/PR: L/hd(N), L/hu(N)|X-Note: anything",
    ] {
        assert_eq!(verdict(command), 0, "{command}");
    }
}

#[test]
fn each_fault_gets_its_own_code() {
    for (code, command) in [
        (528, "AUEP 1 aaln/1@gw MGCP 2.0"),
        (504, "XPER 1 aaln/1@gw MGCP 1.0"),
        (510, "CRCX 1 aaln/*@gw MGCP 1.0|C: A3|M: recvonly"),
        (510, "RQNT 1 aaln/$@gw MGCP 1.0|X: 1"),
        (510, "MDCX 1 aaln/*@gw MGCP 1.0|C: A3|I: FD"),
        (510, "DLCX 1 aaln/*@gw MGCP 1.0|C: A3|I: FD"),
        (511, "AUEP 1 aaln/1@gw MGCP 1.0|X+FOO: bar"),
        (518, "AUEP 1 aaln/1@gw MGCP 1.0|foo/bar: 1"),
        (539, "AUEP 1 aaln/1@gw MGCP 1.0|B/bar: 1"),
        (539, "AUEP 1 aaln/1@gw MGCP 1.0|YY: 1"),
        (539, "AUEP 1 aaln/1@gw MGCP 1.0|M: sendrecv"),
        (539, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|C: A3|M: recvonly"),
        (539, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1||v=0"),
        (510, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3"),
        (510, "CRCX 1 aaln/1@gw MGCP 1.0|M: recvonly"),
        (510, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|S: L/rg"),
        (510, "MDCX 1 aaln/1@gw MGCP 1.0|C: A3|I:"),
        (510, "MDCX 1 aaln/1@gw MGCP 1.0|C: A3|I: FD, FE"),
        (510, "EPCF 1 aaln/1@gw MGCP 1.0"),
        (517, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: confecho"),
        (518, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: foo/bar"),
        (532, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: p:soon"),
        (541, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: zz:1"),
        (541, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: v:L"),
        (525, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: x+foo:1"),
        (0, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: x-foo:1, fmtp:\"PCMU a=1\", r-dir:sendrecv"),
        (518, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: foo/bar:1"),
        (524, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: p:10, p:20"),
        (508, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|Q: sometimes"),
        (518, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: foo/bar"),
        (518, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(E(S(foo/bar)))"),
        (522, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|S: D/[0-9]"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(Z)"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(N,A)"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(N,N)"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(N,E(S(L/dl)))"),
        (0, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|Q: loop|R: L/hd(N,E(S(L/dl)))"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(E(R(L/hu(E(S(L/dl))))))"),
        (523, "RQNT 1 aaln/1@gw MGCP 1.0|X: 1|R: L/hd(E(S(L/dl),S(L/bz)))"),
        (536, "RSIP 1 aaln/1@gw MGCP 1.0|RM: sometime"),
        (518, "RSIP 1 aaln/1@gw MGCP 1.0|RM: foo/bar"),
        (536, "RSIP 1 aaln/1@gw MGCP 1.0|RM: L/bar"),
        (509, "CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly||nonsense"),
    ] {
        assert_eq!(verdict(command), code, "{command}");
    }
}

#[test]
fn a_dialect_decides_on_version_profile_and_wildcard() {
    let old = "AUEP 1 aaln/1@gw MGCP 0.1";
    assert_eq!((verdict(old), verdict_in(&Dialect::MGCP_0_1, old)), (528, 0));
    let profile = "AUEP 1 aaln/1@gw MGCP 1.0 NCS 1.0";
    assert_eq!((verdict(profile), verdict_in(&Dialect::OSMO, profile)), (0, 528));
    // Section 3.2.1.4 has profiles that are not supported refused as versions are.
    for dialect in Dialect::ALL {
        for profile in ["ACME 7", "NCSX 1.0", "1.0"] {
            assert_eq!(
                verdict_in(dialect, &format!("AUEP 1 aaln/1@gw MGCP 1.0 {profile}")),
                528,
                "{profile}"
            );
        }
    }
    let any = "CRCX 1 rtpbridge/*@mgw MGCP 1.0|C: 1|M: recvonly";
    assert_eq!((verdict(any), verdict_in(&Dialect::OSMO, any)), (510, 0));
}

#[test]
fn a_dialect_has_the_commands_that_it_has() {
    let (configure, message) = ("EPCF 1 aaln/1@gw MGCP 1.0|B: e:mu", "MESG 1 aaln/1@gw MGCP 1.0");
    assert_eq!((verdict(configure), verdict(message)), (0, 0));
    for (dialect, codes) in
        [(Dialect::RFC2705, (0, 504)), (Dialect::NCS, (504, 504)), (Dialect::TGCP, (504, 504))]
    {
        let heard = (verdict_in(&dialect, configure), verdict_in(&dialect, message));
        assert_eq!(heard, codes, "{}", dialect.name);
    }
}

#[test]
fn actions_combine_as_the_table_of_section_2_3_3_says() {
    let order = [
        ActionSet::NOTIFY,
        ActionSet::SWAP,
        ActionSet::ACCUMULATE,
        ActionSet::DIGIT_MAP,
        ActionSet::KEEP_SIGNALS,
        ActionSet::EMBEDDED,
        ActionSet::IGNORE,
    ];
    let table = ["NYNNYYN", "-NYNNNY", "--NNYYN", "---NYNN", "----NYY", "-----NN", "------N"];
    for (row, letters) in table.iter().enumerate() {
        for (column, letter) in letters.chars().enumerate().skip(row) {
            let (one, other) = (order[row], order[column]);
            assert_eq!(one.combines_with(other), letter == 'Y', "row {row}, column {column}");
            assert_eq!(other.combines_with(one), letter == 'Y', "row {row}, column {column}, turned");
        }
    }
    let three = ActionSet::NOTIFY.with(ActionSet::KEEP_SIGNALS);
    assert!(three.combines_with(ActionSet::EMBEDDED));
    assert!(!three.combines_with(ActionSet::SWAP), "each must be combinable with all others");
}

#[test]
fn media_formats_and_reservations_are_those_of_rfc_3660() {
    let crcx = |options: &str| verdict(&format!("CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: {options}"));
    for (code, options) in [
        (0, "a:codec1;codec2, fmtp:\"codec1 formatX\", fmtp:\"codec2 formatY\""),
        (0, "a:codec1;codec2, fmtp:\"codec1 formatX\";\"codec2 formatY\""),
        (0, "a:codec1;codec1, fmtp:\"codec1:2 formatX\""),
        (524, "a:codec1;codec1, fmtp:\"codec1:3 formatX\""),
        (524, "a:codec1, fmtp:\"codec1:0 formatX\""),
        (0, "a:image/tiff, fmtp:\"tiff:1 foobar\""),
        (0, "a:PCMU;telephone-event, o-fmtp:\"telephone-event 16,70,71\", fmtp:\"telephone-event 0-15\""),
        (532, "a:PCMU, fmtp:PCMU"),
        (532, "a:PCMU, fmtp:\"PCMU x\"y"),
        (532, "a:PCMU, fmtp"),
        (532, "fmtp:\"\""),
        (0, "r:g, r-dir:sendonly, r-cnf:none, r-sh:"),
        (0, "r-sh:$"),
        (0, "r-sh:A3F"),
        (532, "r-sh:other"),
        (532, "r-dir:none"),
        (532, "r-cnf:maybe"),
    ] {
        assert_eq!(crcx(options), code, "{options}");
    }
}

#[test]
fn a_sign_of_life_from_all_endpoints_is_the_old_dialects() {
    let empty = "NTFY 170 *@gw MGCP 0.1|X: 0|O:";
    assert_eq!((verdict(empty), verdict_in(&Dialect::MGCP_0_1, empty)), (528, 0));
    assert_eq!(verdict("NTFY 170 *@gw MGCP 1.0|X: 0|O:"), 510);
}

#[test]
fn more_media_formats_than_payload_types_are_refused_before_they_cost_time() {
    let with = |options: &str| verdict(&format!("CRCX 1 aaln/1@gw MGCP 1.0|C: A3|M: recvonly|L: {options}"));
    assert_eq!(with(&ordered(128)), 0);
    assert_eq!(with(&ordered(129)), 532);
    assert_eq!(with(&ordered(4000)), 532);
    // Without an order they are legal, and as many as fit.
    assert_eq!(with(&ordered(4000).replace(":2", "")), 0);
    // Of a list of codecs as long, the first as many count.
    let codecs = vec!["PCMU"; 4000].join(";");
    assert_eq!(with(&format!("a:{codecs}, fmtp:\"PCMU:128 a=b\"")), 0);
    assert_eq!(with(&format!("a:{codecs}, fmtp:\"PCMU:129 a=b\"")), 524);
}
