//! What a voice variable is as words: RFC 2897 section 8. `vb(mny,usd,110)` is "one dollar and ten cents".
//!
//! Each word is a recording under its own name (`one.wav`, `dollar.wav`), which the selectors of the segment then choose among, as section 9 has
//! it. The grammar is English: another language gets its own words in this order.
//!
//! Limits: whole numbers below a million millions; years of four digits; nothing speaks text.

use strowger_sansio::Duration;

/// Return codes of section 6.
const TYPE: u16 = 304;
const SUBTYPE: u16 = 305;
const RANGE: u16 = 307;
const INCONSISTENT: u16 = 308;

/// A part of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Utterance {
    Word(&'static str),
    Pause(Duration),
}

use Utterance::{Pause, Word};

/// Between the parts of a number of North America.
const GAP: Duration = Duration::from_millis(300);

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 3] = [(1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const LETTERS: [&str; 26] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x", "y", "z",
];
/// Ordinals that are not their cardinal with an ending of its own.
const ORDINALS: [(&str, &str); 32] = [
    ("zero", "zeroth"),
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("four", "fourth"),
    ("five", "fifth"),
    ("six", "sixth"),
    ("seven", "seventh"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("ten", "tenth"),
    ("eleven", "eleventh"),
    ("twelve", "twelfth"),
    ("thirteen", "thirteenth"),
    ("fourteen", "fourteenth"),
    ("fifteen", "fifteenth"),
    ("sixteen", "sixteenth"),
    ("seventeen", "seventeenth"),
    ("eighteen", "eighteenth"),
    ("nineteen", "nineteenth"),
    ("twenty", "twentieth"),
    ("thirty", "thirtieth"),
    ("forty", "fortieth"),
    ("fifty", "fiftieth"),
    ("sixty", "sixtieth"),
    ("seventy", "seventieth"),
    ("eighty", "eightieth"),
    ("ninety", "ninetieth"),
    ("hundred", "hundredth"),
    ("thousand", "thousandth"),
    ("million", "millionth"),
    ("billion", "billionth"),
];
/// ISO 4217 code; one and several of the currency; one and several of its hundredths, if it has them.
type Currency = (&'static str, [&'static str; 2], Option<[&'static str; 2]>);
const CURRENCIES: [Currency; 12] = [
    ("usd", ["dollar", "dollars"], Some(["cent", "cents"])),
    ("cad", ["dollar", "dollars"], Some(["cent", "cents"])),
    ("aud", ["dollar", "dollars"], Some(["cent", "cents"])),
    ("nzd", ["dollar", "dollars"], Some(["cent", "cents"])),
    ("eur", ["euro", "euros"], Some(["cent", "cents"])),
    ("gbp", ["pound", "pounds"], Some(["penny", "pence"])),
    ("chf", ["franc", "francs"], Some(["centime", "centimes"])),
    ("inr", ["rupee", "rupees"], Some(["paisa", "paise"])),
    ("mxn", ["peso", "pesos"], Some(["centavo", "centavos"])),
    ("brl", ["real", "reais"], Some(["centavo", "centavos"])),
    ("sek", ["krona", "kronor"], Some(["ore", "ore"])),
    ("jpy", ["yen", "yen"], None),
];

/// The words of a variable, or the return code that says what is wrong with it.
pub(super) fn utterances(kind: &str, subtype: &str, value: &str) -> Result<Vec<Utterance>, u16> {
    let kind = kind.to_ascii_lowercase();
    let subtype = subtype.to_ascii_lowercase();
    let plain = |said: Result<Vec<Utterance>, u16>| if subtype == "null" { said } else { Err(SUBTYPE) };
    match (kind.as_str(), subtype.as_str()) {
        ("dat", _) => plain(date(value)),
        ("dig", "gen") => characters(value, |letter| letter.is_ascii_digit() || matches!(letter, '*' | '#')),
        ("dig", "ndn") => directory_number(value),
        ("dur", _) => plain(duration(value)),
        ("mth", _) => plain(place(value, &MONTHS).map(|month| vec![Word(month)])),
        ("mny", code) => money(code, value),
        ("num", "crd") => cardinal(value),
        ("num", "ord") => ordinal(whole(value)?),
        ("sil", _) => {
            plain(number(value, 36_000).map(|tenths| vec![Pause(Duration::from_millis(tenths * 100))]))
        }
        ("str", _) => plain(characters(value, |_| true)),
        ("tme", "t12") => time(value, Clock::Twelve),
        ("tme", "t24") => time(value, Clock::TwentyFour),
        ("wkd", _) => plain(place(value, &WEEKDAYS).map(|day| vec![Word(day)])),
        // A telephone shows nothing that a server sends.
        ("txt", "dsp") => Ok(Vec::new()),
        ("dig" | "num" | "tme" | "txt", _) => Err(SUBTYPE),
        _ => Err(TYPE),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Twelve,
    TwentyFour,
}

fn number(text: &str, most: u64) -> Result<u64, u16> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(INCONSISTENT);
    }
    text.parse().ok().filter(|number| *number <= most).ok_or(RANGE)
}

fn whole(text: &str) -> Result<u64, u16> {
    number(text, 999_999_999_999)
}

/// A place in a list that is counted from 1.
fn place<'a>(text: &str, list: &[&'a str]) -> Result<&'a str, u16> {
    let place = usize::try_from(number(text, 99)?).map_err(|_| RANGE)?;
    place.checked_sub(1).and_then(|place| list.get(place)).copied().ok_or(RANGE)
}

