//! Text in any mixture of its forms.

use strowger_megaco::message::{
    AmmDescriptor, Body, CommandBody, CommandReply, ContextId, ItemName, Message, Mid, Name, ReplyResult,
    Setting, SignalRequest, Streams, TerminationId, Transaction, Value,
};
use strowger_megaco::text::{Layout, NoSignals, Options, Style, decode, encode};

use crate::vectors::{read, write};

/// Messages that use what the peer's do not. Each is in the canonical compact form.
pub(crate) const CANONICAL: &[&str] = &[
    "!/1 [10.0.0.1]:2944\nER=406{\"Version Not Supported\"}",
    "!/1 [2001:db8::1]:2944\nPN=7{}",
    "!/1 MTP{00A4}\nPN=7{}",
    "!/1 gw/1*@here.net\nPN=7{}",
    "!/1 <mgc.town>\nT=1{C=-{O-W-MF=*{E,SG{},EB}}}",
    "!/1 <mgc.town>\nT=1{C=5{PR=15,EG,TP{a,b,OW,c,*,IS},CA{TP,EG,PR},S=a{AT{}}}}",
    "!/1 <mgc.town>\nT=1{C=5{MF=a{M{TS{SI=IV,BF=SP,root/maxNumberOfContexts=5},ST=1{O{MO=SR,RV=ON,RG=OFF,nt/jit=[10:40]}},ST=2{O{tdmc/gain>5}}}}}}",
    "!/1 <mgc.town>\nT=1{C=5{MF=a{M{O{x/a={a,b},x/b=[a,\"b c\"],x/c#7,x/d=$},L{\n},R{\nv=0\r\na=x:\\}\r\n}}}}}",
    "!/1 <mgc.town>\nT=1{C=-{MF=a{E=1{al/of{KA},dd/*,al/on{ST=2,DM={T:16,S:4,L:16,(xx|[2-9]xx.)},EM{SG{cg/dt},E=2{al/on{EM{SG{}}},dd/ce{DM=plan}}}}}}}}",
    "!/1 <mgc.town>\nT=1{C=5{MF=a{SG{al/ri{ST=1,SY=TO,DR=300,NC={TO,IBE,IBS,OR},KA,cad=[2000,4000],freq=25},SL=7{cg/dt,dg/pt{tl=[d1,d2],ind=50}}},EB{al/of{ST=1,strict=state}},MX=H223{a,b},MD[V18,X-fast]{x/y=1},DM=plan{xx.},AT{M,SA}}}}",
    "!/1 <gw.town>\nT=1{C=5{N=a{OE=9{20260101T12000000:dd/ce{ds=\"12#\",Meth=UM},al/of{init=on},g/sc{SigID=\"cg/dt\",Meth=TO},nt/qualert{ST=1,th=9}},ER=518{}}}}",
    "!/1 <gw.town>\nT=1{C=-{SC=ROOT{SV{MT=RS,AD=[10.0.0.1]:2944,V=1,PF=resgw/1,RE=\"901 Cold Boot\",DL=5,20260101T12000000,X-brand=\"x y\"}}}}",
    "!/1 <gw.town>\nT=1{C=-{SC=ROOT{SV{MT=X-mine,MG=<other.town>:2944,RE=\"903\"}}}}",
    "!/1 <gw.town>\nP=1{IA,C=-{AV=C{a,b},AV=C{ER=411{}},AC=a{M{O{MO=SR}},PG{al-1,x-2},MX,ER=444{\"no\"}},N=a{ER=500{}},SC=ROOT{ER=402{}},SC=ROOT{SV{V=1}},ER=422{}}}",
    "!/1 <gw.town>\nP=0{ER=403{}}",
    "!/2 <mgc.town>\nT=1{C=*{EGO,TP{a,b,BW,ST=4},AV=*{AT{MX,M{TS{SI,BF,x/y}},E{al/*},SG{SL=3},SG{al/ri{ST=1}},DM=plan,SA{nt/os},PG{al-1}}}}}",
    "!/2 <mgc.town>\nT=1{C=5{MF=a{MX=N64{a,b},DM=plan{Z:5,Zx}}}}",
    "!/3 <mgc.town>\nT=1{C=5{IEPS=ON,CT{x/y=1},CA{IEPS,PR=3,EGV=EG,IEPS=OFF,ORLgc},MF=[a,b]{M{ST=1{SA{nt/os}}},E=1{al/of{NBRN{EM{SG{cg/dt}}},RSE},al/on{NBIN},al/fl{NBNN}},SG{cg/dt{NC={IR},SPADI=EX,SPARQ=5,SPAIS=20}},SA}}}",
    "!/3 <mgc.town>\nP=1/2/&{C=5{CT{CLT={1,2}},S=a{SA{nt/os=5,x/y=[1,2]}}}}SM=1/1",
    "!/3 <gw.town>\nT=1{C=-{SC=ROOT{SV{MT=GR,RE=\"916\",M,PG{al-1},SIC}}}}",
    // What watches over an association, a circuit and a stream.
    "!/1 <mgc.town>\nT=1{C=-{MF=ROOT{E=9{it/ito{mit=3000},ocp/mg_overload},AT{PG}}}}",
    "!/1 <gw.town>\nT=1{C=-{N=ROOT{OE=9{20260101T12000000:it/ito,20260101T12000001:ocp/mg_overload}}}}",
    "!/1 <mgc.town>\nT=1{C=-{MF=a{E=4{ct/cmp},SG{ct/ct{SY=TO,DR=50}}},MF=b{SG{ct/rsp}}}}",
    "!/1 <gw.town>\nT=1{C=-{N=a{OE=4{20260101T12000000:ct/cmp{res=success}}}}}",
    "!/1 <gw.town>\nT=1{C=5{N=c{OE=4{20260101T12000000:rtp/qualert{th=20},nt/netfail{cs=\"lost\"}}}}}",
    "!/1 <mgc.town>\nT=1{C=5{MF=a{E=4{ctyp/dtone},SG{an/apf{an=7,noc=2,di=ext}}}}}",
    "!/1 <mgc.town>\nP=1{C=-{SC=ROOT{SV{V=1,PF=ResGW/1,20260101T12000000}}}}",
    "!/1 <gw.town>\nP=1{C=5{PR=9,EG,TP{a,b,IS}}}",
];

