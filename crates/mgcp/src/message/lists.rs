//! The shorter values: response acknowledgement `K:`, requested information `F:`, package list `PL:`, quarantine
//! handling `Q:`, restart method `RM:`, reason `E:` (RFC 3435 sections 3.2.2.13 to 3.2.2.20).

use std::fmt;

use crate::limits::Limits;
use crate::scan::{Class, Fault, Scanner, is_package_name, trim_end};
use crate::text::Rule;

use super::{ParameterCode, ReasonCode, TransactionId};

/// Reads a list whose items are separated by commas; an empty text is an empty list.
fn read_list<'a>(
    s: &mut Scanner<'a>,
    most: usize,
    mut item: impl FnMut(&mut Scanner<'a>) -> Result<(), Fault>,
) -> Result<&'a str, Fault> {
    s.space();
    let start = s.position();
    let mut left = most;
    if !s.is_end() {
        loop {
            left = left.checked_sub(1).ok_or_else(|| s.fault(Rule::ListLength))?;
            item(s)?;
            if !s.comma() {
                break;
            }
        }
    }
    Ok(s.since(start))
}

/// Walks a list that was read once.
fn items<'a, T>(
    text: &'a str,
    item: impl Fn(&mut Scanner<'a>) -> Result<T, Fault> + Clone,
) -> impl Iterator<Item = T> + Clone {
    let mut s = Scanner::new(text);
    let mut more = !text.is_empty();
    std::iter::from_fn(move || {
        if !more {
            return None;
        }
        let found = item(&mut s).ok()?;
        more = s.comma();
        Some(found)
    })
}

macro_rules! list_view {
    ($(#[$doc:meta])* $name:ident, $item:ty, $read_item:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            text: &'a str,
        }

        impl<'a> $name<'a> {
            /// A value whose grammar decoding has checked.
            pub(crate) const fn checked(text: &'a str) -> Self {
                Self { text }
            }

            /// Reads a list; none if it breaks the grammar. An empty list is legal.
            #[must_use]
            pub fn parse(text: &'a str) -> Option<Self> {
                let mut s = Scanner::new(text);
                let list = Self::read(&mut s, Limits::DEFAULT.list_items).ok()?;
                s.is_end().then_some(list)
            }

            pub(crate) fn read(s: &mut Scanner<'a>, most: usize) -> Result<Self, Fault> {
                read_list(s, most, |s| $read_item(s).map(|_| ())).map(|text| Self { text })
            }

            /// The list as it was written.
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                self.text
            }

            /// Whether the list is empty.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.text.is_empty()
            }

            /// The items in order.
            pub fn iter(self) -> impl Iterator<Item = $item> + Clone {
                items(self.text, |s| $read_item(s))
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text)
            }
        }
    };
}

/// A range of confirmed transactions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionRange {
    /// The first.
    pub first: TransactionId,
    /// The last.
    pub last: TransactionId,
}

impl TransactionRange {
    fn read(s: &mut Scanner<'_>) -> Result<Self, Fault> {
        let first = read_transaction_id(s, Rule::ResponseAck)?;
        s.space();
        let last = if s.eat(b'-') {
            s.space();
            read_transaction_id(s, Rule::ResponseAck)?
        } else {
            first
        };
        if last < first {
            return Err(s.fault(Rule::ResponseAck));
        }
        Ok(Self { first, last })
    }

    /// Whether the transaction is in the range.
    #[must_use]
    pub fn contains(self, id: TransactionId) -> bool {
        (self.first..=self.last).contains(&id)
    }
}

impl fmt::Display for TransactionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.first == self.last { Ok(()) } else { write!(f, "-{}", self.last) }
    }
}

pub(crate) fn read_transaction_id(s: &mut Scanner<'_>, rule: Rule) -> Result<TransactionId, Fault> {
    let at = s.position();
    TransactionId::new(s.number(9, rule)?).ok_or(Fault { at, rule })
}

list_view! {
    /// The value of `K:`: ranges of confirmed transactions. Empty in the final response to a command that was
    /// answered provisionally.
    ResponseAck, TransactionRange, TransactionRange::read
}

