//! The check of short messages that are put together again: any octets as a script of short messages, and as a datagram in parts.

use strowger_mms::sms::{
    Ports, Reassembly, ReassemblyLimits, Reference, Refused, ShortMessage, Taken, UserData, segment,
};
use strowger_sansio::{Duration, Time};

/// Room so small that every bound is reached within a few octets of script.
const LIMITS: ReassemblyLimits = ReassemblyLimits {
    sets_per_originator: 2,
    sets: 4,
    octets_per_originator: 1_000,
    octets: 1_500,
    age: Duration::from_secs(100),
    grace: Duration::from_secs(10),
    events: 2,
};

/// Octets as a script: a link, a sender, some time, and either user data as they are or a part with what is left of a header drawn.
///
/// # Panics
/// When a bound is not kept, or something is left when all time is over.
pub(crate) fn script(bytes: &[u8]) {
    let mut engine = Reassembly::new(LIMITS);
    let mut now = Time::ZERO;
    let mut rest = bytes;
    while let [operation, size, place, after @ ..] = rest {
        let (data, after) = after.split_at(usize::from(size % 141).min(after.len()));
        rest = after;
        let user_data = if operation & 1 == 0 {
            data.to_vec()
        } else {
            // A part of a message of few parts, so that some become whole, others contradict.
            let (total, part) = (1 + (place & 3), 1 + (place >> 2 & 3));
            [&[5, 0, 3, place >> 6, total, part], data].concat()
        };
        now += Duration::from_secs(u64::from(operation >> 4));
        engine.handle_timeout(now);
        let message = ShortMessage {
            link: u32::from(operation >> 1 & 1),
            originator: &[operation >> 2 & 3],
            destination: b"2001",
            pid: 0,
            dcs: 4,
            user_data: &user_data,
        };
        let before = (engine.unfinished(), engine.octets());
        match engine.handle_input(now, &message) {
            Ok(Taken::Whole) => {}
            Ok(Taken::Waits) => assert!(engine.unfinished() > 0),
            Ok(Taken::Duplicate) => assert_eq!((engine.unfinished(), engine.octets()), before),
            Err(Refused::Malformed(error)) => {
                assert!(error.range().end <= user_data.len().max(error.offset), "{error:?}");
                assert!(UserData::decode(&user_data).is_err());
                assert_eq!((engine.unfinished(), engine.octets()), before);
            }
            Err(_) => assert!(engine.unfinished() <= before.0 && engine.octets() <= before.1),
        }
        assert!(engine.unfinished() <= LIMITS.sets && engine.octets() <= LIMITS.octets);
        assert_eq!(engine.poll_timeout().is_none(), engine.unfinished() == 0);
        if size & 0x80 != 0 {
            while engine.poll_event().is_some() {}
        }
    }
    engine.handle_timeout(now + LIMITS.age);
    assert_eq!(
        (engine.unfinished(), engine.octets(), engine.poll_timeout()),
        (0, 0, None),
        "something is left"
    );
}

/// Octets as a datagram: in parts, in an order that they say themselves, it comes back.
///
/// # Panics
/// When it does not.
pub(crate) fn comes_back(bytes: &[u8]) {
    let reference = match bytes.first() {
        Some(number) if number & 1 == 0 => Reference::narrow(*number),
        number => Reference::wide(u16::from(*number.unwrap_or(&0)) << 5),
    };
    let Ok(mut parts) = segment(bytes, Ports::PUSH, reference) else {
        assert!(bytes.len() > 127 * 255);
        return;
    };
    let mut engine = Reassembly::new(ReassemblyLimits::default());
    let mut draw =
        bytes.iter().fold(1_usize, |sum, octet| sum.wrapping_mul(31).wrapping_add(usize::from(*octet)));
    while !parts.is_empty() {
        let user_data = parts.swap_remove(draw % parts.len());
        draw = draw.wrapping_mul(31).wrapping_add(7);
        let message = ShortMessage {
            link: 0,
            originator: b"1",
            destination: b"2",
            pid: 0,
            dcs: 4,
            user_data: &user_data,
        };
        let taken = engine.handle_input(Time::ZERO, &message);
        assert_eq!(taken, Ok(if parts.is_empty() { Taken::Whole } else { Taken::Waits }));
    }
    let whole = engine.poll_event();
    assert!(whole.is_some_and(|whole| whole.payload == bytes), "changed on its way in parts");
}
