//! The worked examples of RFC 3435 section 2.1.5 and RFC 3660 section 2.7, and what a hostile map can try.

use super::*;

fn compile(text: &str) -> DigitMap {
    DigitMap::compile(text, &Limits::DEFAULT).unwrap()
}

fn verdict(map: &DigitMap, dialled: &str) -> MatchState {
    let symbols = dialled.chars().map(|c| DialSymbol::new(c).unwrap());
    let (verdict, fed) = map.dial(symbols);
    assert_eq!(fed, dialled.len(), "{dialled} was decided after {fed} symbols");
    verdict
}

const WAIT: MatchState = MatchState::Partial { timer_completes: false };
const WAIT_TIMER: MatchState = MatchState::Partial { timer_completes: true };

#[test]
fn the_shortest_match_of_two_alternatives_wins() {
    let map = compile("(xxxxxxx|x11)");
    assert_eq!(verdict(&map, "41"), WAIT);
    assert_eq!(verdict(&map, "411"), MatchState::Match);
    assert_eq!(verdict(&map, "4155555"), MatchState::Match);
}

#[test]
fn a_position_may_stand_for_nothing() {
    let map = compile("(0[12].|00|1[12].1|2x.#)");
    assert_eq!(verdict(&map, "0"), MatchState::Match);
    for partial in ["1", "12", "2", "23", "234", "2345"] {
        assert_eq!(verdict(&map, partial), WAIT, "{partial}");
    }
    for complete in ["11", "121", "2#", "2345#"] {
        assert_eq!(verdict(&map, complete), MatchState::Match, "{complete}");
    }
    let (state, fed) = map.dial("00".chars().filter_map(DialSymbol::new));
    assert_eq!((state, fed), (MatchState::Match, 1));
}

#[test]
fn the_empty_dial_string_is_no_match() {
    let map = compile("(x.|#)");
    assert_eq!(map.state_of(map.start()), WAIT);
    assert_eq!(verdict(&map, "1"), MatchState::Match);
}

#[test]
fn the_dial_plan_of_the_rfc_is_matched() {
    let map = compile("(0T|00T|[1-7]xxx|8xxxxxxx|#xxxxxxx|*xx|91xxxxxxxxxx|9011x.T)");
    assert_eq!(verdict(&map, "0"), WAIT_TIMER);
    assert_eq!(verdict(&map, "0T"), MatchState::Match);
    assert_eq!(verdict(&map, "00"), WAIT_TIMER);
    assert_eq!(verdict(&map, "00T"), MatchState::Match);
    assert_eq!(verdict(&map, "200"), WAIT);
    assert_eq!(verdict(&map, "2001"), MatchState::Match);
    assert_eq!(verdict(&map, "*6"), WAIT);
    assert_eq!(verdict(&map, "*69"), MatchState::Match);
    assert_eq!(verdict(&map, "9011"), WAIT_TIMER);
    assert_eq!(verdict(&map, "9011441632960000"), WAIT_TIMER);
    assert_eq!(verdict(&map, "9011441632960000T"), MatchState::Match);
    assert_eq!(verdict(&map, "92"), MatchState::Impossible);
}

#[test]
fn an_unexpected_timer_makes_the_match_impossible() {
    let map = compile("xxxx");
    assert_eq!(verdict(&map, "20T"), MatchState::Impossible);
    assert_eq!(verdict(&map, "T"), MatchState::Impossible);
}

#[test]
fn an_entry_that_ends_with_p_waits_for_longer_ones() {
    let map = compile("([3-7]11|123xxxxxxx|[1-7]xxxxxxP|8xxxP)");
    assert_eq!(verdict(&map, "1234567"), WAIT);
    assert_eq!(verdict(&map, "1234567890"), MatchState::Match);
    assert_eq!(verdict(&map, "1254567"), MatchState::Match);
    assert_eq!(verdict(&map, "411"), MatchState::Match);
    assert_eq!(verdict(&map, "8234"), MatchState::Match);
}

#[test]
fn letters_ranges_and_spaces_are_read_in_any_case() {
    let map = compile(" ( [1-35a]X.t | [*#X] )");
    assert_eq!(verdict(&map, "A"), WAIT_TIMER);
    assert_eq!(verdict(&map, "AT"), MatchState::Match);
    assert_eq!(verdict(&map, "8"), MatchState::Match);
    assert_eq!(verdict(&map, "*"), MatchState::Match);
    assert_eq!(verdict(&map, "B"), MatchState::Impossible);
    assert_eq!(map.text(), " ( [1-35a]X.t | [*#X] )");
    assert!(uses_timer(&map));
    assert!(!uses_timer(&compile("xx")));
}

#[test]
fn an_extension_letter_without_a_package_is_named() {
    let error = DigitMap::compile("(xx|1K)", &Limits::DEFAULT).unwrap_err();
    assert_eq!(error, DigitMapError::UnknownLetter { letter: 'K', offset: 5 });
    let error = DigitMap::compile("[0-9z]", &Limits::DEFAULT).unwrap_err();
    assert_eq!(error, DigitMapError::UnknownLetter { letter: 'Z', offset: 4 });
}