list_view! {
    /// The value of `F:`: the codes of the parameters to audit.
    RequestedInfo, ParameterCode<'a>, read_code
}

fn read_code<'a>(s: &mut Scanner<'a>) -> Result<ParameterCode<'a>, Fault> {
    let at = s.position();
    let word = s.take(Class::PARAMETER);
    ParameterCode::parse(word).ok_or(Fault { at, rule: Rule::RequestedInfo })
}

impl RequestedInfo<'_> {
    /// Whether this parameter is to be audited.
    #[must_use]
    pub fn contains(self, code: ParameterCode<'_>) -> bool {
        self.iter().any(|asked| asked == code)
    }
}

/// One package of a [`PackageList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageVersion<'a> {
    /// The package's name.
    pub name: &'a str,
    /// The highest version supported.
    pub version: u32,
}

impl<'a> PackageVersion<'a> {
    fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let name = s.take(Class::WORD);
        if !is_package_name(name) || !s.eat(b':') {
            return Err(s.fault(Rule::PackageList));
        }
        Ok(Self { name, version: s.number(9, Rule::PackageList)? })
    }
}

list_view! {
    /// The value of `PL:`: packages and their versions, the default package first.
    PackageList, PackageVersion<'a>, PackageVersion::read
}

/// Whether quarantined events are processed or dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuarantineEvents {
    /// `process`, the default.
    #[default]
    Process,
    /// `discard`.
    Discard,
}

/// How many notifications one request allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotificationControl {
    /// `step`, the default: at most one.
    #[default]
    Step,
    /// `loop`: any number.
    Loop,
}

/// The value of `Q:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// What happens to quarantined events.
    pub events: QuarantineEvents,
    /// How many notifications may follow.
    pub notifications: NotificationControl,
}

impl Quarantine {
    /// Reads the keywords, in either order; none if they break the grammar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let quarantine = Self::read(&mut s).ok()?;
        s.is_end().then_some(quarantine)
    }

    pub(crate) fn read(s: &mut Scanner<'_>) -> Result<Self, Fault> {
        let (mut events, mut notifications) = (None, None);
        loop {
            let at = s.position();
            let word = s.take(Class::WORD);
            let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
            let again = if is("process") {
                events.replace(QuarantineEvents::Process).is_some()
            } else if is("discard") {
                events.replace(QuarantineEvents::Discard).is_some()
            } else if is("step") {
                notifications.replace(NotificationControl::Step).is_some()
            } else if is("loop") {
                notifications.replace(NotificationControl::Loop).is_some()
            } else {
                true
            };
            if again {
                return Err(Fault { at, rule: Rule::QuarantineHandling });
            }
            if !s.comma() {
                break;
            }
        }
        Ok(Self { events: events.unwrap_or_default(), notifications: notifications.unwrap_or_default() })
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.notifications, self.events) {
            (NotificationControl::Step, QuarantineEvents::Process) => "step,process",
            (NotificationControl::Step, QuarantineEvents::Discard) => "step,discard",
            (NotificationControl::Loop, QuarantineEvents::Process) => "loop,process",
            (NotificationControl::Loop, QuarantineEvents::Discard) => "loop,discard",
        })
    }
}

/// The value of `RM:`.
#[derive(Clone, Copy, Debug)]
pub enum RestartMethod<'a> {
    /// Out of service after a delay, or when calls end.
    Graceful,
    /// Out of service now.
    Forced,
    /// In service, after the delay.
    Restart,
    /// Back in contact.
    Disconnected,
    /// The graceful restart is called off.
    CancelGraceful,
    /// A method that a package defines.
    Package {
        /// The package.
        package: &'a str,
        /// The method.
        method: &'a str,
    },
}

impl<'a> RestartMethod<'a> {
    /// The five methods of RFC 3435.
    pub const ALL: [RestartMethod<'static>; 5] = [
        RestartMethod::Graceful,
        RestartMethod::Forced,
        RestartMethod::Restart,
        RestartMethod::Disconnected,
        RestartMethod::CancelGraceful,
    ];

