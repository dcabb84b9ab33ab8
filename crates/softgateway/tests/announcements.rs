//! Stories of announcement servers: the package A of RFC 3660 section 2.12 and the package AU of RFC 2897.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use strowger_sansio::Duration;
use strowger_softgateway::{LineFact, SoftGatewayConfig, What};
use support::{Bench, found, tone};

/// What the recordings sound like: `39.wav`, `40.wav` and `busy.wav`.
const SEGMENT_39: u32 = 600;
const SEGMENT_40: u32 = 1100;
const BUSY: u32 = 1700;
const ALL: [u32; 3] = [SEGMENT_39, SEGMENT_40, BUSY];

fn bench() -> Bench {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_announcements(2)));
    for (file, hertz) in [("39.wav", SEGMENT_39), ("40.wav", SEGMENT_40), ("busy.wav", BUSY)] {
        bench.gateway.add_announcement(file, tone(f64::from(hertz), Duration::from_secs(1)).into());
    }
    bench
}

fn set(of: &[u32]) -> BTreeSet<u32> {
    of.iter().copied().collect()
}

fn request(bench: &mut Bench, signals: &str) {
    bench.good("RQNT ann/1", &format!("X: 1\nR: a/oc, a/of, au/oc, au/of\nS: {signals}"));
}

#[test]
fn an_announcement_is_played_to_all_who_listen_and_its_end_is_told() {
    let mut bench = bench();
    let (one, two) = (bench.connect("ann/1", "sendonly"), bench.connect("ann/1", "inactive"));
    request(&mut bench, "ann(http://audio.example.net/all/busy.wav)");
    bench.pass_millis(600);
    assert_eq!(bench.parties[one].hears(&ALL), set(&[BUSY]));
    assert_eq!(bench.parties[two].hears(&ALL), set(&[]));
    assert_eq!(bench.await_notified(1000), "A/oc(A/ann)");
}

#[test]
fn an_announcement_on_one_connection_is_for_that_one_whatever_its_mode() {
    let mut bench = bench();
    let (one, two) = (bench.connect("ann/1", "inactive"), bench.connect("ann/1", "sendonly"));
    let id = bench.parties[one].id.clone();
    request(&mut bench, &format!("ann@{id}(busy)"));
    bench.pass_millis(600);
    assert_eq!(bench.parties[one].hears(&ALL), set(&[BUSY]));
    assert_eq!(bench.parties[two].hears(&ALL), set(&[]));
    assert_eq!(bench.await_notified(1000), format!("A/oc(A/ann@{id})"));
}

#[test]
fn a_recording_is_read_when_it_is_wanted_and_its_command_announced_meanwhile() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_announcements(2)));
    for file in ["Busy.wav", "39.wav", "40.wav"] {
        bench.gateway.list_announcement(file);
    }
    let one = bench.connect("ann/1", "sendonly");
    let first = bench.begin("RQNT ann/1", "X: 1\nR: a/oc\nS: ann(http://audio.example.net/busy)");
    let second = bench.begin("RQNT ann/2", "X: 1\nS: ann(busy)");
    // Both want the same file, which is read once and by the name that it has.
    assert_eq!(bench.gateway.poll_announcement().as_deref(), Some("Busy.wav"));
    assert_eq!(bench.gateway.poll_announcement(), None);
    bench.pass_millis(150);
    assert_eq!(bench.answer(first).as_deref(), Some("100"));
    let samples = tone(f64::from(BUSY), Duration::from_secs(1));
    bench.gateway.handle_announcement(bench.now, "Busy.wav", Ok(samples.into()));
    bench.pass_millis(600);
    assert_eq!((bench.answer(first).as_deref(), bench.answer(second).as_deref()), (Some("200"), Some("200")));
    assert_eq!(bench.parties[one].hears(&ALL), set(&[BUSY]));
    assert_eq!(bench.await_notified(1000), "A/oc(A/ann)");
    // It is here now.
    bench.good("RQNT ann/1", "X: 2\nS: ann(busy.wav)");
    // All segments of an operation are read ahead.
    let operation = bench.begin("RQNT ann/1", "X: 3\nR: au/oc\nS: au/pc(ip=39 rp=40)");
    let mut files: Vec<_> = std::iter::from_fn(|| bench.gateway.poll_announcement()).collect();
    files.sort();
    assert_eq!(files, ["39.wav", "40.wav"]);
    for file in files {
        assert_eq!(bench.answer(operation), None);
        bench.gateway.handle_announcement(bench.now, &file, Ok(vec![0; 800].into()));
        bench.pass_millis(10);
    }
    assert_eq!(bench.answer(operation).as_deref(), Some("200"));
}