#[test]
fn what_the_grammar_does_not_derive_is_refused_with_its_place() {
    for (text, offset) in [
        ("", 0),
        ("()", 1),
        ("(x", 2),
        ("(x|)", 3),
        ("x)", 1),
        ("x|x", 1),
        ("[]", 2),
        ("[", 1),
        ("[1-", 3),
        ("[1-x]", 3),
        ("[5-2]", 3),
        ("[a-c]", 3),
        (".x", 0),
        ("x..", 2),
        ("xPx", 1),
        ("P", 0),
        ("[P]", 1),
        ("x\u{e9}", 1),
        ("x\0", 1),
        ("(x(", 2),
    ] {
        match DigitMap::compile(text, &Limits::DEFAULT) {
            Err(DigitMapError::Syntax { offset: found, .. }) => assert_eq!(found, offset, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn a_map_that_would_explode_is_refused_and_not_built() {
    // Each digit may or may not have been the 1 that 40 others follow: 2^40 states.
    let bomb = format!("(x.1{}|#)", "x".repeat(40));
    assert_eq!(DigitMap::compile(&bomb, &Limits::DEFAULT), Err(DigitMapError::TooComplex));
    let stars = format!("({})", "x.".repeat(1500));
    assert!(DigitMap::compile(&stars, &Limits::DEFAULT).is_ok_and(|map| map.states() < 10));
    let long = "x".repeat(Limits::DEFAULT.digit_map_bytes + 1);
    assert_eq!(DigitMap::compile(&long, &Limits::DEFAULT), Err(DigitMapError::TooComplex));
}

#[test]
fn a_map_of_two_kilobytes_compiles() {
    let entries: Vec<_> = (0..290).map(|n| format!("{:04}xT", n * 31 % 9999)).collect();
    let text = format!("({})", entries.join("|"));
    assert!(text.len() >= 2000);
    let map = compile(&text);
    assert_eq!(verdict(&map, "00315"), WAIT_TIMER);
    assert_eq!(verdict(&map, "00315T"), MatchState::Match);
}

/// The definition, word for word: every alternative is tried on the whole string, by backtracking.
fn by_definition(alternatives: &[Vec<(u32, bool)>], dialled: &[DialSymbol]) -> MatchState {
    fn reach(elements: &[(u32, bool)], dialled: &[DialSymbol]) -> (bool, bool) {
        match (elements, dialled) {
            ([], []) => (true, false),
            ([], _) => (false, false),
            ([(_, false), ..], []) => (false, true),
            ([(_, true), rest @ ..], []) => (reach(rest, &[]).0, true),
            ([(set, many), rest @ ..], [first, left @ ..]) => {
                let takes = set & first.bit() != 0;
                let here = match (takes, many) {
                    (true, true) => reach(elements, left),
                    (true, false) => reach(rest, left),
                    (false, _) => (false, false),
                };
                let skipped = if *many { reach(rest, dialled) } else { (false, false) };
                (here.0 || skipped.0, here.1 || skipped.1)
            }
        }
    }
    let all: Vec<_> = alternatives.iter().map(|alternative| reach(alternative, dialled)).collect();
    if all.iter().any(|(complete, _)| *complete) {
        MatchState::Match
    } else if all.iter().any(|(_, partial)| *partial) {
        MatchState::Partial { timer_completes: false }
    } else {
        MatchState::Impossible
    }
}

#[test]
fn the_automaton_agrees_with_the_definition() {
    let mut rng = strowger_sansio::Rng::from_number(2435);
    for _ in 0..2000 {
        let mut text = String::from("(");
        let mut alternatives = Vec::new();
        for alternative in 0..=rng.below(3) {
            if alternative > 0 {
                text.push('|');
            }
            let mut elements = Vec::new();
            for _ in 0..=rng.below(4) {
                let (symbol, set) = match rng.below(6) {
                    0 => ("x", DIGITS),
                    1 => ("[1-2]", 0b110),
                    2 => ("T", DialSymbol::TIMER.bit()),
                    3 => ("#", 1 << 11),
                    _ => ("1", 0b10),
                };
                let many = rng.chance(0.3);
                text.push_str(symbol);
                text.push_str(if many { "." } else { "" });
                elements.push((set, many));
            }
            alternatives.push(elements);
        }
        text.push(')');
        let map = compile(&text);
        for _ in 0..20 {
            let mut dialled = Vec::new();
            let mut at = map.start();
            for _ in 0..rng.below(6) {
                let symbol = DialSymbol::new(['1', '2', '3', '#', 'T'][rng.below(5) as usize]).unwrap();
                dialled.push(symbol);
                let found = map.feed(&mut at, symbol);
                let expected = by_definition(&alternatives, &dialled);
                let same = match (found, expected) {
                    (MatchState::Partial { .. }, MatchState::Partial { .. }) => true,
                    (found, expected) => found == expected,
                };
                assert!(same, "{text} {dialled:?}: {found:?}, by definition {expected:?}");
                if !matches!(found, MatchState::Partial { .. }) {
                    break;
                }
            }
        }
    }
}
