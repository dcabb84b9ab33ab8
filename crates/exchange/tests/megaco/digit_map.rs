//! Digit maps as RFC 3525 section 7.1.14 matches them, without their timers.

/// What has been dialled, by a map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// One alternative is left, and it is complete.
    Complete,
    /// More keys may follow.
    GoesOn,
    /// No alternative is left.
    Nothing,
}

/// A position: a set of keys, and whether it may repeat.
type Position = (Vec<char>, bool);

fn positions(alternative: &str) -> Vec<Position> {
    let mut positions: Vec<Position> = Vec::new();
    let mut chars = alternative.chars().peekable();
    while let Some(symbol) = chars.next() {
        match symbol {
            '.' => positions.last_mut().unwrap().1 = true,
            'x' => positions.push((('0'..='9').collect(), false)),
            '[' => {
                let mut set: Vec<char> = Vec::new();
                while let Some(key) = chars.next().filter(|key| *key != ']') {
                    match key {
                        '-' => set.extend(*set.last().unwrap()..=chars.next().unwrap()),
                        'x' => set.extend('0'..='9'),
                        key => set.push(key),
                    }
                }
                positions.push((set, false));
            }
            key => positions.push((vec![key], false)),
        }
    }
    positions
}

/// Where an alternative may stand behind these keys.
fn places(positions: &[Position], keys: &str) -> Vec<usize> {
    let close = |places: Vec<usize>| {
        let mut all = places;
        let mut next = 0;
        while let Some(place) = all.get(next).copied() {
            if positions.get(place).is_some_and(|own| own.1) && !all.contains(&(place + 1)) {
                all.push(place + 1);
            }
            next += 1;
        }
        all
    };
    keys.chars().fold(close(vec![0]), |places, key| {
        let fits = |place: &usize| positions.get(*place).is_some_and(|own| own.0.contains(&key));
        let step = |place: usize| if positions[place].1 { place } else { place + 1 };
        close(places.into_iter().filter(fits).map(step).collect())
    })
}

/// What these keys are by a map.
pub(crate) fn state(map: &str, keys: &str) -> State {
    let alternatives = map.trim_matches(['(', ')']).split('|').map(positions);
    let left: Vec<_> = alternatives
        .map(|own| (places(&own, keys), own.len()))
        .filter(|(places, _)| !places.is_empty())
        .collect();
    match left.as_slice() {
        [] => State::Nothing,
        [(places, length)] if *places == [*length] => State::Complete,
        _ => State::GoesOn,
    }
}

#[test]
fn keys_are_matched_until_one_alternative_is_left() {
    let map = "(200[1-3]|20|9xx.|E21Exx.|E21Exx.F)";
    for (keys, expected) in [
        ("20", State::GoesOn),
        ("2001", State::Complete),
        ("2004", State::Nothing),
        ("91", State::GoesOn),
        ("9123", State::GoesOn),
        ("E21E2001", State::GoesOn),
        ("E21E2001F", State::Complete),
        ("3", State::Nothing),
    ] {
        assert_eq!(state(map, keys), expected, "{keys}");
    }
}
