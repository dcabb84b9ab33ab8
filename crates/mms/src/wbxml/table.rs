//! The tables of the documents that pushes carry: public identifiers, tags, attributes, values of attributes.

/// Public identifiers (WBXML 7.2 with the registry of OMNA): number, text.
pub const PUBLIC_IDS: &[(u32, &str)] = &[
    (0x01, "unknown"),
    (0x02, "-//WAPFORUM//DTD WML 1.0//EN"),
    (0x03, "-//WAPFORUM//DTD WTA 1.0//EN"),
    (0x04, "-//WAPFORUM//DTD WML 1.1//EN"),
    (0x05, "-//WAPFORUM//DTD SI 1.0//EN"),
    (0x06, "-//WAPFORUM//DTD SL 1.0//EN"),
    (0x07, "-//WAPFORUM//DTD CO 1.0//EN"),
    (0x08, "-//WAPFORUM//DTD CHANNEL 1.1//EN"),
    (0x09, "-//WAPFORUM//DTD WML 1.2//EN"),
    (0x0a, "-//WAPFORUM//DTD WML 1.3//EN"),
    (0x0b, "-//WAPFORUM//DTD PROV 1.0//EN"),
    (0x0c, "-//WAPFORUM//DTD WTA-WML 1.2//EN"),
    (0x0d, "-//WAPFORUM//DTD EMN 1.0//EN"),
    (0x0e, "-//OMA//DTD DRMREL 1.0//EN"),
];

/// A kind of document whose names are known: one code page each for tags and for attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Its public identifier.
    pub public_id: u32,
    /// The same as text.
    pub public_text: &'static str,
    /// The system identifier for the document type of its XML.
    pub system_id: &'static str,
    /// Tags by their token.
    pub tags: &'static [(u8, &'static str)],
    /// Beginnings of attributes: token, name, and what the value begins with.
    pub attributes: &'static [(u8, &'static str, &'static str)],
    /// Parts of values.
    pub values: &'static [(u8, &'static str)],
}

/// Top-level domains within addresses, with the slash that follows.
const DOMAINS: &[(u8, &str)] = &[(0x85, ".com/"), (0x86, ".edu/"), (0x87, ".net/"), (0x88, ".org/")];

/// Service indication (WAP-167).
pub const SI: Language = Language {
    public_id: 0x05,
    public_text: "-//WAPFORUM//DTD SI 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/si.dtd",
    tags: &[(0x05, "si"), (0x06, "indication"), (0x07, "info"), (0x08, "item")],
    attributes: &[
        (0x05, "action", "signal-none"),
        (0x06, "action", "signal-low"),
        (0x07, "action", "signal-medium"),
        (0x08, "action", "signal-high"),
        (0x09, "action", "delete"),
        (0x0a, "created", ""),
        (0x0b, "href", ""),
        (0x0c, "href", "http://"),
        (0x0d, "href", "http://www."),
        (0x0e, "href", "https://"),
        (0x0f, "href", "https://www."),
        (0x10, "si-expires", ""),
        (0x11, "si-id", ""),
        (0x12, "class", ""),
    ],
    values: DOMAINS,
};

/// Service loading (WAP-168).
pub const SL: Language = Language {
    public_id: 0x06,
    public_text: "-//WAPFORUM//DTD SL 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/sl.dtd",
    tags: &[(0x05, "sl")],
    attributes: &[
        (0x05, "action", "execute-low"),
        (0x06, "action", "execute-high"),
        (0x07, "action", "cache"),
        (0x08, "href", ""),
        (0x09, "href", "http://"),
        (0x0a, "href", "http://www."),
        (0x0b, "href", "https://"),
        (0x0c, "href", "https://www."),
    ],
    values: DOMAINS,
};

/// Cache operation (WAP-175).
pub const CO: Language = Language {
    public_id: 0x07,
    public_text: "-//WAPFORUM//DTD CO 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/co_1.0.dtd",
    tags: &[(0x05, "co"), (0x06, "invalidate-object"), (0x07, "invalidate-service")],
    attributes: &[
        (0x05, "uri", ""),
        (0x06, "uri", "http://"),
        (0x07, "uri", "http://www."),
        (0x08, "uri", "https://"),
        (0x09, "uri", "https://www."),
    ],
    values: DOMAINS,
};

/// E-mail notification (OMA EMN 1.0).
pub const EMN: Language = Language {
    public_id: 0x0d,
    public_text: "-//WAPFORUM//DTD EMN 1.0//EN",
    system_id: "http://www.wapforum.org/DTD/emn.dtd",
    tags: &[(0x05, "emn")],
    attributes: &[
        (0x05, "timestamp", ""),
        (0x06, "mailbox", ""),
        (0x07, "mailbox", "mailat:"),
        (0x08, "mailbox", "pop://"),
        (0x09, "mailbox", "imap://"),
        (0x0a, "mailbox", "http://"),
        (0x0b, "mailbox", "http://www."),
        (0x0c, "mailbox", "https://"),
        (0x0d, "mailbox", "https://www."),
    ],
    values: &[(0x85, ".com"), (0x86, ".edu"), (0x87, ".net"), (0x88, ".org")],
};

/// The languages that are known.
pub const LANGUAGES: &[&Language] = &[&SI, &SL, &CO, &EMN];

/// The public identifier of OMA client provisioning, whose documents change the settings of a handset.
pub const PROVISIONING: u32 = 0x0b;

/// The text of a public identifier.
#[must_use]
pub fn public_text(number: u32) -> Option<&'static str> {
    PUBLIC_IDS.iter().find(|(known, _)| *known == number).map(|(_, text)| *text)
}

impl Language {
    /// The name of a tag.
    #[must_use]
    pub fn tag(&self, code: u8) -> Option<&'static str> {
        self.tags.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
    }

    /// The name of an attribute, and what its value begins with.
    #[must_use]
    pub fn attribute(&self, code: u8) -> Option<(&'static str, &'static str)> {
        self.attributes.iter().find(|(known, ..)| *known == code).map(|(_, name, value)| (*name, *value))
    }

    /// The part of a value.
    #[must_use]
    pub fn value(&self, code: u8) -> Option<&'static str> {
        self.values.iter().find(|(known, _)| *known == code).map(|(_, value)| *value)
    }

    /// The token of a tag.
    #[must_use]
    pub fn tag_code(&self, name: &str) -> Option<u8> {
        self.tags.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
    }
}
