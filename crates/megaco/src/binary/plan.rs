//! The names of terminations: levels of bits in binary, parts between slashes in text (RFC 3525 Annex A.1, section 6.2.2).

use std::fmt;
use std::str::FromStr;

use crate::message::{Characters, ShortName, TerminationId, TerminationName};

/// How the octets of a termination's identifier are its name. Gateway and controller have to know it; it is a matter of
/// configuration.
///
/// An identifier of another length than the plan's is called `x` and its octets in hexadecimal digits, and read back from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePlan {
    levels: Vec<Level>,
    bits: u8,
    /// Whether each level is an octet in zeros and ones, and names are short.
    is_octets: bool,
}

/// A level of the plan: so many bits, and what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// 1 to 32.
    pub bits: u8,
    /// How the bits are written.
    pub form: LevelForm,
}

/// How the bits of a level are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelForm {
    /// As zeros and ones.
    Bits,
    /// As a decimal number.
    Number,
    /// As one of these words, the first for 0.
    Words(Vec<String>),
}

/// Three levels of eight bits, written as zeros and ones: what the widespread peer does unless it is told otherwise.
impl Default for NamePlan {
    fn default() -> Self {
        let level = Level { bits: 8, form: LevelForm::Bits };
        Self::of(vec![level; 3], 24)
    }
}

/// A plan that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNamePlan;

impl fmt::Display for NoNamePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no plan of names: one to eight levels of 1 to 32 bits, 64 in all, as 8:aaln,rtp,ds/24:number",
        )
    }
}

impl std::error::Error for NoNamePlan {}

/// Levels with slashes between, each its number of bits and how these are written: `8:aaln,rtp,ds/24:number`, `8:bits/8:bits/8:bits`.
impl FromStr for NamePlan {
    type Err = NoNamePlan;

    fn from_str(text: &str) -> Result<Self, NoNamePlan> {
        let level = |text: &str| {
            let (bits, form) = text.split_once(':')?;
            let bits: u8 = bits.parse().ok()?;
            let form = match form {
                "bits" => LevelForm::Bits,
                "number" => LevelForm::Number,
                words => {
                    let words: Vec<String> = words.split(',').map(str::to_owned).collect();
                    let is_word = |word: &String| {
                        !word.is_empty()
                            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    };
                    let is_room = u64::try_from(words.len()).ok()? <= 1_u64.checked_shl(bits.into())?;
                    (is_room && words.iter().all(is_word)).then_some(LevelForm::Words(words))?
                }
            };
            Some(Level { bits, form })
        };
        let levels: Option<Vec<Level>> = text.split('/').map(level).collect();
        levels.and_then(Self::new).ok_or(NoNamePlan)
    }
}

/// A termination's binary form.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Binary {
    id: [u8; 8],
    id_length: u8,
    wildcards: [u8; 8],
    wildcard_count: u8,
}

impl Binary {
    pub(super) fn id(&self) -> &[u8] {
        self.id.get(8 - usize::from(self.id_length)..).unwrap_or_default()
    }

    pub(super) fn wildcards(&self) -> &[u8] {
        self.wildcards.get(..usize::from(self.wildcard_count)).unwrap_or_default()
    }
}

/// A name that is being written: one that is longer is none.
type Written = Characters<{ TerminationName::LONGEST }>;

const ALL: u8 = 0x80;
const BELOW: u8 = 0x40;

impl NamePlan {
    /// The names of a gateway with telephones: `aaln/1`, `rtp/1` for streams, and `ds/1` for circuits, all up to 2^24 - 1.
    #[must_use]
    pub fn telephones() -> Self {
        let words = ["aaln", "rtp", "ds"].map(str::to_owned).to_vec();
        let form = [(8, LevelForm::Words(words)), (24, LevelForm::Number)];
        Self::of(form.map(|(bits, form)| Level { bits, form }).to_vec(), 32)
    }

    /// A plan of one to eight levels with 64 bits at most in all.
    #[must_use]
    pub fn new(levels: Vec<Level>) -> Option<Self> {
        let legal = |level: &Level| (1..=32).contains(&level.bits);
        let bits: u32 = levels.iter().map(|level| u32::from(level.bits)).sum();
        let is_legal = (1..=8).contains(&levels.len()) && levels.iter().all(legal) && bits <= 64;
        is_legal.then_some(())?;
        Some(Self::of(levels, u8::try_from(bits).ok()?))
    }

