//! Every property, event, signal and parameter of the packages that terminations realise, asked for as it should be and in each way that is
//! wrong (RFC 3525 sections 7.1, 12 and Annex E; the codes of RFC 3015 section 7.3). The tables of the packages say what is tried.

use strowger_megaco::gateway::{PhysicalTermination, TerminationKind};
use strowger_megaco::message::SignalType;
use strowger_megaco::package::{Access, ItemRow, Kind, Package, ParameterRow, Place, Type, package};

use crate::support::{RTP, World};

/// A gateway with a line, a circuit and a stream in contexts, and where each is: `C=…{…=name`.
struct Bench {
    world: World,
}

/// A termination: its context, its name, its packages.
#[derive(Clone, Copy)]
struct At(&'static str, &'static str, &'static [u16]);

const ROOT: At = At("-", "ROOT", &[1, 2, 0x45, 0x51]);
const LINE: At = At("-", "aaln/1", &[1, 5, 6, 7, 9, 0xd, 0x3c]);
const CIRCUIT: At = At("-", "ds/1", &[1, 5, 6, 7, 8, 0xa, 0xd]);
const STREAM: At = At("1", "rtp/1", &[1, 7, 0xb, 0xc]);
const ALL: [At; 4] = [ROOT, LINE, CIRCUIT, STREAM];

impl Bench {
    fn new() -> Self {
        let mut world = World::shaped(1, |config| {
            let kind = TerminationKind::Circuit;
            config.terminations.push(PhysicalTermination { name: "ds/1".to_owned(), kind });
        });
        let reply = world.command(&format!("C=${{{RTP}}}"));
        assert!(reply.starts_with("C=1{A=rtp/1"), "{reply}");
        Self { world }
    }

    /// What a Modify of a termination gives: nothing, or an error.
    fn modify(&mut self, at: At, descriptor: &str) -> Option<u16> {
        let At(context, name, _) = at;
        let reply = self.world.command(&format!("C={context}{{MF={name}{{{descriptor}}}}}"));
        let code = reply.find("ER=").map(|place| reply[place + 3..place + 6].parse().unwrap());
        assert!(code.is_some() || reply.starts_with(&format!("C={context}{{MF={name}")), "{reply}");
        code
    }
}

fn each(at: At, kind: Kind, mut look: impl FnMut(&'static Package, &'static ItemRow)) {
    for id in at.2 {
        let mut known = package(*id);
        let named = known.unwrap();
        while let Some(package) = known {
            package.own(kind).iter().for_each(|row| look(named, row));
            known = package.extends;
        }
    }
}

/// Values of a type, and values that are none of it.
fn samples(kind: Type) -> (Vec<String>, Vec<String>) {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    match kind {
        Type::Boolean => (owned(&["on", "off", "ON"]), owned(&["maybe", "2", "\"on\"", "[on,off]"])),
        Type::Integer(first, last) => {
            let good = vec![first.to_string(), last.to_string(), format!("0x{:x}", last.min(0x7f))];
            let mut bad = vec![(first - 1).to_string(), (last + 1).to_string()];
            bad.extend(owned(&["abc", "\"1\"", "[1,2]", "1.5"]));
            (good, bad)
        }
        Type::Double => (owned(&["1", "4294967296"]), owned(&["abc", "\"1\"", "99999999999999999999"])),
        Type::Enumeration(rows) => {
            let named = rows.iter().filter(|(name, _)| *name != "*").map(|(name, _)| (*name).to_owned());
            (named.collect(), owned(&["nothing", "999", "\"exact\""]))
        }
        Type::String | Type::Word => (owned(&["\"a text\""]), Vec::new()),
        Type::Octets => (owned(&["0AfF"]), owned(&["xyz", "abc"])),
        Type::List(element) => {
            let (good, bad) = samples(*element);
            let mut lists = vec![good[0].clone(), format!("[{}]", good.join(","))];
            lists.extend((element == &Type::INTEGER).then(|| "[1000,4000]".to_owned()));
            let bad = bad.iter().filter(|text| !text.starts_with('['));
            (lists, bad.flat_map(|text| [text.clone(), format!("[{},{text}]", good[0])]).collect())
        }
        other => panic!("no parameter is {other:?}"),
    }
}

/// How an event or a signal is asked for with these parameters.
fn asked(named: &Package, row: &ItemRow, kind: Kind, parameters: &[String]) -> String {
    let mut all = parameters.to_vec();
    if named.name == "dd" && row.name == "ce" {
        all.insert(0, "DM={(1|2)}".to_owned());
    }
    let all = if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) };
    let item = format!("{}/{}{all}", named.name, row.name);
    if kind == Kind::Event { format!("E=1{{{item}}}") } else { format!("SG{{{item}}}") }
}

/// What is not there on this gateway: the codes that say so, and not that the request was wrong.
fn is_unequipped(code: Option<u16>) -> bool {
    matches!(code, None | Some(512 | 513))
}

