//! Telephones that ask whether messages wait for them (RFC 3842), and are told (RFC 6665).

use std::net::SocketAddr;

use strowger_sip::agent::Notices;
use strowger_sip::message::{Message, Name, Status};

use super::registrar::{HOME, Login, PHONE, Town, code, place, town_config};

const EVENT: &str = "Contact: <sip:2003@10.0.0.5:5060>\r\nEvent: message-summary\r\n";

/// A telephone that has registered, and its login.
fn town() -> (Town, SocketAddr, Login) {
    with(Town::new())
}

fn with(mut town: Town) -> (Town, SocketAddr, Login) {
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
    (town, from, login)
}

/// A SUBSCRIBE of 2003's, to itself; what it brings.
fn subscribe(town: &mut Town, from: SocketAddr, login: &mut Login, more: &str) -> Vec<Message<'static>> {
    subscribe_to(town, from, login, ("2003", ""), more)
}

/// The same to a user, within a dialog when there is a tag.
fn subscribe_to(
    town: &mut Town,
    from: SocketAddr,
    login: &mut Login,
    (user, tag): (&str, &str),
    more: &str,
) -> Vec<Message<'static>> {
    let request = town.request("SUBSCRIBE", "2003", more, "");
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let start = request.find("From:").unwrap();
    let end = start + request[start..].find("\r\n").unwrap();
    // One tag for all of them.
    let request = format!("{}From: <sip:2003@192.0.2.2>;tag=own{}", &request[..start], &request[end..]);
    let request = request
        .replace("sip:2001@192.0.2.2 SIP", &format!("sip:{user}@192.0.2.2 SIP"))
        .replace("To: <sip:2001@192.0.2.2>", &format!("To: <sip:{user}@192.0.2.2>{tag}"))
        .replace("reg@10.0.0.5", "mwi@10.0.0.5");
    town.say(from, &Town::with_login(login, &request))
}

fn is_notify(message: &Message<'_>) -> bool {
    message.method().is_some_and(|method| method.as_str() == "NOTIFY")
}

/// What is told by one NOTIFY, and how it stands with the subscription.
fn told(notify: &Message<'_>) -> (String, String) {
    assert!(is_notify(notify), "{notify:?}");
    assert_eq!(notify.header.get(&Name::ContentType), Some("application/simple-message-summary"));
    let body = String::from_utf8(notify.body.to_vec()).unwrap();
    assert!(body.contains("Message-Account: sip:2003@192.0.2.2\r\n"), "{body}");
    let state = notify.header.get(&Name::SubscriptionState).unwrap().to_owned();
    (body.lines().next().unwrap().to_owned(), state)
}

/// The telephone answers a NOTIFY; what follows.
fn answer(town: &mut Town, from: SocketAddr, notify: &Message<'_>, status: &str) -> Vec<Message<'static>> {
    let response =
        super::raw::response(notify, status, "own", "", "").replace(";tag=own;tag=own", ";tag=own");
    town.say(from, &response)
}

/// What is said of its own.
fn said(town: &mut Town) -> Vec<Message<'static>> {
    std::iter::from_fn(|| town.agent.poll_transmit()).map(|one| super::pair::read(&one.payload)).collect()
}

#[test]
fn a_telephone_that_subscribes_is_told_at_once_and_at_each_change() {
    let (mut town, from, mut login) = town();
    let answers = subscribe(&mut town, from, &mut login, &format!("{EVENT}Expires: 600\r\n"));
    let [ok, notify] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((code(ok), ok.header.get(&Name::Expires)), (200, Some("600")));
    assert!(ok.header.get(&Name::Contact).is_some(), "it makes a dialog");
    assert_eq!(told(notify), ("Messages-Waiting: no".into(), "active;expires=600".into()));
    assert_eq!(notify.uri().unwrap().to_string(), "sip:2003@10.0.0.5:5060");
    assert_eq!(notify.header.get(&Name::Event), Some("message-summary"));
    let tag = ok.header.to().unwrap().tag().map(str::to_owned);
    assert_eq!(notify.header.from().unwrap().tag().map(str::to_owned), tag);
    assert!(answer(&mut town, from, notify, "200 OK").is_empty());
    town.wait(100);
    town.agent.tell_messages(town.now, PHONE, true);
    let [notify] = said(&mut town).try_into().unwrap();
    assert_eq!(told(&notify), ("Messages-Waiting: yes".into(), "active;expires=500".into()));
    assert_eq!(notify.header.cseq().unwrap().number, 2);
    // No news while that is under way, and none twice.
    town.agent.tell_messages(town.now, PHONE, true);
    assert!(said(&mut town).is_empty());
    // What changes while a NOTIFY is under way is told behind it, as it is then.
    town.agent.tell_messages(town.now, PHONE, false);
    town.agent.tell_messages(town.now, PHONE, true);
    town.agent.tell_messages(town.now, PHONE, false);
    assert!(said(&mut town).is_empty());
    let next = answer(&mut town, from, &notify, "200 OK");
    assert_eq!(told(&next[0]).0, "Messages-Waiting: no");
    assert!(answer(&mut town, from, &next[0], "200 OK").is_empty());
}