    /// Reads a method; none if it is unknown and of no package.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut s = Scanner::new(text);
        let method = Self::read(&mut s).ok()?;
        s.is_end().then_some(method)
    }

    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let at = s.position();
        let word = s.take(Class::WORD);
        if s.eat(b'/') {
            let method = s.take(Class::WORD);
            if !is_package_name(word) || method.is_empty() {
                return Err(Fault { at, rule: Rule::RestartMethod });
            }
            return Ok(Self::Package { package: word, method });
        }
        let known = RestartMethod::ALL.into_iter().find(|method| method.keyword().eq_ignore_ascii_case(word));
        known.ok_or(Fault { at, rule: Rule::RestartMethod })
    }

    /// The keyword; of a package's method, the part behind the slash.
    #[must_use]
    pub const fn keyword(self) -> &'a str {
        match self {
            Self::Graceful => "graceful",
            Self::Forced => "forced",
            Self::Restart => "restart",
            Self::Disconnected => "disconnected",
            Self::CancelGraceful => "cancel-graceful",
            Self::Package { method, .. } => method,
        }
    }
}

impl PartialEq for RestartMethod<'_> {
    fn eq(&self, other: &Self) -> bool {
        let package = |method: &Self| match *method {
            Self::Package { package, .. } => package.to_ascii_lowercase(),
            _ => String::new(),
        };
        self.keyword().eq_ignore_ascii_case(other.keyword()) && package(self) == package(other)
    }
}

impl Eq for RestartMethod<'_> {}

impl fmt::Display for RestartMethod<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Package { package, .. } = self {
            write!(f, "{package}/")?;
        }
        f.write_str(self.keyword())
    }
}

/// The value of `E:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// The code.
    pub code: ReasonCode,
    /// The package that defines it, of codes 800 to 899.
    pub package: Option<&'a str>,
    /// What the peer had to say.
    pub commentary: Option<&'a str>,
}

impl<'a> Reason<'a> {
    /// Reads a reason; none if it breaks the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        Self::read(&mut Scanner::new(text)).ok()
    }

    /// A reason of RFC 3435, with its name as commentary.
    #[must_use]
    pub fn of(code: ReasonCode) -> Reason<'static> {
        Reason { code, package: None, commentary: code.name() }
    }

    pub(crate) fn read(s: &mut Scanner<'a>) -> Result<Self, Fault> {
        let (number, package, commentary) = read_code_line(s, Rule::ReasonCode, |_| Ok(()))?;
        let code = ReasonCode::new(number).ok_or_else(|| s.fault(Rule::ReasonCode))?;
        Ok(Self { code, package, commentary })
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(package) = self.package {
            write!(f, " /{package}")?;
        }
        match self.commentary {
            Some(commentary) => write!(f, " {commentary}"),
            None => Ok(()),
        }
    }
}

/// The form that response lines and reasons share: three digits, something in between, `/package` of 8xx codes,
/// and commentary to the end.
pub(crate) fn read_code_line<'a>(
    s: &mut Scanner<'a>,
    rule: Rule,
    between: impl FnOnce(&mut Scanner<'a>) -> Result<(), Fault>,
) -> Result<(u16, Option<&'a str>, Option<&'a str>), Fault> {
    let start = s.position();
    let number = match s.take(Class::DIGIT).as_bytes() {
        [hundreds, tens, ones] => {
            [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'))
        }
        _ => return Err(Fault { at: start, rule }),
    };
    between(s)?;
    if s.peek().is_some_and(|byte| !Class::SPACE.holds(byte)) {
        return Err(s.fault(rule));
    }
    s.space();
    let mut package = None;
    if (800..900).contains(&number) && s.eat(b'/') {
        let name = s.take(Class::WORD);
        if !is_package_name(name) || s.peek().is_some_and(|byte| !Class::SPACE.holds(byte)) {
            return Err(s.fault(rule));
        }
        package = Some(name);
        s.space();
    }
    let at = s.position();
    let text = trim_end(s.rest());
    if let Some(ahead) = text.bytes().position(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(Fault { at: at + ahead, rule: Rule::ControlCharacter });
    }
    Ok((number, package, (!text.is_empty()).then_some(text)))
}
