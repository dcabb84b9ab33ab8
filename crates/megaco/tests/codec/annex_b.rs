//! The restrictions that Annex B.2 states in words and in comments, line by line, beside those of its productions.

use strowger_megaco::Rule;
use strowger_megaco::message::{
    AmmDescriptor, Body, CommandBody, Mid, Setting, SignalRequest, Transaction, Value,
};
use strowger_megaco::text::{Options, decode};

fn rule(text: &str) -> Option<Rule> {
    decode(text.as_bytes(), &Options::DEFAULT).err().map(|error| error.rule)
}

#[track_caller]
fn legal(text: &str) {
    assert_eq!(rule(text), None, "{text}");
}

#[track_caller]
fn illegal(text: &str, wanted: Rule) {
    assert_eq!(rule(text), Some(wanted), "{text}");
}

fn amm(descriptors: &str) -> String {
    format!("!/1 <a>\nT=1{{C=1{{MF=a{{{descriptors}}}}}}}")
}

#[test]
fn lines_end_with_either_character_or_both_and_a_comment_with_its_line() {
    for text in [
        "!/1 <a>\rT=1{C=1{MF=a}}\r",
        "!/1 <a>\nT=1{C=1{MF=a}}\n",
        "!/1 <a>\r\nT=1{C=1{MF=a ; what ] } { \" is here\r\n}}",
        "; first\n!/1\t<a> ; then\rT = 1 { C = 1 { MF = a } }",
    ] {
        legal(text);
    }
    illegal("!/1 <a>\nT=1{C=1{MF=a ; without an end }}", Rule::Ends);
}

#[test]
fn names_of_messages_have_the_lengths_and_digits_that_are_said() {
    let domain = |length: usize| format!("!/1 <{}>\nT=1{{C=1{{MF=a}}}}", "d".repeat(length));
    legal(&domain(64));
    illegal(&domain(65), Rule::Mid);
    // MTP addresses are whole octets, of which the most significant bits are zero.
    for (digits, is_legal) in
        [("0f0f", true), ("00ffff01", true), ("0f0", false), ("0f", false), ("0102030405", false)]
    {
        let text = format!("!/1 MTP{{{digits}}}\nT=1{{C=1{{MF=a}}}}");
        assert_eq!(rule(&text), (!is_legal).then_some(Rule::Mid), "{text}");
    }
    let text = "!/1 MTP{0f0F}\nT=1{C=1{MF=a}}";
    let message = decode(text.as_bytes(), &Options::DEFAULT).unwrap();
    assert!(matches!(message.mid, Mid::Mtp(address) if address.as_bytes() == [0x0f, 0x0f]));
    legal("!/1 [fe80::1]:2944\nT=1{C=1{MF=a}}");
    // The total length of a path name is 64 characters.
    let path = |length: usize| format!("!/1 <a>\nT=1{{C=1{{MF={}}}}}", "p".repeat(length));
    legal(&path(64));
    illegal(&path(65), Rule::TerminationId);
}

#[test]
fn what_may_stand_once_stands_once() {
    for descriptors in [
        "M{O{MO=SR,MO=RC}}",
        "M{O{RV=ON,RV=OFF}}",
        "M{O{RG=ON,RG=ON}}",
        "M{TS{SI=IV,SI=TE}}",
        "M{TS{BF=OFF,BF=OFF}}",
        "E=1{al/of{ST=1,ST=2}}",
        "E=1{dd/ce{DM=a,DM=b}}",
        "SG{cg/dt{DR=1,DR=2}}",
        "SG{cg/dt{SY=OO,SY=TO}}",
        "SG{cg/dt{NC={TO},NC={TO}}}",
    ] {
        illegal(&amm(descriptors), Rule::ParameterTwice);
    }
    illegal("!/1 <a>\nT=1{C=1{PR=1,PR=2,MF=a}}", Rule::ParameterTwice);
    illegal("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=RS,MT=FO,RE=\"901 x\"}}}}", Rule::ParameterTwice);
    illegal(&amm("M{L{},L{}}"), Rule::DescriptorTwice);
    illegal(&amm("M{TS{BF=OFF},TS{BF=OFF}}"), Rule::Media);
}

#[test]
fn what_excludes_each_other_does_not_stand_together() {
    illegal(&amm("E=1{al/of{KA,EM{SG{cg/dt}}}}"), Rule::KeepActive);
    illegal(&amm("E=1{al/of{EM{E=2{al/on{KA,EM{SG{cg/dt}}}}}}}"), Rule::KeepActive);
    illegal("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=HO,RE=\"903 x\",AD=5,MG=<b>}}}}", Rule::Target);
    legal(&amm("E=1{al/of{EM{SG{cg/dt},E=2{al/on{KA}}}}}"));
    // One level of embedding: what is embedded embeds signals at most.
    legal(&amm("E=1{al/of{EM{E=2{al/on{EM{SG{cg/dt}}}}}}}"));
    for deeper in ["E=3{al/of}", "SG{cg/dt},E=3{al/of}"] {
        let text = amm(&format!("E=1{{al/of{{EM{{E=2{{al/on{{EM{{{deeper}}}}}}}}}}}}}"));
        assert!(rule(&text).is_some(), "{text}");
    }
}

#[test]
fn attributes_of_a_context_stand_before_its_commands() {
    legal("!/1 <a>\nT=1{C=1{PR=3,EG,CA{PR},MF=a}}");
    illegal("!/1 <a>\nT=1{C=1{MF=a,PR=3}}", Rule::Command);
    illegal("!/1 <a>\nT=1{C=1{MF=a,CA{PR}}}", Rule::Command);
}