#[test]
fn the_canonical_compact_form_is_a_fixed_point() {
    for text in CANONICAL {
        let message = read(text.as_bytes());
        let written = write(&message, Layout::Compact);
        assert_eq!(written.escape_ascii().to_string(), text.as_bytes().escape_ascii().to_string());
        let pretty = write(&message, Layout::Pretty);
        assert_eq!(read(&pretty), message, "{}", pretty.escape_ascii());
    }
}

/// Octets of another character set in a session description: text behind them is text.
#[test]
fn a_session_description_need_not_be_text() {
    let text = b"!/1 <mgc.town>\nT=1{C=5{MF=a{M{R{\ns=\xe9t\xe9\n}},SG{cg/dt}},MF=aaln/7{AT{}}}}PN=3{}";
    let message = read(text);
    let Body::Transactions(transactions) = &message.body else { panic!("{message:?}") };
    assert_eq!(transactions.len(), 2);
    assert_eq!(write(&message, Layout::Compact).escape_ascii().to_string(), text.escape_ascii().to_string());
    let quoted = b"!/1 <mgc.town>\nP=1{ER=500{\"\xe9t\xe9\"}}";
    assert!(decode(quoted, &Options::DEFAULT).is_err());
}

#[test]
fn an_address_may_have_leading_zeros_and_space_around_it() {
    for text in ["!/1 [010.000.0.001]:2944\nPN=7{}", "!/1 [ 10.0.0.1 ]:2944\nPN=7{}"] {
        assert_eq!(read(text.as_bytes()).mid, Mid::Ip4([10, 0, 0, 1], Some(2944)), "{text}");
    }
    for text in
        ["!/1 [10.0.0.0001] PN=7{}", "!/1 [10.0.0.256] PN=7{}", "!/1 [10.0.0] PN=7{}", "!/1 [10.0.0.] PN=7{}"]
    {
        assert!(decode(text.as_bytes(), &Options::DEFAULT).is_err(), "{text}");
    }
}