#[test]
fn a_subscription_lasts_as_long_as_it_is_told_and_ends_with_a_last_word() {
    let (mut town, from, mut login) = town();
    let answers = subscribe(&mut town, from, &mut login, &format!("{EVENT}Expires: 100\r\n"));
    let tag = answers[0].header.to().unwrap().tag().unwrap().to_owned();
    answer(&mut town, from, &answers[1], "200 OK");
    town.wait(90);
    let mut login = town.login(from, "2003", "secret");
    let again = format!("{EVENT}Expires: 100\r\n");
    let answers = subscribe_to(&mut town, from, &mut login, ("2003", &tag), &again);
    assert_eq!((code(&answers[0]), told(&answers[1]).1.as_str()), (200, "active;expires=100"));
    answer(&mut town, from, &answers[1], "200 OK");
    town.now += strowger_sansio::Duration::from_secs(100);
    town.agent.handle_timeout(town.now);
    let [last] = said(&mut town).try_into().unwrap();
    assert_eq!(told(&last).1, "terminated;reason=timeout");
    answer(&mut town, from, &last, "200 OK");
    town.agent.tell_messages(town.now, PHONE, true);
    assert!(said(&mut town).is_empty(), "nobody listens");
    let answers = subscribe_to(&mut town, from, &mut login, ("2003", &tag), &again);
    assert_eq!(code(&answers[0]), 481);
    // Who asks for no time asks once.
    let mut login = town.login(from, "2003", "secret");
    let answers = subscribe(&mut town, from, &mut login, &format!("{EVENT}Expires: 0\r\n"));
    assert_eq!(told(&answers[1]), ("Messages-Waiting: yes".into(), "terminated;reason=timeout".into()));
    answer(&mut town, from, &answers[1], "200 OK");
    town.wait(40);
    assert_eq!(town.agent.transactions(), 0, "nothing is left of it");
}

#[test]
fn a_telephone_that_does_not_know_its_subscription_or_is_gone_hears_no_more_of_it() {
    for lost in [true, false] {
        let (mut town, from, mut login) = town();
        let answers = subscribe(&mut town, from, &mut login, EVENT);
        if lost {
            town.wait(40);
        } else {
            answer(&mut town, from, &answers[1], "481 Call/Transaction Does Not Exist");
        }
        town.agent.tell_messages(town.now, PHONE, true);
        assert!(said(&mut town).is_empty());
    }
    // One that has started again subscribes anew, and is told once.
    let (mut town, from, mut login) = town();
    let first = subscribe(&mut town, from, &mut login, EVENT);
    answer(&mut town, from, &first[1], "200 OK");
    let second = subscribe(&mut town, from, &mut login, EVENT);
    answer(&mut town, from, &second[1], "200 OK");
    town.agent.tell_messages(town.now, PHONE, true);
    assert_eq!(said(&mut town).len(), 1);
}

#[test]
fn a_subscription_that_cannot_be_had_is_refused_by_what_is_wrong_with_it() {
    let (mut town, from, mut login) = town();
    // Without having proven who it is, as with any request.
    let request = town.request("SUBSCRIBE", "2003", EVENT, "");
    assert_eq!(code(&town.say(from, &request)[0]), 401);
    let contact = "Contact: <sip:2003@10.0.0.5:5060>\r\n";
    let cases = [
        (format!("{contact}Event: presence\r\n"), 489),
        (format!("{contact}Event: dialog;id=1\r\n"), 489),
        (contact.to_owned(), 489),
        (format!("{EVENT}Expires: 59\r\n"), 423),
        (format!("{EVENT}Accept: application/pidf+xml\r\n"), 406),
        (format!("{EVENT}Require: eventlist\r\n"), 420),
        ("Event: message-summary\r\nContact: <mailto:a@b.invalid>\r\n".to_owned(), 400),
    ];
    for (more, status) in cases {
        let answers = subscribe(&mut town, from, &mut login, &more);
        assert_eq!((answers.len(), code(&answers[0])), (1, status), "{more}");
        if status == 489 {
            assert_eq!(answers[0].header.get(&Name::AllowEvents), Some("message-summary"));
        }
    }
    // Nobody is told of another's messages.
    let answers = subscribe_to(&mut town, from, &mut login, ("2004", ""), EVENT);
    assert_eq!(answers[0].status(), Some(Status::FORBIDDEN));
    let answers = subscribe_to(&mut town, from, &mut login, ("2003", "nobody"), EVENT);
    assert_eq!(code(&answers[0]), 481);
    // What is taken: any case, an identifier, a list of bodies.
    let more =
        "m: <sip:2003@10.0.0.5:5060>\r\no: Message-Summary;id=7\r\nAccept: text/plain, application/*\r\n";
    let answers = subscribe(&mut town, from, &mut login, more);
    assert_eq!(code(&answers[0]), 200);
    assert_eq!(answers[1].header.get(&Name::Event), Some("message-summary;id=7"));
    assert_eq!(answers[0].header.get(&Name::Expires), Some("3600"));
}

#[test]
fn a_telephone_is_told_without_asking_where_that_is_set() {
    let mut config = town_config();
    config.peers[1].notices = Notices::Unsolicited;
    let mut town = Town::with(config);
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    let request = town.request("REGISTER", "2003", HOME, "");
    let answers = town.say(from, &Town::with_login(&mut login, &request));
    let [ok, notify] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(code(ok), 200);
    assert_eq!(told(notify), ("Messages-Waiting: no".into(), "terminated;reason=noresource".into()));
    assert_eq!(notify.uri().unwrap().to_string(), "sip:2003@10.0.0.5:5060");
    answer(&mut town, from, notify, "200 OK");
    town.agent.tell_messages(town.now, PHONE, true);
    let [notify] = said(&mut town).try_into().unwrap();
    assert_eq!(told(&notify).0, "Messages-Waiting: yes");
    // That it knows nothing of it changes nothing.
    answer(&mut town, from, &notify, "481 Call/Transaction Does Not Exist");
    // One that has subscribed is told by that alone.
    let answers = subscribe(&mut town, from, &mut login, EVENT);
    answer(&mut town, from, &answers[1], "200 OK");
    town.agent.tell_messages(town.now, PHONE, false);
    let [notify] = said(&mut town).try_into().unwrap();
    assert!(told(&notify).1.starts_with("active"));
}