fn pick(list: &[&'static str], place: u64) -> Utterance {
    let word = usize::try_from(place).ok().and_then(|place| list.get(place)).copied();
    Word(word.unwrap_or("zero"))
}

/// A number as it is counted.
fn count(number: u64) -> Vec<Utterance> {
    let mut said = Vec::new();
    let mut rest = number;
    for (scale, name) in SCALES {
        if rest >= scale {
            said.extend(hundreds(rest / scale));
            said.push(Word(name));
            rest %= scale;
        }
    }
    if rest > 0 || said.is_empty() {
        said.extend(hundreds(rest));
    }
    said
}

/// A number below a thousand.
fn hundreds(number: u64) -> Vec<Utterance> {
    let mut said = Vec::new();
    if number >= 100 {
        said.extend([pick(&DIGITS, number / 100), Word("hundred")]);
    }
    let rest = number % 100;
    match rest {
        0 if number >= 100 => {}
        0..=9 => said.push(pick(&DIGITS, rest)),
        10..=19 => said.push(pick(&TEENS, rest - 10)),
        _ => {
            said.push(pick(&TENS, rest / 10 - 2));
            if !rest.is_multiple_of(10) {
                said.push(pick(&DIGITS, rest % 10));
            }
        }
    }
    said
}

fn cardinal(value: &str) -> Result<Vec<Utterance>, u16> {
    match value.strip_prefix('-') {
        Some(rest) => Ok([vec![Word("minus")], count(whole(rest)?)].concat()),
        None => Ok(count(whole(value.strip_prefix('+').unwrap_or(value))?)),
    }
}

fn ordinal(number: u64) -> Result<Vec<Utterance>, u16> {
    let mut said = count(number);
    if let Some(Word(last)) = said.last_mut() {
        *last = ORDINALS.iter().find(|(known, _)| known == last).map_or(*last, |(_, ordinal)| ordinal);
    }
    Ok(said)
}

fn characters(value: &str, fits: impl Fn(char) -> bool) -> Result<Vec<Utterance>, u16> {
    if value.is_empty() {
        return Err(INCONSISTENT);
    }
    value.chars().map(|letter| if fits(letter) { character(letter) } else { Err(INCONSISTENT) }).collect()
}

fn character(letter: char) -> Result<Utterance, u16> {
    match letter.to_ascii_lowercase() {
        '*' => Ok(Word("star")),
        '#' => Ok(Word("pound")),
        digit @ '0'..='9' => Ok(pick(&DIGITS, u64::from(digit) - u64::from('0'))),
        letter @ 'a'..='z' => Ok(pick(&LETTERS, u64::from(letter) - u64::from('a'))),
        _ => Err(INCONSISTENT),
    }
}

/// `NPA-NXX-XXXX`, with or without its hyphens.
fn directory_number(value: &str) -> Result<Vec<Utterance>, u16> {
    let digits: Vec<char> = value.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != 10 || !digits.iter().all(char::is_ascii_digit) {
        return Err(INCONSISTENT);
    }
    let mut said = Vec::new();
    for (place, digit) in digits.into_iter().enumerate() {
        if matches!(place, 3 | 6) {
            said.push(Pause(GAP));
        }
        said.push(character(digit)?);
    }
    Ok(said)
}

/// `YYYYMMDD`.
fn date(value: &str) -> Result<Vec<Utterance>, u16> {
    if value.len() != 8 || !value.is_ascii() {
        return Err(INCONSISTENT);
    }
    let part = |from, to| value.get(from..to).unwrap_or_default();
    let year = number(part(0, 4), 9999)?;
    let month = place(part(4, 6), &MONTHS)?;
    let day = number(part(6, 8), 99)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let most = match month {
        "february" => {
            if leap {
                29
            } else {
                28
            }
        }
        "april" | "june" | "september" | "november" => 30,
        _ => 31,
    };
    if !(1..=most).contains(&day) {
        return Err(RANGE);
    }
    Ok([vec![Word(month)], ordinal(day)?, years(year)].concat())
}

/// A year as people say it: "nineteen ninety eight", "two thousand one", "nineteen oh five".
fn years(year: u64) -> Vec<Utterance> {
    let (century, rest) = (year / 100, year % 100);
    if century == 0 || century.is_multiple_of(10) && rest < 10 {
        return count(year);
    }
    let tail = match rest {
        0 => vec![Word("hundred")],
        1..=9 => [vec![Word("oh")], count(rest)].concat(),
        _ => count(rest),
    };
    [count(century), tail].concat()
}

/// A number of things, and what they are called.
fn things(number: u64, names: [&'static str; 2]) -> Vec<Utterance> {
    let [one, several] = names;
    [count(number), vec![Word(if number == 1 { one } else { several })]].concat()
}

/// Parts with "and" before the last.
fn joined(mut parts: Vec<Vec<Utterance>>) -> Vec<Utterance> {
    match parts.pop() {
        Some(last) if !parts.is_empty() => [parts.concat(), vec![Word("and")], last].concat(),
        last => last.unwrap_or_default(),
    }
}

fn duration(value: &str) -> Result<Vec<Utterance>, u16> {
    let seconds = whole(value)?;
    let parts = [
        (seconds / 3600, ["hour", "hours"]),
        (seconds / 60 % 60, ["minute", "minutes"]),
        (seconds % 60, ["second", "seconds"]),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<_> = said.map(|(count, names)| things(count, names)).collect();
    Ok(if said.is_empty() { things(0, ["second", "seconds"]) } else { joined(said) })
}

fn money(code: &str, value: &str) -> Result<Vec<Utterance>, u16> {
    let (_, major, minor) = CURRENCIES.iter().find(|(known, ..)| *known == code).ok_or(SUBTYPE)?;
    let (sign, digits) = match value.strip_prefix('-') {
        Some(rest) => (vec![Word("minus")], rest),
        None => (Vec::new(), value.strip_prefix('+').unwrap_or(value)),
    };
    let units = whole(digits)?;
    let said = match minor {
        None => things(units, *major),
        Some(minor) => {
            let (whole, hundredths) = (units / 100, units % 100);
            let mut parts = Vec::new();
            if whole > 0 || hundredths == 0 {
                parts.push(things(whole, *major));
            }
            if hundredths > 0 {
                parts.push(things(hundredths, *minor));
            }
            joined(parts)
        }
    };
    Ok([sign, said].concat())
}

/// `HHMM`.
fn time(value: &str, clock: Clock) -> Result<Vec<Utterance>, u16> {
    if value.len() != 4 || !value.is_ascii() {
        return Err(INCONSISTENT);
    }
    let part = |from, to| value.get(from..to).unwrap_or_default();
    let (hour, minute) = (number(part(0, 2), 23)?, number(part(2, 4), 59)?);
    let minutes = match minute {
        0 => Vec::new(),
        1..=9 => [vec![Word("oh")], count(minute)].concat(),
        _ => count(minute),
    };
    Ok(match clock {
        Clock::Twelve => {
            let shown = if hour % 12 == 0 { 12 } else { hour % 12 };
            let half = Word(if hour < 12 { "am" } else { "pm" });
            [count(shown), minutes, vec![half]].concat()
        }
        Clock::TwentyFour => {
            let minutes = if minute == 0 { vec![Word("hundred")] } else { minutes };
            [count(hour), minutes, vec![Word("hours")]].concat()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, subtype: &str, value: &str) -> String {
        let words = utterances(kind, subtype, value).expect("a variable");
        let text = words.into_iter().map(|part| match part {
            Word(word) => word,
            Pause(_) => ",",
        });
        text.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn variables_are_spoken_as_the_rfc_says() {
        for (kind, subtype, value, words) in [
            ("dat", "null", "19981015", "october fifteenth nineteen ninety eight"),
            ("dat", "null", "20240229", "february twenty ninth twenty twenty four"),
            ("dat", "null", "20010901", "september first two thousand one"),
            ("dat", "null", "19050131", "january thirty first nineteen oh five"),
            ("dig", "gen", "10*#", "one zero star pound"),
            ("dig", "ndn", "201-555-0123", "two zero one , five five five , zero one two three"),
            ("dur", "null", "3661", "one hour one minute and one second"),
            ("dur", "null", "7200", "two hours"),
            ("dur", "null", "0", "zero seconds"),
            ("mth", "null", "10", "october"),
            ("mny", "usd", "110", "one dollar and ten cents"),
            ("MNY", "USD", "-110", "minus one dollar and ten cents"),
            ("mny", "gbp", "1", "one penny"),
            ("mny", "jpy", "1500", "one thousand five hundred yen"),
            ("num", "crd", "100", "one hundred"),
            ("num", "ord", "100", "one hundredth"),
            ("num", "crd", "-1002003", "minus one million two thousand three"),
            ("num", "ord", "42", "forty second"),
            ("num", "crd", "0", "zero"),
            ("str", "null", "a34bc", "a three four b c"),
            ("tme", "t12", "1700", "five pm"),
            ("tme", "t24", "1700", "seventeen hundred hours"),
            ("tme", "t12", "0005", "twelve oh five am"),
            ("wkd", "null", "2", "monday"),
            ("sil", "null", "20", ","),
            ("txt", "dsp", "hello", ""),
        ] {
            assert_eq!(said(kind, subtype, value), words, "{kind} {subtype} {value}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_variable_has_a_code() {
        for (kind, subtype, value, code) in [
            ("ton", "null", "1", 304),
            ("xyz", "null", "1", 304),
            ("dat", "gen", "19981015", 305),
            ("num", "null", "5", 305),
            ("mny", "grd", "5", 305),
            ("txt", "spk", "hello", 305),
            ("dat", "null", "19981315", 307),
            ("dat", "null", "20230229", 307),
            ("tme", "t12", "2400", 307),
            ("wkd", "null", "8", 307),
            ("num", "crd", "1000000000000", 307),
            ("dat", "null", "101598", 308),
            ("num", "crd", "five", 308),
            ("dig", "gen", "12a", 308),
            ("dig", "gen", "", 308),
            ("str", "null", "a b", 308),
            ("dig", "ndn", "5550123", 308),
        ] {
            assert_eq!(utterances(kind, subtype, value), Err(code), "{kind} {subtype} {value}");
        }
    }
}
