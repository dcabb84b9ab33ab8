//! Continuity tests between two gateways on the ends of a circuit (RFC 3525 Annex E.10.5).

use strowger_megaco::gateway::{
    Argument, Given, Item, LineIndex, MediaEvent, PhysicalTermination, Port, TerminationKind,
};
use strowger_sansio::Duration;

use crate::support::World;

const TEST: Item = Item::new(0xa, 3);
const RESPOND: Item = Item::new(0xa, 4);
const COMPLETION: Item = Item::new(0xa, 5);
/// Behind four lines.
const CIRCUIT: Port = Port::Line(LineIndex(4));

/// A gateway with one end of the circuit, `ds/1`.
fn end() -> World {
    World::shaped(1, |config| {
        let kind = TerminationKind::Circuit;
        config.terminations.push(PhysicalTermination { name: "ds/1".to_owned(), kind });
    })
}

/// What a circuit does that is whole: a tone comes back where the other end responds.
fn carry(asking: &mut World, responding: &World) {
    let has =
        |world: &World, wanted: Item| world.plane.signals.values().any(|given| *given == (CIRCUIT, wanted));
    if has(asking, TEST) && has(responding, RESPOND) {
        let arguments = vec![Argument::new(8, Given::Enumeration(1))];
        asking.happen(MediaEvent::Detected { port: CIRCUIT, item: COMPLETION, arguments });
    }
}

#[test]
fn a_circuit_that_is_whole_passes_and_is_then_given_to_the_call() {
    let (mut asking, mut responding) = (end(), end());
    assert_eq!(responding.command("C=-{MF=ds/1{SG{ct/rsp}}}"), "C=-{MF=ds/1}");
    assert_eq!(asking.command("C=-{MF=ds/1{E=4{ct/cmp},SG{ct/ct}}}"), "C=-{MF=ds/1}");
    asking.run(Duration::from_millis(300));
    carry(&mut asking, &responding);
    assert_eq!(asking.told(), ["C=-{N=ds/1{OE=4{ct/cmp{res=success}}}}"]);
    assert!(asking.plane.signals.is_empty(), "the tone has done its work");
    asking.run(Duration::from_secs(10));
    assert!(asking.told().is_empty(), "a test has one result");
    // The controller says when the other end need not respond any more: an on/off signal lasts until then.
    responding.run(Duration::from_secs(60));
    assert_eq!(responding.plane.signals.len(), 1);
    responding.command("C=${A=ds/1{M{O{MO=SR}},SG{}}}");
    assert!(responding.plane.signals.is_empty());
    assert!(asking.command("C=${A=ds/1{M{O{MO=SR}}}}").starts_with("C=1{A=ds/1"));
}

#[test]
fn without_an_answer_the_test_fails_when_its_tone_ends() {
    let (mut asking, responding) = (end(), end());
    asking.command("C=-{MF=ds/1{E=4{ct/cmp},SG{ct/ct{SY=TO,DR=50}}}}");
    carry(&mut asking, &responding);
    asking.run(Duration::from_millis(499));
    assert!(asking.told().is_empty());
    asking.run(Duration::from_millis(1));
    assert_eq!(asking.told(), ["C=-{N=ds/1{OE=4{ct/cmp{res=failure}}}}"]);
    // Without being told how long, it lasts as provisioned.
    asking.command("C=-{MF=ds/1{E=5{ct/cmp},SG{ct/ct}}}");
    asking.run(Duration::from_secs(2));
    assert_eq!(asking.told(), ["C=-{N=ds/1{OE=5{ct/cmp{res=failure}}}}"]);
}

#[test]
fn a_tone_that_cannot_go_on_has_failed_and_one_that_the_controller_ends_has_no_result() {
    let mut asking = end();
    asking.command("C=-{MF=ds/1{E=4{ct/cmp},SG{ct/ct}}}");
    let handle = *asking.plane.signals.keys().next().unwrap();
    asking.happen(MediaEvent::SignalFailed(handle));
    // What fails is told as well, if that is wanted; here it is not.
    assert_eq!(asking.told(), ["C=-{N=ds/1{OE=4{ct/cmp{res=failure}}}}"]);
    asking.command("C=-{MF=ds/1{SG{ct/ct}}}");
    asking.command("C=-{MF=ds/1{SG{}}}");
    asking.run(Duration::from_secs(5));
    assert!(asking.told().is_empty());
}

#[test]
fn a_test_that_passes_ends_its_tone_even_if_the_event_keeps_signals() {
    let (mut asking, mut responding) = (end(), end());
    responding.command("C=-{MF=ds/1{SG{ct/rsp}}}");
    asking.command("C=-{MF=ds/1{E=4{ct/cmp{KA}},SG{ct/ct}}}");
    carry(&mut asking, &responding);
    asking.run(Duration::from_secs(5));
    assert_eq!(asking.told(), ["C=-{N=ds/1{OE=4{ct/cmp{res=success}}}}"]);
}
