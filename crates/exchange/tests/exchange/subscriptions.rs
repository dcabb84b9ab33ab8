//! What telephones have subscribed to (RFC 3842, RFC 6665) outlives their exchange.

use strowger_exchange::{Inventory, LineAccess, Setting, Subscription};
use strowger_sip::Transport;
use strowger_sip::message::{Message, Method, Name};

use crate::sip_peer::{SipPeer, over_tcp, with_phones};
use crate::world::{World, town};

/// Messages wait for 2007.
fn inventory() -> Inventory {
    let mut inventory = over_tcp(with_phones(town(), &["Gwen"]));
    let waits = Subscription { message_waiting: true, ..Subscription::default() };
    inventory.subscriptions.insert("2007".to_owned(), waits);
    inventory
}

/// 2007 has registered and subscribed.
fn world(transport: Transport) -> World {
    let mut world = World::new(inventory());
    world.pass(5);
    world.phones.push(SipPeer::phone_by(world.now, "2007", 41, transport));
    world.pass(2);
    for number in 1..=2 {
        world.phone("2007").subscribe("message-summary", number);
        world.settle();
    }
    assert_eq!(notifies(&mut world).len(), 1);
    assert_eq!(world.subscriptions["2007"].all.len(), 1);
    world.pass(100);
    world.forget();
    world
}

fn notifies(world: &mut World) -> Vec<Message<'static>> {
    let heard = world.phone("2007").heard.iter();
    heard.filter(|message| message.method() == Some(&Method::Notify)).cloned().collect()
}

fn dialog(notify: &Message<'_>) -> (String, String, String) {
    let field = |name: &Name<'_>| notify.header.get(name).unwrap().to_owned();
    (field(&Name::CallId), field(&Name::From), field(&Name::To))
}

fn number(notify: &Message<'_>) -> u32 {
    notify.header.cseq().unwrap().number
}

fn state<'m>(notify: &'m Message<'_>) -> &'m str {
    notify.header.get(&Name::SubscriptionState).unwrap()
}

#[test]
fn a_telephone_is_told_by_its_subscription_when_the_exchange_has_died_and_started_again() {
    let mut world = world(Transport::Udp);
    world.exchange.set(world.now, "2007", &Setting::MessageWaiting(false)).unwrap();
    world.settle();
    let before = notifies(&mut world).pop().unwrap();
    assert!(world.phone("2007").told().unwrap().starts_with("Messages-Waiting: no"));
    let mut last = number(&before);
    for _ in 0..2 {
        world.crash();
        world.pass(10);
        world.forget();
        assert_eq!(world.start_again(), []);
        world.pass(1);
        let told = notifies(&mut world);
        let [notify] = told.as_slice() else { panic!("{told:?}") };
        // In the same dialog, with a number that rises, for as long as it was to last.
        assert_eq!(dialog(notify), dialog(&before));
        assert!(number(notify) > last, "{} after {last}", number(notify));
        assert!(state(notify).starts_with("active;expires=34"), "{}", state(notify));
        assert!(world.phone("2007").told().unwrap().starts_with("Messages-Waiting: yes"));
        last = number(notify);
    }
    world.exchange.set(world.now, "2007", &Setting::MessageWaiting(false)).unwrap();
    world.settle();
    let news = notifies(&mut world).pop().unwrap();
    assert_eq!((number(&news), dialog(&news)), (last + 1, dialog(&before)));
    world.pass(3600);
    assert_eq!(state(&notifies(&mut world).pop().unwrap()), "terminated;reason=timeout");
    assert_eq!(world.subscriptions["2007"].all, []);
    world.end_of_phones();
}

#[test]
fn a_telephone_over_tcp_is_told_when_it_is_back() {
    let mut world = world(Transport::Tcp);
    world.crash();
    world.pass(10);
    assert_eq!(world.start_again(), []);
    world.settle();
    assert_eq!(notifies(&mut world), [], "there is no way to it");
    world.patiently(|world| world.line("2007").contacts.is_some_and(|contacts| !contacts.is_empty()));
    world.pass(1);
    let told = notifies(&mut world);
    let [notify] = told.as_slice() else { panic!("{told:?}") };
    assert!(state(notify).starts_with("active;expires="));
    world.end_of_phones();
}

#[test]
fn what_is_news_while_the_connection_of_a_telephone_is_gone_is_told_by_the_next() {
    let mut world = world(Transport::Tcp);
    let from = crate::sip_peer::way(world.phone("2007").place);
    let ended = strowger_exchange::SipStream::Ended { from, unsent: &[] };
    world.exchange.handle_sip_stream(world.now, ended);
    world.exchange.set(world.now, "2007", &Setting::MessageWaiting(false)).unwrap();
    world.settle();
    assert_eq!(notifies(&mut world), []);
    let now = world.now;
    world.phone("2007").disconnected(now);
    world.patiently(|world| world.line("2007").contacts.is_some_and(|contacts| !contacts.is_empty()));
    world.pass(1);
    assert_eq!(notifies(&mut world).len(), 1);
    assert!(world.phone("2007").told().unwrap().starts_with("Messages-Waiting: no"));
    world.end_of_phones();
}

#[test]
fn a_subscription_that_nobody_can_go_on_with_is_ended() {
    let mut world = world(Transport::Udp);
    world.crash();
    // The line is another user's now.
    let line = world.inventory.lines.last_mut().unwrap();
    let LineAccess::Sip(phone) = &mut line.access else { panic!("no telephone") };
    phone.user = "desk-7".to_owned();
    assert_eq!(world.start_again(), []);
    world.pass(1);
    let told = notifies(&mut world);
    let [notify] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(state(notify), "terminated;reason=deactivated");
    assert_eq!(world.subscriptions["2007"].all, []);
}

#[test]
fn a_subscription_whose_time_has_run_out_meanwhile_is_over() {
    let mut world = world(Transport::Udp);
    world.crash();
    world.pass(3600);
    world.forget();
    assert_eq!(world.start_again(), []);
    world.pass(1);
    assert_eq!(notifies(&mut world), []);
    assert_eq!(world.subscriptions["2007"].all, []);
}