#[test]
fn what_follows_the_acknowledgement_of_a_segment_stands_apart_from_it() {
    let text = "!/3 a\nSM=1/1 SM=1/2/& PN=3{}";
    let written = write(&read(text.as_bytes()), Layout::Compact);
    assert_eq!(written.escape_ascii().to_string(), text.as_bytes().escape_ascii().to_string());
}

#[test]
fn case_white_space_comments_and_either_tokens_do_not_matter() {
    let tame = read(b"!/1 [1.2.3.4]:55\nT=9{C=-{MF=aaln/1{E=4{al/of},SG{cg/dt}}}}");
    let wild = b" ; a comment { } \"\n megaco/1;here\r\n[1.2.3.4]:55 ;there\nTRANSACTION\t=\r9\n{c = -\n{ mOdIfY =AALN/1{;x\n\
        Events=4 {\tAL/OF ;y\n } , sg\n{ CG/dt} } } }  ; the end";
    assert_eq!(read(wild), tame);
}

#[test]
fn no_signals_have_their_braces_and_are_read_without_as_erlang_writes_them() {
    let event = |braces| format!("!/1 a\nT=1{{C=-{{MF=b{{SG{braces}}}}}}}");
    let (standard, erlang) = (event("{}"), event(""));
    let message = read(erlang.as_bytes());
    assert_eq!(message, read(standard.as_bytes()));
    assert_eq!(write(&message, Layout::Compact), standard.as_bytes());
    let style = Style { layout: Layout::Compact, no_signals: NoSignals::Token };
    let mut out = Vec::new();
    encode(&message, style, &mut out).unwrap();
    assert_eq!(out, erlang.as_bytes(), "to whom reads nothing else");
}

#[test]
fn a_digit_map_in_braces_is_read_without_its_equals_sign_as_erlang_writes_it() {
    let event = |sign| format!("!/1 a\nT=1{{C=-{{MF=b{{E=1{{dd/ce{{DM{sign}{{T:16,(2xxx)}}}}}}}}}}}}");
    let (standard, erlang) = (event("="), event(""));
    let message = read(erlang.as_bytes());
    assert_eq!(message, read(standard.as_bytes()));
    assert_eq!(write(&message, Layout::Compact), standard.as_bytes());
    let named = b"!/1 a\nT=1{C=-{MF=b{E=1{dd/ce{DM plan}}}}}";
    assert!(decode(named, &Options::DEFAULT).is_err(), "before a name it has to stand");
}

#[test]
fn names_that_are_tokens_elsewhere_are_names_where_names_stand() {
    let message = read(b"!/1 C\nT=1{C=1{A=Media{E=1{al/on,dd/dd,ct/cmp,or/mux{Audit=A}}},S=E,MV=Add}}");
    assert_eq!(message.mid, Mid::Device(strowger_megaco::message::Caseless::new("C")));
    let Body::Transactions(transactions) = &message.body else { panic!() };
    let [Transaction::Request(request)] = &transactions[..] else { panic!() };
    let names: Vec<_> = request.actions[0]
        .commands
        .iter()
        .map(|command| command.body.terminations().first.to_string())
        .collect();
    assert_eq!(names, ["Media", "E", "Add"]);
}

fn only_descriptor<'m, 'a>(message: &'m Message<'a>) -> &'m AmmDescriptor<'a> {
    let Body::Transactions(transactions) = &message.body else { panic!() };
    let [Transaction::Request(request)] = &transactions[..] else { panic!() };
    let CommandBody::Modify(request) = &request.actions[0].commands[0].body else { panic!() };
    &request.descriptors[0]
}

#[test]
fn a_brace_in_a_session_description_is_escaped_and_comes_back() {
    let text = b"!/1 a\nT=1{C=1{MF=t{M{L{ v=0\na=fmtp:96 {x\\}\\}\n}}}}}";
    let message = read(text);
    let AmmDescriptor::Media(media) = only_descriptor(&message) else { panic!() };
    let Streams::One(stream) = &media.streams else { panic!() };
    assert_eq!(stream.local.as_ref().unwrap().as_text(), Some(&b"v=0\na=fmtp:96 {x}}\n"[..]));
    assert_eq!(read(&write(&message, Layout::Compact)), message);
}

