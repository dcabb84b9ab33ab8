//! What is refused: by which rule, where, and with which code.

use strowger_megaco::error::Scope;
use strowger_megaco::text::{Options, decode, decode_recovering};
use strowger_megaco::{ErrorCode, Rule};

use crate::text::CANONICAL;
use crate::vectors::vectors;

#[track_caller]
fn refused(text: &str, rule: Rule, code: u16, at: &str) {
    let error = decode(text.as_bytes(), &Options::DEFAULT).expect_err(text);
    let shown = &text[error.offset.min(text.len())..];
    assert_eq!(error.rule, rule, "{error}");
    assert_eq!(error.code(), ErrorCode::new(code), "{error} {:?}", error.scope);
    assert!(shown.starts_with(at), "{error}: at {shown:?}");
}

#[test]
fn each_fault_has_its_rule_its_place_and_its_code() {
    refused("", Rule::Ends, 400, "");
    refused("HELLO", Rule::Start, 400, "HELLO");
    refused("!/123 a\nPN=1{}", Rule::Version, 406, "!/123");
    refused("!/1[1.2.3.4] PN=1{}", Rule::Separator, 400, "[");
    refused("!/1 [1.2.3.400] PN=1{}", Rule::Mid, 400, "[");
    refused("!/1 <-x>\nPN=1{}", Rule::Mid, 400, "<");
    refused("!/1 a\n", Rule::Ends, 400, "");
    refused("!/1 a\nFetch=1{}", Rule::Transaction, 403, "Fetch");
    refused("!/1 a\nT=0{C=-{MF=a}}", Rule::TransactionId, 403, "0");
    refused("!/1 a\nT=4294967296{C=-{MF=a}}", Rule::TransactionId, 403, "4294967296");
    refused("!/1 a\nT=1{A=b}", Rule::Action, 422, "");
    refused("!/1 a\nT=1{C=0{MF=a}}", Rule::ContextId, 422, "0");
    refused("!/1 a\nT=1{C=1{PR=16}}", Rule::Priority, 422, "16");
    refused("!/1 a\nT=1{C=1{Frobnicate=a}}", Rule::Command, 443, "Frobnicate");
    refused("!/1 a\nT=1{C=1{MF=a b}}", Rule::RightBrace, 422, "b");
    refused("!/1 a\nT=1{C=1{MF=a{E=1{al/of}},}}", Rule::Command, 443, "}");
    refused("!/1 a\nT=1{C=1{MF=a{Zap}}}", Rule::Descriptor, 444, "Zap");
    refused("!/1 a\nT=1{C=1{MF=a{SG,SG}}}", Rule::DescriptorTwice, 448, "");
    refused("!/1 a\nT=1{C=1{MF=a{M{O{MO=Loud}}}}}", Rule::StreamMode, 517, "Loud");
    refused("!/1 a\nT=1{C=1{MF=a{M{O{MO=SR},ST=1{O{MO=SR}}}}}}", Rule::Media, 442, "");
    refused("!/1 a\nT=1{C=1{MF=a{M{O{al}}}}}", Rule::ItemName, 442, "al");
    refused("!/1 a\nT=1{C=1{MF=a{M{O{*/x=1}}}}}", Rule::ItemName, 442, "*/x");
    refused("!/1 a\nT=1{C=1{MF=a{E{al/of}}}}", Rule::RequestMissing, 442, "{");
    refused("!/1 a\nT=1{C=1{MF=a{E=1{al/of{KA,EM{SG{cg/dt}}}}}}}", Rule::KeepActive, 442, "");
    refused("!/1 a\nT=1{C=1{AV=a}}", Rule::DescriptorMissing, 442, "");
    refused("!/1 a\nT=1{C=1{N=a{ER=518{}}}}", Rule::DescriptorMissing, 442, "");
    refused("!/1 a\nT=1{C=-{SC=ROOT{SV{MT=RS}}}}", Rule::MethodMissing, 442, "{");
    refused("!/1 a\nT=1{C=-{SC=ROOT{SV{MT=RS,RE=\"9\",AD=5,MG=b}}}}", Rule::Target, 442, "MG");
    refused("!/1 a\nT=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901}}}}", Rule::Quote, 442, "\"901");
    refused("!/1 a\nK{9-3}", Rule::Acknowledgement, 403, "9-3");
    refused("!/3 a\nSM=1/0", Rule::Segment, 403, "1/0");
    refused("!/1 a\nER=400{}PN=1{}", Rule::Trailing, 400, "PN");
}

