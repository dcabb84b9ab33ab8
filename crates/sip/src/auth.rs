//! Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): MD5 and SHA-256, quality of protection `auth`.

use std::net::IpAddr;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::message::grammar::{quote, split_list, trim, unquote};
use crate::message::{Header, Name};

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, which RFC 3261 asks for.
    Md5,
    /// SHA-256 (RFC 8760).
    Sha256,
}

impl Algorithm {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The algorithm with this name; none for others, among them those of sessions (`-sess`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256].into_iter().find(|own| own.name().eq_ignore_ascii_case(name))
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The parameters of a challenge or of credentials: `Digest name=value, …`.
fn digest_parameters(value: &str) -> Option<Vec<(&str, String)>> {
    let (scheme, rest) = trim(value).split_once([' ', '\t'])?;
    if !scheme.eq_ignore_ascii_case("Digest") {
        return None;
    }
    let pairs = split_list(rest).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').map(|(name, value)| (trim(name), unquote(trim(value)).into_owned())))
        .collect()
}

fn parameter<'p>(parameters: &'p [(&str, String)], name: &str) -> Option<&'p str> {
    parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose users and passwords.
    pub realm: String,
    /// The server's own text.
    pub nonce: String,
    /// To be given back as it is.
    pub opaque: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Whether quality of protection `auth` is offered; without it credentials have the form of RFC 2069.
    pub protects: bool,
    /// The credentials were right but for a nonce that is too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads the value of `WWW-Authenticate` or `Proxy-Authenticate`; none when it cannot be answered: another scheme,
    /// another algorithm, `auth-int` alone.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let parameters = digest_parameters(value)?;
        let get = |name: &str| parameter(&parameters, name);
        let protects = match get("qop") {
            None => false,
            Some(list) if list.split(',').any(|item| trim(item).eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
        };
        Some(Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm: Algorithm::from_name(get("algorithm").unwrap_or("MD5"))?,
            protects,
            stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The strongest challenge of a response (RFC 8760 section 2.4), of those that can be answered.
    #[must_use]
    pub fn strongest(header: &Header<'_>, name: &Name<'_>) -> Option<Self> {
        // Commas part the parameters, so that each field holds one challenge.
        let all = header.all(name).filter_map(Self::parse);
        all.reduce(|best, next| if next.algorithm > best.algorithm { next } else { best })
    }

    /// The challenges of a response that can be answered: for each realm the strongest.
    #[must_use]
    pub fn of_realms(header: &Header<'_>, name: &Name<'_>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for next in header.all(name).filter_map(Self::parse) {
            match found.iter_mut().find(|own| own.realm == next.realm) {
                Some(own) if next.algorithm > own.algorithm => *own = next,
                Some(_) => {}
                None => found.push(next),
            }
        }
        found
    }

    /// The value that offers this challenge.
    #[must_use]
    pub fn to_value(&self) -> String {
        let mut value = format!("Digest realm={}, nonce={}", quote(&self.realm), quote(&self.nonce));
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quote(opaque)));
        }
        if self.stale {
            value.push_str(", stale=true");
        }
        value.push_str(&format!(", algorithm={}", self.algorithm.name()));
        if self.protects {
            value.push_str(", qop=\"auth\"");
        }
        value
    }
}

/// A challenge, and how often it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The challenge.
    pub challenge: Challenge,
    /// The field that holds the credentials.
    pub field: Name<'static>,
    /// How many requests have had credentials for its nonce.
    pub count: u32,
}

/// Who a user is.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    /// The user.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

/// What a request is, as far as its credentials depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
}

impl Known {
    /// The value of `Authorization` or `Proxy-Authorization` for the next request. `cnonce` is drawn anew for each.
    #[must_use]
    pub fn answer(&mut self, secret: Secret<'_>, subject: Subject<'_>, cnonce: &str) -> String {
        self.count += 1;
        let Challenge { realm, nonce, opaque, algorithm, protects, .. } = &self.challenge;
        let count = format!("{:08x}", self.count);
        let protection = protects.then_some((count.as_str(), cnonce));
        let response = response(*algorithm, realm, nonce, secret, subject, protection);
        let Subject { uri, .. } = subject;
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={}",
            quote(secret.user),
            quote(realm),
            quote(nonce),
            quote(uri),
            algorithm.name()
        );
        if let Some((count, cnonce)) = protection {
            value.push_str(&format!(", qop=auth, nc={count}, cnonce={}", quote(cnonce)));
        }
        if let Some(opaque) = opaque {
            value.push_str(&format!(", opaque={}", quote(opaque)));
        }
        value
    }
}