#[test]
fn values_have_the_types_of_their_packages() {
    let text = b"!/1 a\nT=1{C=1{MF=t{SG{al/ri{cad=[0x7d0,4000],freq=25},cg/pt{tl=[dt,*]}}}}}";
    let message = read(text);
    let AmmDescriptor::Signals(signals) = only_descriptor(&message) else { panic!() };
    let SignalRequest::Signal(ring) = &signals[0] else { panic!() };
    assert_eq!(ring.name, ItemName::of(9, 2));
    assert_eq!(ring.parameters[0].name, Name::Id(6));
    assert_eq!(ring.parameters[0].setting, Setting::All(vec![Value::Integer(2000), Value::Integer(4000)]));
    let SignalRequest::Signal(tone) = &signals[1] else { panic!() };
    assert_eq!(
        tone.parameters[0].setting,
        Setting::All(vec![Value::Enumeration(0x30), Value::Enumeration(0)])
    );
}

#[test]
fn a_value_that_does_not_fit_its_type_is_kept_as_it_came() {
    let text = "!/1 a\nT=1{C=1{MF=t{M{O{tdmc/ec=g165,tdmc/gain=loud,x/y=007}}}}}";
    assert_eq!(write(&read(text.as_bytes()), Layout::Compact), text.as_bytes());
}

#[test]
fn packet_loss_is_a_whole_and_a_fraction() {
    for shown in ["0.2", "7", "99.5", "0.0000000002", "4294967295.9999999998"] {
        let text = format!("!/1 a\nP=1{{C=1{{S=t{{SA{{rtp/pl={shown}}}}}}}}}");
        let message = read(text.as_bytes());
        let Body::Transactions(transactions) = &message.body else { panic!() };
        let [Transaction::Reply(reply)] = &transactions[..] else { panic!() };
        let ReplyResult::Actions(actions) = &reply.result else { panic!() };
        assert!(matches!(&actions[0].commands[0], CommandReply::Subtract(_)));
        assert_eq!(
            write(&message, Layout::Compact).escape_ascii().to_string(),
            text.as_bytes().escape_ascii().to_string()
        );
    }
}

#[test]
fn items_of_unknown_packages_are_kept() {
    let text = "!/1 a\nT=1{C=$-{}}";
    assert!(decode(text.as_bytes(), &Options::DEFAULT).is_err());
    let text = "!/1 a\nT=1{C=${A=${M{O{vendor/thing=\"x\",id8001/id0005=9}},E=1{vendor/*,*/*,id8001/id0001{id0002=3}}}}}";
    let message = read(text.as_bytes());
    assert_eq!(write(&message, Layout::Compact), text.as_bytes());
    let Body::Transactions(transactions) = &message.body else { panic!() };
    let [Transaction::Request(request)] = &transactions[..] else { panic!() };
    assert_eq!(request.actions[0].context, ContextId::CHOOSE);
    assert_eq!(request.actions[0].commands[0].body.terminations().first, TerminationId::Choose);
}

#[test]
fn the_authentication_header_comes_first() {
    let text = b"AU=0x00000001:0x0000000A:0x0102030405060708090A0B0C\n!/1 a\nPN=1{}";
    let message = read(text);
    assert_eq!(message.authentication.as_ref().unwrap().index, [0, 0, 0, 1]);
    assert_eq!(message.authentication.as_ref().unwrap().data.len(), 12);
    assert_eq!(write(&message, Layout::Compact), text);
}

#[test]
fn nothing_of_a_later_version_goes_to_an_earlier_peer() {
    let mut refused = 0;
    for text in CANONICAL {
        let Ok(mut message) = decode(text.as_bytes(), &Options::DEFAULT) else { continue };
        let written_in = message.version;
        for version in [1, 2, 3] {
            message.version = strowger_megaco::message::Version::new(version).unwrap();
            let mut out = b"before".to_vec();
            let result = encode(&message, Layout::Pretty, &mut out);
            assert_eq!(
                result.is_ok(),
                message.version >= written_in,
                "{text} in version {version}: {result:?}"
            );
            if let Err(error) = result {
                let said = error.to_string();
                assert!(said.contains(" came with version "), "{said}");
                assert_eq!(out, b"before");
                refused += 1;
            }
        }
    }
    assert!(refused > 5, "{refused}");
}