#[test]
fn a_request_number_is_there_if_there_are_events() {
    legal(&amm("E"));
    legal(&amm("E=1{al/of}"));
    illegal(&amm("E{al/of}"), Rule::RequestMissing);
    legal("!/1 <a>\nP=1{C=1{AC=a{E=*{al/of}}}}");
}

#[test]
fn numbers_are_decimal_or_hexadecimal_and_only_decimal_when_negative() {
    let value = |written: &str| {
        let text = amm(&format!("SG{{al/ri{{freq={written}}}}}"));
        let message = decode(text.as_bytes(), &Options::DEFAULT).unwrap();
        let Body::Transactions(transactions) = &message.body else { panic!("{text}") };
        let Transaction::Request(request) = &transactions[0] else { panic!("{text}") };
        let CommandBody::Modify(modify) = &request.actions[0].commands[0].body else { panic!("{text}") };
        let AmmDescriptor::Signals(signals) = &modify.descriptors[0] else { panic!("{text}") };
        let SignalRequest::Signal(signal) = &signals[0] else { panic!("{text}") };
        match &signal.parameters[0].setting {
            Setting::One(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    };
    for (written, number) in [
        ("25", Some(25)),
        ("-25", Some(-25)),
        // No octal format: leading zeros mean nothing.
        ("025", Some(25)),
        ("0x1F", Some(31)),
        ("0X1f", Some(31)),
        ("-0x1f", None),
        ("0x", None),
        ("0x-1", None),
        ("1.5", None),
        ("\"25\"", None),
    ] {
        assert_eq!(value(written), number, "{written}");
    }
}

#[test]
fn white_space_before_a_session_description_is_none_of_it() {
    legal(&amm("M{L{   \n\t v=0\nm=audio 1 RTP/AVP 0\n}}"));
    legal(&amm("M{L{v=0\r\nm=audio 1 RTP/AVP 0\r\n}}"));
    legal(&amm("M{L{},R{}}"));
}

#[test]
fn a_quote_has_no_quotes_in_it_and_an_end() {
    legal("!/1 <a>\nP=1{C=1{MF=a{ER=430{\"any , } { ; = thing\"}}}}");
    illegal("!/1 <a>\nP=1{C=1{MF=a{ER=430{\"without an end}}}}", Rule::Quote);
    assert!(rule("!/1 <a>\nP=1{C=1{MF=a{ER=430{\"a\"b\"}}}}").is_some());
}

#[test]
fn extensions_begin_with_their_marks() {
    legal("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=X-bar,RE=\"901 x\",X-y=3}}}}");
    legal("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=X+bar,RE=\"901 x\",X+z=4}}}}");
    assert!(rule("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=Y-bar,RE=\"901 x\"}}}}").is_some());
    assert!(rule("!/1 <a>\nT=1{C=-{SC=ROOT{SV{MT=RS,RE=\"901 x\",Y-y=3}}}}").is_some());
}

#[test]
fn timers_of_digit_maps_have_one_or_two_digits() {
    legal(&amm("DM=plan{T:16,S:8,L:16,(0|1x.)}"));
    legal(&amm("DM=plan{}"));
    illegal(&amm("DM=plan{T:100,(1)}"), Rule::Timer);
    illegal(&amm("DM=plan{T:x,(1)}"), Rule::Timer);
}

#[test]
fn moments_have_eight_digits_of_date_and_eight_of_time() {
    legal("!/1 <a>\nT=1{C=1{N=a{OE=1{20260101T12000099:al/of}}}}");
    illegal("!/1 <a>\nT=1{C=1{N=a{OE=1{2026101T12000000:al/of}}}}", Rule::TimeStamp);
    illegal("!/1 <a>\nT=1{C=1{N=a{OE=1{20260101T120000:al/of}}}}", Rule::TimeStamp);
}

#[test]
fn lists_have_at_least_one_of_what_they_are_lists_of() {
    for text in ["!/1 <a>\nT=1{}", "!/1 <a>\nT=1{C=1{}}", "!/1 <a>\nP=1{}", "!/1 <a>\nK{}"] {
        assert!(rule(text).is_some(), "{text}");
    }
    for descriptors in ["M{}", "M{O{}}", "M{TS{}}", "SG{SL=1{}}", "EB={}", "MD={}"] {
        assert!(rule(&amm(descriptors)).is_some(), "{descriptors}");
    }
    // An audit that asks for nothing, and no signals.
    legal("!/1 <a>\nT=1{C=1{AV=a{AT{}}}}");
    legal(&amm("SG{}"));
}

#[test]
fn each_octet_is_two_digits_with_its_high_half_first() {
    // Annex B.3 prints bit 0, the first that is sent, at the left: 00011011 is the octet D8.
    let text = "!/1 <a>\nT=1{C=1{N=a{OE=1{g/cause{Generalcause=FT,Failurecause=D827C1451390}}}}}";
    let message = decode(text.as_bytes(), &Options::DEFAULT).unwrap();
    let Body::Transactions(transactions) = &message.body else { panic!("{text}") };
    let Transaction::Request(request) = &transactions[0] else { panic!("{text}") };
    let CommandBody::Notify(notify) = &request.actions[0].commands[0].body else { panic!("{text}") };
    let setting = &notify.observed.events[0].parameters[1].setting;
    let Setting::One(Value::Octets(octets)) = setting else { panic!("{setting:?}") };
    assert_eq!(octets.as_ref(), [0xd8, 0x27, 0xc1, 0x45, 0x13, 0x90]);
    let first = 0b0001_1011_u8.reverse_bits();
    assert_eq!((first, 0b1110_0100_u8.reverse_bits()), (0xd8, 0x27));
}