#[test]
fn a_recording_that_cannot_be_read_is_refused_and_told_of_and_tried_again() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_announcements(1)));
    bench.gateway.list_announcement("busy.wav");
    for _ in 0..2 {
        let id = bench.begin("RQNT ann/1", "X: 1\nS: ann(busy.wav)");
        assert_eq!(bench.gateway.poll_announcement().as_deref(), Some("busy.wav"));
        bench.gateway.handle_announcement(bench.now, "busy.wav", Err("no such disk".into()));
        let unreadable = What::Unreadable { file: "busy.wav".into(), why: "no such disk".into() };
        let told = std::iter::from_fn(|| bench.gateway.poll_event()).any(|event| event.what == unreadable);
        assert!(told);
        bench.pass_millis(10);
        assert_eq!(bench.answer(id).as_deref(), Some("514"));
    }
}

#[test]
fn what_is_not_there_or_not_a_name_is_refused_at_once() {
    let mut bench = bench();
    bench.refused(514, "RQNT ann/1", "X: 1\nS: ann(file://localhost/absent.wav)");
    bench.refused(538, "RQNT ann/1", "X: 1\nS: ann");
    bench.refused(538, "RQNT ann/1", "X: 1\nS: au/pa");
    bench.refused(538, "RQNT ann/1", "X: 1\nS: au/pc(it=3)");
    bench.refused(518, "RQNT ann/1", "X: 1\nS: script/vxml(http://a.example.net/x.vxml)");
    bench.refused(518, "RQNT ann/1", "X: 1\nS: l/dl");
}

#[test]
fn segments_follow_each_other_as_often_as_was_asked_for() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendonly");
    request(&mut bench, "au/pa(an=39,40 it=2 iv=5)");
    // A second each, and half a second of silence between the two times: looked at in the middle of each part.
    for (wait, heard) in [
        (600, set(&[SEGMENT_39])),
        (1000, set(&[SEGMENT_40])),
        (800, set(&[])),
        (700, set(&[SEGMENT_39])),
        (1000, set(&[SEGMENT_40])),
    ] {
        bench.pass_millis(wait);
        assert_eq!(bench.parties[party].hears(&ALL), heard, "at {:?}", bench.now);
    }
    assert_eq!(bench.await_notified(1000), "AU/oc(rc=100)");
}

#[test]
fn failures_have_the_return_codes_of_the_package() {
    for (signal, code) in [
        ("pa(an=41)", 301),
        ("pa(an=/absent/)", 309),
        ("pa(an=39<12>)", 312),
        ("pa(an=vb(mny,usd,1153))", 323),
        ("pa(an=vb(ton,null,1))", 304),
        ("pa(an=vb(mny,xxx,1))", 305),
        ("pa(an=vb(wkd,null,8))", 307),
        ("pa(an=vb(dat,null,101598))", 308),
        ("pa(an=39[gender=female])", 302),
        ("pa(an=ts(hello))", 300),
        ("pr(dpa=39)", 320),
        ("pr(ra=39)", 314),
        ("pr(ra=41)", 322),
        ("pr(oa=41 rlt=100)", 321),
        ("pc(dp=[x)", 325),
    ] {
        let mut bench = bench();
        request(&mut bench, &format!("au/{signal}"));
        assert_eq!(bench.await_notified(100), format!("AU/of(rc={code})"), "{signal}");
    }
}

#[test]
fn digits_are_collected_behind_a_prompt_that_they_interrupt() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pc(ip=39 mn=4 mx=4)");
    bench.pass_millis(300);
    bench.parties[party].press("2002");
    let events = bench.await_notified(3000);
    assert!(events.starts_with("AU/oc(rc=100 ik=2 ap="), "{events}");
    assert!(events.ends_with(" na=1 dc=2002)"), "{events}");
    assert_eq!(bench.parties[party].hears(&ALL), set(&[]), "the prompt has stopped");
}

#[test]
fn the_end_key_ends_the_input_and_is_left_out() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pc(mx=9)");
    bench.parties[party].press("123#");
    assert_eq!(bench.await_notified(3000), "AU/oc(rc=100 na=1 dc=123)");
}

