//! Who a request comes from: Basic authentication (RFC 7617), or `username` and `password` in the query as older push gateways take
//! them, and the address. A user without a password is known by the address alone.

use std::net::IpAddr;

use super::base64;
use crate::push::User;

/// A name and a password, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// Those of an `Authorization` header, or else of a query.
    #[must_use]
    pub fn of(authorization: Option<&str>, query: Option<&str>) -> Option<Self> {
        authorization.and_then(Self::of_header).or_else(|| Self::of_query(query?))
    }

    fn of_header(value: &str) -> Option<Self> {
        let (scheme, rest) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(base64::decode(rest.trim())?).ok()?;
        let (name, password) = text.split_once(':')?;
        Some(Self { name: name.to_owned(), password: password.to_owned() })
    }

    fn of_query(query: &str) -> Option<Self> {
        let find = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| unescape(value)).next()
        };
        Some(Self { name: find("username")?, password: find("password")? })
    }
}

/// Whether anybody may come from there; who may not gets no byte.
#[must_use]
pub fn may_come(users: &[User], from: IpAddr) -> bool {
    users.iter().any(|user| user.may_come_from(from))
}

/// The user of a request.
#[must_use]
pub fn identify<'u>(
    users: impl IntoIterator<Item = &'u User>,
    from: IpAddr,
    given: Option<&Credentials>,
) -> Option<&'u User> {
    let mut here = users.into_iter().filter(|user| user.may_come_from(from));
    match given {
        Some(given) => here.find(|user| {
            let password = user.password.as_deref().unwrap_or_default();
            user.password.is_some() && user.name == given.name && same(password, &given.password)
        }),
        None => here.find(|user| user.password.is_none()),
    }
}

/// Compares in a time that does not tell where the difference is.
fn same(one: &str, other: &str) -> bool {
    let length = u8::from(one.len() != other.len());
    one.bytes().zip(other.bytes()).fold(length, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// `%HH` and `+` of a query.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                if let (Some(high), Some(low)) = (digit(), digit()) {
                    out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                }
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