/// The proof of RFC 7616 section 3.4.1; with a count and a client's nonce when quality of protection is `auth`.
fn response(
    algorithm: Algorithm,
    realm: &str,
    nonce: &str,
    Secret { user, password }: Secret<'_>,
    Subject { method, uri }: Subject<'_>,
    protection: Option<(&str, &str)>,
) -> String {
    let first = algorithm.hash(&format!("{user}:{realm}:{password}"));
    let second = algorithm.hash(&format!("{method}:{uri}"));
    match protection {
        Some((count, cnonce)) => algorithm.hash(&format!("{first}:{nonce}:{count}:{cnonce}:auth:{second}")),
        None => algorithm.hash(&format!("{first}:{nonce}:{second}")),
    }
}

/// Credentials that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The user.
    pub user: String,
    /// The realm.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    /// What the request's URI is said to be.
    pub uri: String,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The count and the client's nonce, with quality of protection `auth`.
    pub protection: Option<(u32, String)>,
    response: String,
    count: String,
}

impl Proof {
    /// Reads the value of `Authorization` or `Proxy-Authorization`; none when they are no digest or cannot be judged.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let parameters = digest_parameters(value)?;
        let get = |name: &str| parameter(&parameters, name);
        let count = get("nc").unwrap_or_default().to_owned();
        let protection = match get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let counted = u32::from_str_radix(&count, 16).ok().filter(|_| count.len() == 8)?;
                Some((counted, get("cnonce")?.to_owned()))
            }
            Some(_) => return None,
        };
        Some(Self {
            user: get("username")?.to_owned(),
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            uri: get("uri")?.to_owned(),
            algorithm: Algorithm::from_name(get("algorithm").unwrap_or("MD5"))?,
            protection,
            response: get("response")?.to_ascii_lowercase(),
            count,
        })
    }

    /// Whether they prove that their sender knows the password. That the nonce is this side's own and new, and the count
    /// greater than before, is for the caller to see.
    #[must_use]
    pub fn holds(&self, password: &str, method: &str) -> bool {
        let secret = Secret { user: &self.user, password };
        let subject = Subject { method, uri: &self.uri };
        let protection = self.protection.as_ref().map(|(_, cnonce)| (self.count.as_str(), cnonce.as_str()));
        let expected = response(self.algorithm, &self.realm, &self.nonce, secret, subject, protection);
        // Takes as long wherever they differ.
        expected.len() == self.response.len()
            && expected.bytes().zip(self.response.bytes()).fold(0, |sum, (own, theirs)| sum | (own ^ theirs))
                == 0
    }
}

/// Nonces that say when they were made, that nobody else can make, and that serve one source only.
#[derive(Clone, Debug)]
pub struct Nonces {
    secret: [u8; 16],
}

impl Nonces {
    /// Nonces of this secret.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    /// A nonce made at this second for this source. `salt` tells it from others of the same second.
    #[must_use]
    pub fn make(&self, second: u64, salt: u64, source: IpAddr) -> String {
        let text = format!("{second:016x}{salt:016x}");
        let seal = self.seal(&format!("{text}{}", source.to_canonical()));
        text + &seal
    }

    /// When a nonce was made, in seconds; none when it is not one of these, or was another source's.
    #[must_use]
    pub fn made_at(&self, nonce: &str, source: IpAddr) -> Option<u64> {
        let (text, seal) = (nonce.get(..32)?, nonce.get(32..)?);
        let own = self.seal(&format!("{text}{}", source.to_canonical()));
        (own == seal).then(|| u64::from_str_radix(text.get(..16)?, 16).ok())?
    }

    /// Half of a digest that depends on the text and the secret.
    pub(crate) fn seal(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(text);
        hash.update(self.secret);
        hex(hash.finalize().get(..12).unwrap_or_default())
    }
}