#[test]
fn who_enters_nothing_is_asked_again_and_then_told_so() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pc(ip=39 nd=40 fa=/busy/ fdt=10 na=2)");
    bench.pass_millis(500);
    assert_eq!(bench.parties[party].hears(&ALL), set(&[SEGMENT_39]));
    bench.pass_millis(2000);
    assert_eq!(bench.parties[party].hears(&ALL), set(&[SEGMENT_40]), "the reprompt for no digits");
    bench.pass_millis(2000);
    assert_eq!(bench.parties[party].hears(&ALL), set(&[BUSY]), "the failure announcement");
    assert_eq!(bench.await_notified(1000), "AU/of(rc=330)");
}

#[test]
fn keys_that_begin_the_input_anew_or_leave_it_are_obeyed() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pc(mn=3 mx=3 rik=*1 rtk=*2)");
    bench.parties[party].press("55*1789");
    assert_eq!(bench.await_notified(4000), "AU/oc(rc=100 na=1 dc=789)");
    bench.good("RQNT ann/1", "X: 2\nR: au/oc, au/of\nS: au/pc(mn=3 mx=3 rik=*1 rtk=*2)");
    bench.parties[party].press("5*2");
    assert_eq!(bench.await_notified(4000), "AU/oc(rc=100 ik=*2 na=1)");
}

#[test]
fn a_recording_ends_with_silence_is_kept_and_can_be_played() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pr(ip=39 prt=50 pst=10 rlt=100)");
    bench.pass_millis(1300);
    bench.parties[party].say(900.0);
    bench.pass_millis(1000);
    bench.parties[party].voice = support::Voice::Nothing;
    assert_eq!(bench.await_notified(3000), "AU/oc(rc=100 na=1 ri=1000000)");
    let recorded = bench.facts.iter().find_map(|(line, fact)| match fact {
        LineFact::Recording { file, samples } if line == "ann/1" => Some((file.clone(), samples.clone())),
        _ => None,
    });
    let (file, samples) = recorded.expect("a recording for the host to write");
    assert_eq!(file, "1000000.wav");
    assert!((7000..10_000).contains(&samples.len()), "{}", samples.len());
    assert_eq!(found(&samples[..4000], &[900]), set(&[900]));
    bench.good("RQNT ann/1", "X: 2\nS: au/pa(an=1000000)");
    bench.pass_millis(500);
    assert_eq!(bench.parties[party].hears(&[900]), set(&[900]));
}

/// Somebody says a tone for a second; what the operation tells.
fn says(bench: &mut Bench, party: usize, hertz: f64, signal: &str) -> String {
    request(bench, &format!("au/pr(prt=50 pst=10 rlt=100 {signal})"));
    bench.pass_millis(300);
    bench.parties[party].say(hertz);
    bench.pass_millis(1000);
    bench.parties[party].voice = support::Voice::Nothing;
    bench.await_notified(3000)
}

/// The frequencies that are heard when this is played.
fn played(bench: &mut Bench, party: usize, segment: &str) -> BTreeSet<u32> {
    request(bench, &format!("au/pa(an={segment})"));
    bench.pass_millis(500);
    let heard = bench.parties[party].hears(&[SEGMENT_39, 900, 1300]);
    bench.pass_millis(1000);
    assert!(bench.await_notified(3000).starts_with("AU/oc"));
    heard
}

#[test]
fn what_is_recorded_in_place_of_a_segment_is_heard_until_the_segment_is_restored() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    assert_eq!(says(&mut bench, party, 900.0, "oa=39"), "AU/oc(rc=100 na=1 ri=1000000)");
    assert_eq!(played(&mut bench, party, "39"), set(&[900]));
    assert_eq!(says(&mut bench, party, 1300.0, "oa=39"), "AU/oc(rc=100 na=1 ri=1000001)");
    assert_eq!(played(&mut bench, party, "39"), set(&[1300]), "the newer one");
    let told = |bench: &mut Bench, signal: &str| {
        request(bench, signal);
        bench.await_notified(100)
    };
    assert_eq!(told(&mut bench, "au/pa(an=1000000)"), "AU/of(rc=301)", "which deletes the one before");
    assert_eq!(told(&mut bench, "au/pa(an=39<12>)"), "AU/of(rc=312)");
    assert_eq!(told(&mut bench, "au/pr(ra=40)"), "AU/of(rc=314)");
    assert_eq!(told(&mut bench, "au/pr(ra=39)"), "AU/oc(rc=100)");
    assert_eq!(played(&mut bench, party, "39"), set(&[SEGMENT_39]));
    assert_eq!(told(&mut bench, "au/pr(ra=39)"), "AU/of(rc=314)");
    assert_eq!(told(&mut bench, "au/pa(an=1000001)"), "AU/of(rc=301)");
    // The recording can be deleted as well, by its own number.
    assert_eq!(says(&mut bench, party, 900.0, "oa=39"), "AU/oc(rc=100 na=1 ri=1000002)");
    assert_eq!(told(&mut bench, "au/pr(dpa=1000002)"), "AU/oc(rc=100)");
    assert_eq!(played(&mut bench, party, "39"), set(&[SEGMENT_39]));
}