#[test]
fn the_error_says_which_transaction_and_how_much_of_it_is_meant() {
    let error = decode(b"!/1 a\nT=77{C=1{MF=a{Zap}}}", &Options::DEFAULT).unwrap_err();
    assert_eq!(error.transaction, Some(strowger_megaco::message::TransactionId::new(77)));
    assert_eq!(error.scope, Scope::Command);
    assert!(error.is_request);
    let error = decode(b"!/1 a\nT=x{}", &Options::DEFAULT).unwrap_err();
    assert_eq!((error.transaction, error.scope), (None, Scope::Transaction));
    let error = decode(b"!/1 a\nP=5{C=1{Zap}}", &Options::DEFAULT).unwrap_err();
    assert!(!error.is_request, "a reply is not answered");
}

#[test]
fn the_recovering_mode_finds_every_fault_and_keeps_the_rest() {
    let text = b"!/1 a\nT=1{C=1{MF=a{Zap{x{y},\"}\"},SG{cg/dt,cg},M{O{MO=Loud,nt/jit=40}}},Fly=b,S=c,}}";
    let (message, faults) = decode_recovering(text, &Options::DEFAULT);
    let rules: Vec<_> = faults.iter().map(|fault| fault.rule).collect();
    assert_eq!(rules, [Rule::Descriptor, Rule::ItemName, Rule::StreamMode, Rule::Command, Rule::Item]);
    for fault in &faults {
        assert!(fault.length > 0 && fault.offset + fault.length <= text.len(), "{fault}");
        assert!(!fault.rule.clause().is_empty());
    }
    let kept = decode(b"!/1 a\nT=1{C=1{MF=a{SG{cg/dt},M{O{nt/jit=40}}},S=c}}", &Options::DEFAULT).unwrap();
    assert_eq!(message, Some(kept));
}

#[test]
fn a_message_without_faults_has_none_in_the_recovering_mode() {
    for text in CANONICAL {
        let (message, faults) = decode_recovering(text.as_bytes(), &Options::DEFAULT);
        assert_eq!(faults, [], "{text}");
        assert_eq!(message, decode(text.as_bytes(), &Options::DEFAULT).ok());
    }
}

#[test]
fn hostile_text_is_refused_at_once() {
    let braces = format!("!/1 a\nT=1{{C=1{{MF=a{}", "{".repeat(60_000));
    let error = decode(braces.as_bytes(), &Options::DEFAULT).unwrap_err();
    assert_eq!(error.rule, Rule::Descriptor);
    let regulated = format!("!/3 a\nT=1{{C=1{{MF=a{{E=1{{al/of{{{}", "NBRN{EM{E=1{al/of{".repeat(3_000));
    assert_eq!(decode(regulated.as_bytes(), &Options::DEFAULT).unwrap_err().rule, Rule::Depth);
    let name = format!("!/1 a\nT=1{{C=1{{MF={}}}}}", "x".repeat(65_000));
    assert_eq!(decode(name.as_bytes(), &Options::DEFAULT).unwrap_err().rule, Rule::TerminationId);
    let long = format!("!/1 a\nT=1{{C=1{{MF=a{{M{{L{{{}}}}}}}}}}}", "v=0\n".repeat(100_000));
    assert_eq!(decode(long.as_bytes(), &Options::DEFAULT).unwrap_err().rule, Rule::MessageLength);
    let many = format!("!/1 a\nK{{1{}}}", ",1".repeat(20_000));
    assert_eq!(decode(many.as_bytes(), &Options::DEFAULT).unwrap_err().rule, Rule::ItemCount);
    let (_, faults) = decode_recovering(braces.as_bytes(), &Options::DEFAULT);
    assert!(!faults.is_empty());
    let bad = format!("!/1 a\nT=1{{C=1{{MF=a{{{}}}}}}}", "?,".repeat(10_000));
    let (_, faults) = decode_recovering(bad.as_bytes(), &Options::DEFAULT);
    assert!(faults.len() <= 65, "{}", faults.len());
}

#[test]
fn a_message_cut_anywhere_is_refused_or_whole() {
    let texts = CANONICAL.iter().map(|text| text.as_bytes().to_vec());
    for text in texts.chain(vectors().into_iter().map(|vector| vector.pretty)) {
        for end in 0..text.len() {
            let cut = &text[..end];
            if let Err(error) = decode(cut, &Options::DEFAULT) {
                assert!(error.offset <= end, "{error}");
            } else {
                // Transactions stand side by side: one can be missing without a trace.
                assert!(
                    cut.ends_with(b"}") || cut.ends_with(b"}\n") || text.contains(&b'M'),
                    "{}",
                    cut.escape_ascii()
                );
            }
            let (_, faults) = decode_recovering(cut, &Options::DEFAULT);
            assert_eq!(faults.is_empty(), decode(cut, &Options::DEFAULT).is_ok());
        }
    }
}