fn try_parameters(bench: &mut Bench, at: At, kind: Kind, named: &Package, row: &ItemRow) {
    let plain = bench.modify(at, &asked(named, row, kind, &[]));
    assert!(is_unequipped(plain), "{}/{}: {plain:?}", named.name, row.name);
    for ParameterRow { name, kind: of, .. } in row.parameters {
        let (good, bad) = samples(*of);
        for value in &good {
            let order = asked(named, row, kind, &[format!("{name}={value}")]);
            // The line is on hook.
            let right = if order.contains("al/on{strict=failWrong}") { Some(540) } else { plain };
            assert_eq!(bench.modify(at, &order), right, "{order}");
            let twice = asked(named, row, kind, &[format!("{name}={value}"), format!("{name}={value}")]);
            assert_eq!(bench.modify(at, &twice), Some(456), "{twice}");
        }
        for value in &bad {
            let order = asked(named, row, kind, &[format!("{name}={value}")]);
            assert_eq!(bench.modify(at, &order), Some(454), "{order}");
        }
    }
    // What is reported of an event is not asked for.
    let told = row.observed.iter().filter(|told| row.parameters.iter().all(|asked| asked.id != told.id));
    for ParameterRow { name, kind: of, .. } in told {
        let value = if *of == Type::Signal { "\"cg/dt\"".to_owned() } else { samples(*of).0[0].clone() };
        let order = asked(named, row, kind, &[format!("{name}={value}")]);
        assert_eq!(bench.modify(at, &order), Some(446), "{order}");
    }
    let order = asked(named, row, kind, &["nosuch=1".to_owned()]);
    assert_eq!(bench.modify(at, &order), Some(446), "{order}");
}

#[test]
fn each_event_of_each_package_takes_its_parameters_and_no_others() {
    let mut bench = Bench::new();
    for at in ALL {
        let mut count = 0;
        each(at, Kind::Event, |named, row| {
            count += 1;
            try_parameters(&mut bench, at, Kind::Event, named, row);
        });
        assert!(count > 1, "{} has events", at.1);
    }
}

#[test]
fn each_signal_of_each_package_takes_its_parameters_and_no_others() {
    let mut bench = Bench::new();
    for at in [LINE, CIRCUIT, STREAM] {
        each(at, Kind::Signal, |named, row| {
            try_parameters(&mut bench, at, Kind::Signal, named, row);
            // Only a signal that ends by a time-out by itself has a duration without being told (section 7.1.11).
            let order = asked(named, row, Kind::Signal, &["SY=TO".to_owned()]);
            let code = bench.modify(at, &order);
            match row.signal {
                Some(SignalType::TimeOut) => assert!(is_unequipped(code), "{order}: {code:?}"),
                _ => assert_eq!(code, Some(457), "{order}"),
            }
            for parameters in
                [vec!["SY=TO", "DR=100"], vec!["SY=OO"], vec!["SY=BR", "KA"], vec!["NC={TO,IBE}"]]
            {
                let parameters: Vec<_> = parameters.into_iter().map(str::to_owned).collect();
                let order = asked(named, row, Kind::Signal, &parameters);
                let code = bench.modify(at, &order);
                assert!(is_unequipped(code), "{order}: {code:?}");
            }
        });
    }
}

#[test]
fn each_property_of_each_package_stands_in_its_descriptor_and_has_its_values() {
    let mut bench = Bench::new();
    let mut count = 0;
    for at in ALL {
        each(at, Kind::Property, |named, row| {
            count += 1;
            let (good, bad) = samples(row.kind);
            let within = |place: Place, properties: &str| match place {
                Place::LocalControl => format!("M{{O{{{properties}}}}}"),
                Place::TerminationState => format!("M{{TS{{{properties}}}}}"),
            };
            let (place, other) = match row.place.unwrap() {
                Place::LocalControl => (Place::LocalControl, Place::TerminationState),
                Place::TerminationState => (Place::TerminationState, Place::LocalControl),
            };
            let said = |value: &str| format!("{}/{}={value}", named.name, row.name);
            let right = if row.access == Access::ReadOnly { Some(534) } else { None };
            for value in &good {
                let order = within(place, &said(value));
                assert_eq!(bench.modify(at, &order), right, "{order}");
                let elsewhere = if at.1 == "ROOT" { Some(447) } else { Some(455) };
                assert_eq!(bench.modify(at, &within(other, &said(value))), elsewhere, "{order} elsewhere");
            }
            if row.access == Access::ReadWrite {
                let twice = within(place, &format!("{0},{0}", said(&good[0])));
                assert_eq!(bench.modify(at, &twice), Some(456), "{twice}");
                for value in &bad {
                    let order = within(place, &said(value));
                    assert_eq!(bench.modify(at, &order), Some(454), "{order}");
                }
            }
        });
    }
    assert!(count >= 16, "{count} properties");
}

#[test]
fn what_a_package_or_a_termination_does_not_have_has_its_own_code() {
    let mut bench = Bench::new();
    for at in ALL {
        for (order, code) in [
            ("E=1{nosuch/x}", 440),
            ("E=1{g/nosuch}", 451),
            ("SG{nosuch/x}", 440),
            ("SG{g/nosuch}", 452),
            ("M{TS{nosuch/x=1}}", 440),
            ("M{TS{g/nosuch=1}}", 450),
            // Packages that are there to be extended alone are nobody's (section 12.1.1).
            ("E=1{tonedet/std}", 440),
            ("SG{tonegen/pt}", 440),
        ] {
            assert_eq!(bench.modify(at, order), Some(code), "{} {order}", at.1);
        }
    }
    for id in 1..=0xd {
        let known = package(id).unwrap();
        let Some(row) = known.events.first() else { continue };
        for at in ALL.iter().filter(|at| !at.2.contains(&id)) {
            let order = asked(known, row, Kind::Event, &[]);
            assert_eq!(bench.modify(*at, &order), Some(440), "{} {order}", at.1);
        }
    }
}