#[test]
fn a_recording_that_is_to_stay_can_be_deleted_and_one_that_goes_cannot() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    assert_eq!(says(&mut bench, party, 900.0, "rpa=true"), "AU/oc(rc=100 na=1 ri=1000000)");
    assert_eq!(says(&mut bench, party, 1300.0, ""), "AU/oc(rc=100 na=1 ri=1000001)");
    assert_eq!(played(&mut bench, party, "1000000"), set(&[900]));
    for (number, told) in
        [(1_000_001, "AU/of(rc=320)"), (1_000_000, "AU/oc(rc=100)"), (1_000_000, "AU/of(rc=320)")]
    {
        request(&mut bench, &format!("au/pr(dpa={number})"));
        assert_eq!(bench.await_notified(100), told, "{number}");
    }
    request(&mut bench, "au/pa(an=1000000)");
    assert_eq!(bench.await_notified(100), "AU/of(rc=301)");
    assert_eq!(played(&mut bench, party, "1000001"), set(&[1300]));
}

#[test]
fn who_record_at_the_same_time_get_numbers_of_their_own() {
    let mut bench = bench();
    let one = bench.connect("ann/1", "sendrecv");
    let other = bench.connect("ann/2", "sendrecv");
    for endpoint in ["ann/1", "ann/2"] {
        let body = "X: 1\nR: au/oc, au/of\nS: au/pr(prt=50 pst=10 rlt=100)";
        bench.good(&format!("RQNT {endpoint}"), body);
    }
    bench.pass_millis(300);
    bench.parties[one].say(900.0);
    bench.parties[other].say(1300.0);
    bench.pass_millis(1000);
    bench.parties[one].voice = support::Voice::Nothing;
    bench.parties[other].voice = support::Voice::Nothing;
    let mut told = vec![bench.await_notified(3000), bench.await_notified(3000)];
    told.sort();
    assert_eq!(told, ["AU/oc(rc=100 na=1 ri=1000000)", "AU/oc(rc=100 na=1 ri=1000001)"]);
    let heard = [played(&mut bench, one, "1000000"), played(&mut bench, one, "1000001")];
    assert_eq!(heard, [set(&[900]), set(&[1300])]);
}

#[test]
fn who_does_not_speak_leaves_no_recording() {
    let mut bench = bench();
    bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pr(prt=10 rlt=100)");
    assert_eq!(bench.await_notified(2000), "AU/of(rc=327)");
}

#[test]
fn an_operation_that_is_ended_tells_what_it_has() {
    let mut bench = bench();
    let party = bench.connect("ann/1", "sendrecv");
    request(&mut bench, "au/pc(mx=9)");
    bench.parties[party].press("42");
    bench.pass_millis(600);
    bench.good("RQNT ann/1", "X: 2\nR: au/oc, au/of\nS: au/es(sg=pc)");
    assert_eq!(bench.await_notified(200), "AU/oc(rc=100 na=1 dc=42)");
    // An operation that a new list leaves out is just stopped.
    bench.good("RQNT ann/1", "X: 3\nR: au/oc, au/of\nS: au/pc(mx=9)");
    bench.good("RQNT ann/1", "X: 4\nR: au/oc, au/of");
    bench.pass_millis(6000);
    assert_eq!(bench.notified(), None);
}

/// Recordings of words and of variants, each with a tone of its own.
fn speaking() -> Bench {
    let mut bench = bench();
    for (file, hertz) in [
        ("one.wav", 500.0),
        ("two.wav", 800.0),
        ("two.lang=dan.wav", 1300.0),
        ("50.lang=eng.wav", 500.0),
        ("50.lang=dan.wav", 800.0),
        ("50.lang=dan.gender=female.wav", 1300.0),
        ("60.vb=dig-gen.vb=wkd.wav", 600.0),
        ("monday.wav", 2000.0),
    ] {
        bench.gateway.add_announcement(file, tone(hertz, Duration::from_millis(500)).into());
    }
    bench
}

