//! Two subscribers talk over telephones, sessions and a network that is not kind.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{FAR, Line, NEAR, config};
use strowger_media::frame::SILENCE;
use strowger_media::speech::SpeechNoise;
use strowger_media::telephone::HookTiming;
use strowger_media::tone::{RingPattern, SignalTone, ToneGenerator, TonePlan};
use strowger_media::{LineEvent, Telephone, TelephoneConfig, TelephoneEvent, Utterance};
use strowger_sansio::{Rng, Time};

fn telephone() -> Telephone {
    Telephone::new(&TelephoneConfig::default())
}

fn speech(seed: u64, frames: usize) -> Arc<[i16]> {
    let mut talk = SpeechNoise::new(Rng::from_number(seed), -15.0);
    (0..frames).flat_map(|_| talk.frame()).collect()
}

/// Two lifted telephones, and what each has heard after both have said what they had to say over a network with this loss.
fn talk(loss: f64, near_says: &Utterance, far_says: &Utterance) -> (Telephone, Telephone) {
    let (mut near, mut far) = (telephone(), telephone());
    near.lift(Time::ZERO);
    far.lift(Time::ZERO);
    for phone in [&mut near, &mut far] {
        assert!(phone.watch_frequency(1000.0) && phone.watch_frequency(440.0));
        phone.listen_for_tones(Some(TonePlan::north_america()));
    }
    near.say(near_says.clone());
    far.say(far_says.clone());
    let mut line = Line::new(&config(NEAR), &config(FAR), 25);
    line.loss = loss;
    for tick in 0..800_u64 {
        let now = Time::from_millis(tick * 10);
        let (near_frame, far_frame) = (near.speak(now), far.speak(now));
        let (near_heard, far_heard) = line.talk(Duration::from_millis(10), |_| near_frame, |_| far_frame);
        for (phone, heard) in [(&mut near, near_heard), (&mut far, far_heard)] {
            phone.hear(now, heard.as_chunks().0.first().unwrap());
        }
    }
    (near, far)
}

#[test]
fn what_one_says_is_what_the_other_hears() {
    let (said_near, said_far) = (speech(1, 600), speech(2, 600));
    let (near, far) =
        talk(0.0, &Utterance::Samples(Arc::clone(&said_near)), &Utterance::Samples(Arc::clone(&said_far)));
    let (at_far, at_near) = (far.compare(&said_near).unwrap(), near.compare(&said_far).unwrap());
    assert!(at_far.is_heard() && at_near.is_heard(), "{at_far:?} {at_near:?}");
    assert!(at_far.correlation > 0.95, "{at_far:?}");
    // 25 ms of network, 20 ms of packet, up to 40 ms of play-out.
    assert!((40..100).contains(&at_far.delay.as_millis()), "{at_far:?}");
    // Nobody hears himself.
    assert!(near.compare(&said_near).is_none_or(|found| found.found < 0.3));
}

#[test]
fn loss_is_heard_and_the_content_is_still_verified() {
    let said = speech(3, 700);
    let (_, far) = talk(0.03, &Utterance::Samples(Arc::clone(&said)), &Utterance::Silence(Duration::ZERO));
    let found = far.compare(&said).unwrap();
    assert!(found.is_heard(), "{found:?}");
    assert!(found.correlation < 0.999);
}

#[test]
fn tones_are_verified_by_their_frequency() {
    let tone = |hertz| Utterance::Tone { hertz, level: -12.0, duration: Some(Duration::from_secs(5)) };
    let (near, far) = talk(0.02, &tone(1000.0), &tone(440.0));
    assert!(far.frequency_longest(1000.0) >= Duration::from_secs(4), "{:?}", far.frequency_longest(1000.0));
    assert!(near.frequency_longest(440.0) >= Duration::from_secs(4));
    assert!(far.frequency_longest(440.0) < Duration::from_millis(100));
    assert_eq!(far.frequency_present_for(1000.0), Duration::ZERO, "it has ended");
    assert!(far.quiet_for() > Duration::from_secs(2));
}

#[test]
fn the_earpiece_knows_the_tones_of_the_exchange() {
    let plan = TonePlan::of("de").unwrap();
    let mut phone = telephone();
    phone.lift(Time::ZERO);
    phone.listen_for_tones(Some(plan));
    let mut hear = |signal, frames| {
        let mut tone = ToneGenerator::new(plan.tone(signal));
        for _ in 0..frames {
            phone.hear(Time::ZERO, &tone.frame());
        }
        (phone.heard_tone(), phone.hears_tone(signal), phone.heard_frequencies(1), phone.heard_level())
    };
    let (heard, hears, frequencies, level) = hear(SignalTone::Dial, 200);
    assert_eq!((heard, hears), (Some(SignalTone::Dial), true));
    assert!(
        (frequencies[0].hertz - 425.0).abs() < 1.0 && (level + 10.0).abs() < 0.5,
        "{frequencies:?} {level}"
    );
    assert_eq!(hear(SignalTone::Busy, 300).0, Some(SignalTone::Busy));
}