    fn of(levels: Vec<Level>, bits: u8) -> Self {
        let is_short = levels.len() <= SHORT_LEVELS;
        let is_octets =
            is_short && levels.iter().all(|level| level.bits == 8 && level.form == LevelForm::Bits);
        Self { levels, bits, is_octets }
    }

    fn octets(&self) -> u8 {
        self.bits.div_ceil(8)
    }

    /// The binary form of a termination, if its name fits the plan.
    pub(super) fn to_binary(&self, termination: &TerminationId<'_>) -> Option<Binary> {
        let name = match termination {
            TerminationId::Root => {
                return Some(Binary { id: [0xff; 8], id_length: 8, ..Binary::default() });
            }
            other => other.as_bytes(),
        };
        let mut binary = Binary { id_length: self.octets(), ..Binary::default() };
        if self.is_octets
            && let Some(id) = self.octets_of(name)
        {
            binary.id = id.to_be_bytes();
            return Some(binary);
        }
        let name = std::str::from_utf8(name).ok()?;
        let mut id = 0_u64;
        let mut below = u32::from(self.bits);
        let mut parts = name.split('/').peekable();
        for level in &self.levels {
            let top = u8::try_from(below.checked_sub(1)?).ok()?;
            below -= u32::from(level.bits);
            let part = parts.next()?;
            if let "*" | "$" = part {
                let is_last = parts.peek().is_none();
                let kind = if part == "*" { ALL } else { 0 };
                let scope = if is_last && below > 0 { BELOW } else { 0 };
                *binary.wildcards.get_mut(usize::from(binary.wildcard_count))? = kind | scope | top;
                binary.wildcard_count += 1;
                if is_last {
                    below = 0;
                    break;
                }
                continue;
            }
            match level.read(part) {
                Some(value) => id |= u64::from(value) << below,
                None => return self.unplanned(name),
            }
        }
        if parts.next().is_some() || below > 0 {
            return self.unplanned(name);
        }
        binary.id = id.to_be_bytes();
        Some(binary)
    }

    /// The octets of a name without wildcards, where each level is one.
    fn octets_of(&self, name: &[u8]) -> Option<u64> {
        let mut id = 0;
        let mut rest = name;
        for place in 0..self.levels.len() {
            if place > 0 {
                rest = rest.strip_prefix(b"/")?;
            }
            let (digits, behind) = rest.split_first_chunk::<8>()?;
            let digits = u64::from_be_bytes(*digits) ^ u64::from_be_bytes(*b"00000000");
            (digits & !0x0101_0101_0101_0101 == 0).then_some(())?;
            // The lowest bit of each of the eight octets, put together: the product has them in its highest octet.
            id = id << 8 | digits.wrapping_mul(0x0102_0408_1020_4080) >> 56;
            rest = behind;
        }
        rest.is_empty().then_some(id)
    }

    /// `x` and the octets of an identifier of another length than the plan's.
    fn unplanned(&self, name: &str) -> Option<Binary> {
        let digits = name.strip_prefix(['x', 'X'])?;
        let is_legal = digits.len() % 2 == 0 && (2..=16).contains(&digits.len());
        (is_legal && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(())?;
        let id_length = u8::try_from(digits.len() / 2).ok().filter(|length| *length != self.octets())?;
        let id = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Binary { id, id_length, ..Binary::default() })
    }