/// The tones that a party hears in turn, half a second each.
fn heard_in_turn(bench: &mut Bench, signals: &str) -> (Vec<u32>, String) {
    const TONES: [u32; 7] = [500, 600, 800, 1100, 1300, 1700, 2000];
    let party = bench.connect("ann/1", "sendonly");
    request(bench, signals);
    let mut heard = Vec::new();
    for _ in 0..40 {
        bench.pass_millis(100);
        let samples = &bench.parties[party].heard;
        let tail = &samples[samples.len().saturating_sub(800)..];
        heard.extend(found(tail, &TONES).into_iter().next());
        heard.dedup();
        if let Some(events) = bench.notified() {
            bench.good("DLCX ann/1", "C: 1");
            return (heard, events);
        }
    }
    panic!("{signals} has no end")
}

#[test]
fn variables_are_spoken_word_by_word() {
    let mut bench = speaking();
    let (heard, events) = heard_in_turn(&mut bench, "au/pa(an=vb(dig,gen,12))");
    assert_eq!((heard, events.as_str()), (vec![500, 800], "AU/oc(rc=100)"));
    let (heard, _) = heard_in_turn(&mut bench, "au/pa(an=60<12,2>[Lang=dan])");
    assert_eq!(heard, [600, 500, 1300, 2000], "each word as it is there in the language");
    // Behind a recording, as it was provisioned.
    let (heard, events) = heard_in_turn(&mut bench, "au/pa(an=60<21,2>)");
    assert_eq!((heard, events.as_str()), (vec![600, 800, 500, 2000], "AU/oc(rc=100)"));
    let (heard, _) = heard_in_turn(&mut bench, "au/pa(an=60<null>)");
    assert_eq!(heard, [600]);
    for (values, code) in [("", 311), ("<21>", 311), ("<2,2,2>", 310), ("<2,9>", 307), ("<two,2>", 308)] {
        let (_, events) = heard_in_turn(&mut bench, &format!("au/pa(an=60{values})"));
        assert_eq!(events, format!("AU/of(rc={code})"), "{values}");
    }
}

#[test]
fn selectors_choose_among_the_recordings_of_a_segment() {
    let mut bench = speaking();
    for (selectors, hertz) in [("Lang=eng", 500), ("language=DAN", 800), ("Lang=dan,gender=female", 1300)] {
        let (heard, _) = heard_in_turn(&mut bench, &format!("au/pa(an=50[{selectors}])"));
        assert_eq!(heard, [hertz], "{selectors}");
    }
    // A recording without variants serves for all of them.
    let (heard, _) = heard_in_turn(&mut bench, "au/pa(an=40[Lang=dan])");
    assert_eq!(heard, [SEGMENT_40]);
    for (selectors, code) in [("[Lang=fra]", 303), ("[gender=male]", 303), ("[accent=cajun]", 302), ("", 303)]
    {
        let (_, events) = heard_in_turn(&mut bench, &format!("au/pa(an=50{selectors})"));
        assert_eq!(events, format!("AU/of(rc={code})"), "{selectors}");
    }
}

#[test]
fn the_words_of_a_variable_are_read_when_they_are_wanted() {
    let mut bench = Bench::new(|config| SoftGatewayConfig::new(config.with_announcements(1)));
    for file in ["One.wav", "two.wav", "39.wav"] {
        bench.gateway.list_announcement(file);
    }
    let id = bench.begin("RQNT ann/1", "X: 1\nR: au/oc\nS: au/pa(an=vb(dig,gen,121))");
    let mut wanted: Vec<_> = std::iter::from_fn(|| bench.gateway.poll_announcement()).collect();
    wanted.sort();
    assert_eq!(wanted, ["One.wav", "two.wav"]);
    for file in wanted {
        let samples = tone(700.0, Duration::from_millis(200));
        bench.gateway.handle_announcement(bench.now, &file, Ok(samples.into()));
    }
    bench.pass_millis(50);
    assert_eq!(bench.answer(id).as_deref(), Some("200"));
    assert_eq!(bench.await_notified(2000), "AU/oc(rc=100)");
}