#[test]
fn the_bell_rings_shows_who_calls_and_falls_silent_when_the_handset_is_lifted() {
    let plan = TonePlan::of("gb").unwrap();
    let cadence = plan.ringing(RingPattern::Normal);
    let mut phone = telephone();
    phone.show_caller(Time::ZERO, "2001 A. Subscriber\u{1b}[31m");
    assert_eq!(phone.poll_event(), Some(TelephoneEvent::CallerShown("2001 A. Subscriber[31m".to_owned())));
    let mut bursts = 0;
    for at in (0..9500).step_by(10) {
        let now = Time::from_millis(at);
        phone.ring(now, cadence.is_on(at));
        while let Some(event) = phone.poll_event() {
            bursts += u32::from(event == TelephoneEvent::RingingStarted);
        }
    }
    let now = Time::from_millis(9500);
    assert!(phone.is_ringing(now) && !phone.bell_sounds());
    assert_eq!((bursts, phone.bursts()), (7, 7));
    assert_eq!(phone.ring_pattern(now, plan), Some(RingPattern::Normal));
    assert_eq!(phone.caller(), Some("2001 A. Subscriber[31m"));
    phone.lift(now);
    assert!(!phone.is_ringing(now));
    phone.ring(now, true);
    assert!(!phone.bell_sounds(), "the bell is off the line");
    assert_eq!(phone.poll_event(), Some(TelephoneEvent::OffHook));
    assert_eq!(phone.poll_event(), None);
}

#[test]
fn a_flash_is_a_flash_and_hanging_up_is_not() {
    for (country, sent, longest) in [("us", 500, 1000), ("de", 100, 200)] {
        let mut phone = telephone();
        phone.set_hook_timing(HookTiming::of(country).unwrap());
        assert!(!phone.flash(Time::ZERO), "the handset is down");
        phone.lift(Time::ZERO);
        assert_eq!(phone.poll_line(), Some(LineEvent::OffHook));
        let at = Time::from_secs(10);
        assert!(phone.flash(at));
        assert!(phone.is_off_hook() && !phone.is_loop_closed());
        assert_eq!(phone.poll_line(), None);
        let back = phone.poll_timeout().unwrap();
        assert_eq!(back - at, Duration::from_millis(sent));
        phone.handle_timeout(back);
        assert_eq!(phone.poll_line(), Some(LineEvent::Flash));
        assert!(phone.is_loop_closed());
        phone.hang_up(Time::from_secs(20));
        assert_eq!(phone.poll_line(), None, "it may still be a flash");
        let over = phone.poll_timeout().unwrap();
        assert_eq!((over - Time::from_secs(20)).as_millis(), longest);
        phone.handle_timeout(over);
        assert_eq!((phone.poll_line(), phone.poll_timeout()), (Some(LineEvent::OnHook), None));
    }
}

#[test]
fn a_telephone_on_the_hook_neither_speaks_nor_hears() {
    let mut phone = telephone();
    phone.say(Utterance::keys("1"));
    assert_eq!(phone.speak(Time::ZERO), SILENCE);
    phone.hear(Time::ZERO, &[1000; 80]);
    assert_eq!(phone.recording(), []);
    phone.lift(Time::ZERO);
    assert_ne!(phone.speak(Time::ZERO), SILENCE, "what was to be said is said now");
    phone.hear(Time::ZERO, &[1000; 80]);
    phone.hang_up(Time::ZERO);
    assert_eq!((phone.is_speaking(), phone.recording().len()), (false, 80));
    phone.lift(Time::ZERO);
    assert_eq!(phone.recording(), [], "another call, another recording");
}

#[test]
fn the_recording_keeps_the_newest_seconds() {
    let mut phone = Telephone::new(&TelephoneConfig { record: Duration::from_secs(1) });
    phone.lift(Time::ZERO);
    for n in 0..500_i16 {
        phone.hear(Time::ZERO, &[n; 80]);
    }
    let recording = phone.recording();
    assert_eq!((recording.len(), recording[0], recording[7999]), (8000, 400, 499));
    assert_eq!(phone.recording_tail(Duration::from_millis(10)), [499; 80]);
}

#[test]
fn the_end_of_what_is_said_is_told() {
    let mut phone = telephone();
    phone.lift(Time::ZERO);
    phone.poll_event();
    phone.say(Utterance::Speech { seed: 1, level: -15.0, duration: Some(Duration::from_millis(300)) });
    for tick in 0..29 {
        phone.speak(Time::from_millis(tick * 10));
        assert_eq!(phone.poll_event(), None);
    }
    phone.speak(Time::from_millis(290));
    assert_eq!(phone.poll_event(), Some(TelephoneEvent::MouthpieceDone));
    assert!(!phone.is_speaking());
}