    /// The termination that a binary form means.
    #[inline]
    pub(super) fn name_of(&self, id: &[u8], wildcards: &[u8]) -> Option<TerminationId<'static>> {
        // Nearly always there are three levels of octets, of which the places are known.
        if let ([first, second, third], [], 24, true) = (id, wildcards, self.bits, self.is_octets) {
            let mut octets = [b'/'; ShortName::ROOM];
            octets[..DIGITS].copy_from_slice(&digits(*first));
            octets[DIGITS + 1..2 * DIGITS + 1].copy_from_slice(&digits(*second));
            octets[2 * DIGITS + 2..3 * DIGITS + 2].copy_from_slice(&digits(*third));
            let name = ShortName::of(octets, 3 * DIGITS + 2)?;
            return TerminationName::of_short(name).map(TerminationId::Name);
        }
        self.any_name_of(id, wildcards)
    }

    #[inline(never)]
    fn any_name_of(&self, id: &[u8], wildcards: &[u8]) -> Option<TerminationId<'static>> {
        if wildcards.is_empty() && id == [0xff; 8] {
            return Some(TerminationId::Root);
        }
        let length = u8::try_from(id.len()).ok().filter(|length| (1..=8).contains(length))?;
        if length != self.octets() {
            return wildcards.is_empty().then(|| unplanned_name(id)).flatten();
        }
        self.name_by_levels(id, wildcards)
    }

    fn name_by_levels(&self, id: &[u8], wildcards: &[u8]) -> Option<TerminationId<'static>> {
        let value = id.iter().fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
        let mut name = Written::EMPTY;
        let mut below = u32::from(self.bits);
        let mut used = 0;
        for level in &self.levels {
            if !name.as_bytes().is_empty() {
                name.push(b"/")?;
            }
            let top = below.wrapping_sub(1);
            below = below.wrapping_sub(u32::from(level.bits));
            if !wildcards.is_empty()
                && let Some(wildcard) = wildcards.iter().find(|wildcard| u32::from(**wildcard & 0x3f) == top)
            {
                name.push(if wildcard & ALL == 0 { b"$" } else { b"*" })?;
                used += 1;
                if wildcard & BELOW != 0 {
                    break;
                }
                continue;
            }
            let mask = u32::MAX >> (32 - u32::from(level.bits));
            level.write((value >> below) as u32 & mask, &mut name)?;
        }
        // Each wildcard begins at the top of a level.
        (used == wildcards.len()).then_some(())?;
        match name.as_bytes() {
            b"*" => Some(TerminationId::All),
            b"$" => Some(TerminationId::Choose),
            _ => TerminationName::of_characters(&name).map(TerminationId::Name),
        }
    }
}

fn unplanned_name(id: &[u8]) -> Option<TerminationId<'static>> {
    let mut name = vec![b'x'];
    crate::package::write_hexadecimal(id, &mut name);
    TerminationName::new(String::from_utf8(name).ok()?).map(TerminationId::Name)
}

fn write_number(number: u32, out: &mut Written) -> Option<()> {
    let mut digits = [0_u8; 10];
    let (mut rest, mut start) = (number, digits.len());
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    out.push(digits.get(start..)?)
}

/// As many levels of eight bits as make a short name.
const SHORT_LEVELS: usize = 3;
/// The digits of a level of eight bits.
const DIGITS: usize = 8;

/// An octet in binary digits.
#[inline]
const fn digits(octet: u8) -> [u8; DIGITS] {
    // The product has the octet nine bits apart, so that each of its bits is once at the top of an octet, the highest in the lowest.
    let apart = (octet as u64).wrapping_mul(0x8040_2010_0804_0201) >> 7 & 0x0101_0101_0101_0101;
    (apart | u64::from_le_bytes(*b"00000000")).to_le_bytes()
}

impl Level {
    fn read(&self, part: &str) -> Option<u32> {
        let value = match &self.form {
            LevelForm::Bits => {
                (part.len() == usize::from(self.bits)).then_some(())?;
                part.bytes().try_fold(0_u32, |value, digit| match digit {
                    b'0' | b'1' => Some(value << 1 | u32::from(digit - b'0')),
                    _ => None,
                })?
            }
            LevelForm::Number => {
                // One way to write each number, so that names and identifiers go together one to one.
                let is_plain = part == "0" || !part.starts_with(['0', '+']);
                is_plain.then(|| part.parse().ok()).flatten()?
            }
            LevelForm::Words(words) => {
                u32::try_from(words.iter().position(|word| word.eq_ignore_ascii_case(part))?).ok()?
            }
        };
        (u64::from(value) < 1 << self.bits).then_some(value)
    }

    #[inline]
    fn write(&self, value: u32, out: &mut Written) -> Option<()> {
        match &self.form {
            LevelForm::Bits if self.bits == 8 => out.push(&digits(u8::try_from(value).ok()?)),
            LevelForm::Bits => (0..self.bits)
                .rev()
                .try_for_each(|bit| out.push(if value >> bit & 1 == 0 { b"0" } else { b"1" })),
            LevelForm::Number => write_number(value, out),
            LevelForm::Words(words) => out.push(words.get(usize::try_from(value).ok()?)?.as_bytes()),
        }
    }
}
