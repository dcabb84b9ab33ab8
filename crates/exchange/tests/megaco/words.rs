//! Signals and events of Megaco in the words in which the stories are told.

use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{ErrorDescriptor, ItemName, Name, Parameter, Setting, Value};

/// The signals of Megaco in the words of the stories.
pub(crate) const WORDS: [(&str, &str); 15] = [
    ("cg/dt", "L/dl"),
    ("srvtn/rdt", "L/sl"),
    ("srvtn/mwt", "L/mwi"),
    ("srvtn/conf", "G/cf"),
    ("cg/rt", "G/rt"),
    ("cg/bt", "L/bz"),
    ("cg/ct", "L/ro"),
    ("cg/sit", "L/sit(6)"),
    ("srvtn/ht", "L/ht"),
    ("xcg/roh", "L/ot"),
    ("xcg/vac", "SST/nu"),
    ("cg/cw", "L/wt"),
    ("al/ri", "L/rg"),
    ("ct/ct", "ct/ct"),
    ("ct/rsp", "ct/rsp"),
];

pub(crate) fn text(name: ItemName<'_>, kind: strowger_megaco::package::Kind) -> String {
    let package = match name.package() {
        Name::Id(id) => strowger_megaco::package::package(id).unwrap().name.to_owned(),
        Name::Text(text) => text.as_str().to_owned(),
        Name::All => "*".to_owned(),
    };
    let item = match name.item() {
        Name::Id(_) => strowger_megaco::package::item(kind, name).unwrap().name.to_owned(),
        Name::Text(text) => text.as_str().to_owned(),
        Name::All => "*".to_owned(),
    };
    format!("{package}/{item}")
}

pub(crate) fn descriptor(code: ErrorCode) -> ErrorDescriptor<'static> {
    ErrorDescriptor { code, text: code.text() }
}

/// The caller identification of a data message, as the stories write it.
pub(crate) fn shown(data: &[u8]) -> String {
    assert_eq!(data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0, "the checksum is wrong");
    let (mut time, mut number, mut name) = ("\"\"".to_owned(), "O".to_owned(), "\"\"".to_owned());
    let mut rest = &data[2..data.len() - 1];
    assert_eq!(usize::from(data[1]), rest.len());
    if data[0] == 0x82 {
        assert_eq!(rest[..2], [0x0b, 1]);
        return format!("L/vmwi({})", if rest[2] == 0xff { '+' } else { '-' });
    }
    while let [kind, length, more @ ..] = rest {
        let (value, after) = more.split_at(usize::from(*length));
        let value = String::from_utf8(value.to_vec()).unwrap();
        match kind {
            1 => time = format!("{}/{}/{}/{}", &value[..2], &value[2..4], &value[4..6], &value[6..]),
            2 => number = format!("\"{value}\""),
            4 if value == "P" => (number, name) = (value.clone(), value),
            4 => number = value,
            7 => name = format!("\"{value}\""),
            other => panic!("what is {other}?"),
        }
        rest = after;
    }
    format!("L/ci({time},{number},{name})")
}

pub(crate) fn parameter<'p>(parameters: &'p [Parameter<'_>], name: &str) -> Option<&'p Value<'p>> {
    let id = if name == "ddb" { 1 } else { 2 };
    parameters.iter().find_map(|own| match (&own.name, &own.setting) {
        (Name::Text(text), Setting::One(value)) if text.as_str() == name => Some(value),
        (Name::Id(known), Setting::One(value)) if *known == id => Some(value),
        _ => None,
    })
}

pub(crate) fn caller(parameters: &[Parameter<'_>]) -> String {
    match parameter(parameters, "ddb") {
        Some(Value::Octets(data)) => shown(data),
        // What is in no table comes as it was written, or as what it looks like.
        Some(Value::Token(hex) | Value::String(hex)) => shown(&octets(hex)),
        Some(Value::Integer(digits)) => shown(&octets(&digits.to_string())),
        other => panic!("no data message: {other:?}"),
    }
}

pub(crate) fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}
