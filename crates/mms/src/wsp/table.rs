//! The tables of WSP (WAP-230 appendix A with the registry of OMNA): header codes with their syntax and the encoding version that
//! brought them, media types, parameters, application identifiers. Codes are as on the wire, with bit 7 set.

/// How the value of a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Text.
    Text,
    /// A token of one octet with a name in [`HeaderRow::tokens`], or text.
    TokenOrText,
    /// Seconds since 1970, as a long integer.
    Date,
    /// A short or a long integer.
    Integer,
    /// A media type with parameters.
    ContentType,
    /// A disposition with parameters.
    Disposition,
    /// The number of an application, or its URI.
    ApplicationId,
    /// Text behind a quotation mark.
    Quoted,
    /// A version of the header encoding.
    Version,
    /// Anything well-formed: kept as it came.
    Raw,
}

/// One header code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRow {
    /// The code.
    pub code: u8,
    /// The name in HTTP, or the one that WSP gives.
    pub name: &'static str,
    /// The minor version of the encoding that brought it: 1 is encoding 1.1.
    pub since: u8,
    /// How its value is written.
    pub syntax: Syntax,
    /// Values of one octet that have a name.
    pub tokens: &'static [(u8, &'static str)],
}

macro_rules! headers {
    ($($code:literal $name:literal $since:literal $syntax:ident $([$($token:literal $word:literal),*])?;)*) => {
        /// Every header code of encodings 1.1 to 1.5, in their order; 1.6 adds none.
        pub const HEADERS: &[HeaderRow] = &[$(HeaderRow {
            code: $code,
            name: $name,
            since: $since,
            syntax: Syntax::$syntax,
            tokens: &[$($(($token, $word)),*)?],
        }),*];
    };
}

headers! {
    0x80 "Accept" 1 ContentType;
    0x81 "Accept-Charset" 1 Raw;
    0x82 "Accept-Encoding" 1 TokenOrText [0x80 "gzip", 0x81 "compress", 0x82 "deflate", 0x83 "*"];
    0x83 "Accept-Language" 1 Raw;
    0x84 "Accept-Ranges" 1 TokenOrText [0x80 "none", 0x81 "bytes"];
    0x85 "Age" 1 Integer;
    0x86 "Allow" 1 TokenOrText [0xc0 "GET", 0xc1 "OPTIONS", 0xc2 "HEAD", 0xc3 "DELETE", 0xc4 "TRACE", 0xe0 "POST", 0xe1 "PUT"];
    0x87 "Authorization" 1 Raw;
    0x88 "Cache-Control" 1 Raw;
    0x89 "Connection" 1 TokenOrText [0x80 "close"];
    0x8a "Content-Base" 1 Text;
    0x8b "Content-Encoding" 1 TokenOrText [0x80 "gzip", 0x81 "compress", 0x82 "deflate"];
    0x8c "Content-Language" 1 Raw;
    0x8d "Content-Length" 1 Integer;
    0x8e "Content-Location" 1 Text;
    0x8f "Content-MD5" 1 Raw;
    0x90 "Content-Range" 1 Raw;
    0x91 "Content-Type" 1 ContentType;
    0x92 "Date" 1 Date;
    0x93 "Etag" 1 Text;
    0x94 "Expires" 1 Date;
    0x95 "From" 1 Text;
    0x96 "Host" 1 Text;
    0x97 "If-Modified-Since" 1 Date;
    0x98 "If-Match" 1 Text;
    0x99 "If-None-Match" 1 Text;
    0x9a "If-Range" 1 Raw;
    0x9b "If-Unmodified-Since" 1 Date;
    0x9c "Location" 1 Text;
    0x9d "Last-Modified" 1 Date;
    0x9e "Max-Forwards" 1 Integer;
    0x9f "Pragma" 1 Raw;
    0xa0 "Proxy-Authenticate" 1 Raw;
    0xa1 "Proxy-Authorization" 1 Raw;
    0xa2 "Public" 1 TokenOrText [0xc0 "GET", 0xc1 "OPTIONS", 0xc2 "HEAD", 0xc3 "DELETE", 0xc4 "TRACE", 0xe0 "POST", 0xe1 "PUT"];
    0xa3 "Range" 1 Raw;
    0xa4 "Referer" 1 Text;
    0xa5 "Retry-After" 1 Raw;
    0xa6 "Server" 1 Text;
    0xa7 "Transfer-Encoding" 1 TokenOrText [0x80 "chunked"];
    0xa8 "Upgrade" 1 Text;
    0xa9 "User-Agent" 1 Text;
    0xaa "Vary" 1 Raw;
    0xab "Via" 1 Text;
    0xac "Warning" 1 Raw;
    0xad "WWW-Authenticate" 1 Raw;
    0xae "Content-Disposition" 1 Disposition;
    0xaf "X-Wap-Application-Id" 2 ApplicationId;
    0xb0 "X-Wap-Content-URI" 2 Text;
    0xb1 "X-Wap-Initiator-URI" 2 Text;
    0xb2 "Accept-Application" 2 ApplicationId;
    0xb3 "Bearer-Indication" 2 Integer;
    0xb4 "Push-Flag" 2 Integer;
    0xb5 "Profile" 2 Text;
    0xb6 "Profile-Diff" 2 Raw;
    0xb7 "Profile-Warning" 2 Raw;
    0xb8 "Expect" 3 Raw;
    0xb9 "TE" 3 Raw;
    0xba "Trailer" 3 Raw;
    0xbb "Accept-Charset" 3 Raw;
    0xbc "Accept-Encoding" 3 Raw;
    0xbd "Cache-Control" 3 Raw;
    0xbe "Content-Range" 3 Raw;
    0xbf "X-Wap-Tod" 3 Date;
    0xc0 "Content-ID" 3 Quoted;
    0xc1 "Set-Cookie" 3 Raw;
    0xc2 "Cookie" 3 Raw;
    0xc3 "Encoding-Version" 3 Version;
    0xc4 "Profile-Warning" 4 Raw;
    0xc5 "Content-Disposition" 4 Disposition;
    0xc6 "X-Wap-Security" 4 TokenOrText [0x80 "close-subordinate"];
    0xc7 "Cache-Control" 4 Raw;
    0xc8 "X-Wap-Loc-Invocation" 5 Text;
    0xc9 "X-Wap-Loc-Delivery" 5 Text;
}

/// The row of a header code.
#[must_use]
pub fn header(code: u8) -> Option<&'static HeaderRow> {
    HEADERS.get(usize::from(code.checked_sub(0x80)?))
}

/// The newest code of the header with this name, in either case.
#[must_use]
pub fn header_code(name: &str) -> Option<u8> {
    HEADERS.iter().rev().find(|row| row.name.eq_ignore_ascii_case(name)).map(|row| row.code)
}

macro_rules! media_types {
    ($($code:literal $name:literal;)*) => {
        /// Every media type with a number: one of two digits is a short integer, a longer one belongs to the range that OMNA registers.
        pub const MEDIA_TYPES: &[(u16, &str)] = &[$(($code, $name)),*];
    };
}

media_types! {
    0x00 "*/*";
    0x01 "text/*";
    0x02 "text/html";
    0x03 "text/plain";
    0x04 "text/x-hdml";
    0x05 "text/x-ttml";
    0x06 "text/x-vCalendar";
    0x07 "text/x-vCard";
    0x08 "text/vnd.wap.wml";
    0x09 "text/vnd.wap.wmlscript";
    0x0a "text/vnd.wap.wta-event";
    0x0b "multipart/*";
    0x0c "multipart/mixed";
    0x0d "multipart/form-data";
    0x0e "multipart/byteranges";
    0x0f "multipart/alternative";
    0x10 "application/*";
    0x11 "application/java-vm";
    0x12 "application/x-www-form-urlencoded";
    0x13 "application/x-hdmlc";
    0x14 "application/vnd.wap.wmlc";
    0x15 "application/vnd.wap.wmlscriptc";
    0x16 "application/vnd.wap.wta-eventc";
    0x17 "application/vnd.wap.uaprof";
    0x18 "application/vnd.wap.wtls-ca-certificate";
    0x19 "application/vnd.wap.wtls-user-certificate";
    0x1a "application/x-x509-ca-cert";
    0x1b "application/x-x509-user-cert";
    0x1c "image/*";
    0x1d "image/gif";
    0x1e "image/jpeg";
    0x1f "image/tiff";
    0x20 "image/png";
    0x21 "image/vnd.wap.wbmp";
    0x22 "application/vnd.wap.multipart.*";
    0x23 "application/vnd.wap.multipart.mixed";
    0x24 "application/vnd.wap.multipart.form-data";
    0x25 "application/vnd.wap.multipart.byteranges";
    0x26 "application/vnd.wap.multipart.alternative";
    0x27 "application/xml";
    0x28 "text/xml";
    0x29 "application/vnd.wap.wbxml";
    0x2a "application/x-x968-cross-cert";
    0x2b "application/x-x968-ca-cert";
    0x2c "application/x-x968-user-cert";
    0x2d "text/vnd.wap.si";
    0x2e "application/vnd.wap.sic";
    0x2f "text/vnd.wap.sl";
    0x30 "application/vnd.wap.slc";
    0x31 "text/vnd.wap.co";
    0x32 "application/vnd.wap.coc";
    0x33 "application/vnd.wap.multipart.related";
    0x34 "application/vnd.wap.sia";
    0x35 "text/vnd.wap.connectivity-xml";
    0x36 "application/vnd.wap.connectivity-wbxml";
    0x37 "application/pkcs7-mime";
    0x38 "application/vnd.wap.hashed-certificate";
    0x39 "application/vnd.wap.signed-certificate";
    0x3a "application/vnd.wap.cert-response";
    0x3b "application/xhtml+xml";
    0x3c "application/wml+xml";
    0x3d "text/css";
    0x3e "application/vnd.wap.mms-message";
    0x3f "application/vnd.wap.rollover-certificate";
    0x40 "application/vnd.wap.locc+wbxml";
    0x41 "application/vnd.wap.loc+xml";
    0x42 "application/vnd.syncml.dm+wbxml";
    0x43 "application/vnd.syncml.dm+xml";
    0x44 "application/vnd.syncml.notification";
    0x45 "application/vnd.wap.xhtml+xml";
    0x46 "application/vnd.wv.csp.cir";
    0x47 "application/vnd.oma.dd+xml";
    0x48 "application/vnd.oma.drm.message";
    0x49 "application/vnd.oma.drm.content";
    0x4a "application/vnd.oma.drm.rights+xml";
    0x4b "application/vnd.oma.drm.rights+wbxml";
    0x4c "application/vnd.wv.csp+xml";
    0x4d "application/vnd.wv.csp+wbxml";
    0x4e "application/vnd.syncml.ds.notification";
    0x4f "audio/*";
    0x50 "video/*";
    0x51 "application/vnd.oma.dd2+xml";
    0x52 "application/mikey";
    0x53 "application/vnd.oma.dcd";
    0x54 "application/vnd.oma.dcdc";
    0x55 "text/x-vMessage";
    0x56 "application/vnd.omads-email+wbxml";
    0x57 "text/x-vBookmark";
    0x58 "application/vnd.syncml.dm.notification";
    0x5a "application/octet-stream";
    0x0303 "application/vnd.syncml+wbxml";
    0x0304 "application/vnd.wap.emn+xml";
    0x0305 "text/calendar";
    0x030a "application/vnd.wap.emn+wbxml";
    0x0312 "application/vnd.omaloc-supl-init";
    0x0316 "application/vnd.oma.drm.roap-trigger+wbxml";
}

/// The media type with this number.
#[must_use]
pub fn media_type(number: u64) -> Option<&'static str> {
    let number = u16::try_from(number).ok()?;
    // The numbers of one octet stand at their own place, but for the gap before the last.
    match MEDIA_TYPES.get(usize::from(number)) {
        Some((known, name)) if *known == number => Some(name),
        _ => MEDIA_TYPES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name),
    }
}

/// The number of a media type, in either case.
#[must_use]
pub fn media_number(name: &str) -> Option<u16> {
    MEDIA_TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
}

/// How the value of a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterSyntax {
    /// A quality factor of one or two octets.
    Q,
    /// A character set.
    Charset,
    /// A version.
    Version,
    /// An integer.
    Integer,
    /// Text, a token or a quoted string.
    Text,
    /// A media type without parameters.
    MediaType,
    /// A header name.
    FieldName,
    /// A short integer.
    Short,
    /// Nothing.
    NoValue,
    /// Seconds.
    Seconds,
    /// Seconds since 1970.
    Date,
}

/// Every parameter with a number: code, name, encoding, syntax. Where a name has two codes the second is that of encoding 1.4, whose
/// value may be quoted.
pub const PARAMETERS: &[(u8, &str, u8, ParameterSyntax)] = &[
    (0x80, "q", 1, ParameterSyntax::Q),
    (0x81, "charset", 1, ParameterSyntax::Charset),
    (0x82, "level", 1, ParameterSyntax::Version),
    (0x83, "type", 1, ParameterSyntax::Integer),
    (0x84, "uaprof", 1, ParameterSyntax::Text),
    (0x85, "name", 1, ParameterSyntax::Text),
    (0x86, "filename", 1, ParameterSyntax::Text),
    (0x87, "differences", 1, ParameterSyntax::FieldName),
    (0x88, "padding", 1, ParameterSyntax::Short),
    (0x89, "type", 2, ParameterSyntax::MediaType),
    (0x8a, "start", 2, ParameterSyntax::Text),
    (0x8b, "start-info", 2, ParameterSyntax::Text),
    (0x8c, "comment", 3, ParameterSyntax::Text),
    (0x8d, "domain", 3, ParameterSyntax::Text),
    (0x8e, "max-age", 3, ParameterSyntax::Seconds),
    (0x8f, "path", 3, ParameterSyntax::Text),
    (0x90, "secure", 3, ParameterSyntax::NoValue),
    (0x91, "SEC", 4, ParameterSyntax::Short),
    (0x92, "MAC", 4, ParameterSyntax::Text),
    (0x93, "creation-date", 4, ParameterSyntax::Date),
    (0x94, "modification-date", 4, ParameterSyntax::Date),
    (0x95, "read-date", 4, ParameterSyntax::Date),
    (0x96, "size", 4, ParameterSyntax::Integer),
    (0x97, "name", 4, ParameterSyntax::Text),
    (0x98, "filename", 4, ParameterSyntax::Text),
    (0x99, "start", 4, ParameterSyntax::Text),
    (0x9a, "start-info", 4, ParameterSyntax::Text),
    (0x9b, "comment", 4, ParameterSyntax::Text),
    (0x9c, "domain", 4, ParameterSyntax::Text),
    (0x9d, "path", 4, ParameterSyntax::Text),
];

/// Every application with a number (OMNA): the number, and what follows `x-wap-application:`.
pub const APPLICATIONS: &[(u16, &str)] = &[
    (0x00, "*"),
    (0x01, "push.sia"),
    (0x02, "wml.ua"),
    (0x03, "wta.ua"),
    (0x04, "mms.ua"),
    (0x05, "push.syncml"),
    (0x06, "loc.ua"),
    (0x07, "syncml.dm"),
    (0x08, "drm.ua"),
    (0x09, "emn.ua"),
    (0x0a, "wv.ua"),
    (0x10, "ulp.ua"),
    (0x11, "dlota.ua"),
    (0x12, "java-ams"),
    (0x13, "bcast.ua"),
    (0x14, "dpe.ua"),
    (0x15, "cpm"),
    (0x16, "evvm.ua"),
];

/// The name of an application's number.
#[must_use]
pub fn application(number: u64) -> Option<&'static str> {
    APPLICATIONS.iter().find(|(known, _)| u64::from(*known) == number).map(|(_, name)| *name)
}

/// The number of an application by its name, with or without `x-wap-application:`.
#[must_use]
pub fn application_number(name: &str) -> Option<u16> {
    let name = name.strip_prefix("x-wap-application:").unwrap_or(name);
    APPLICATIONS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
}

/// Status codes of Reply (WSP table 36) in their groups, as HTTP has them.
#[must_use]
pub const fn http_status(status: u8) -> Option<u16> {
    let (group, rest) = (status >> 4, status as u16 & 0x0f);
    match (group, rest) {
        (1, 0..=1) => Some(100 + rest),
        (2, 0..=6) => Some(200 + rest),
        (3, 0..=7) => Some(300 + rest),
        (4, 0..=15) => Some(400 + rest),
        (5, 0..=1) => Some(416 + rest),
        (6, 0..=5) => Some(500 + rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_code_stands_at_its_place() {
        for (place, row) in HEADERS.iter().enumerate() {
            assert_eq!(usize::from(row.code), 0x80 + place);
            assert_eq!(header(row.code), Some(row));
        }
        assert_eq!(header(0xca), None);
        assert_eq!(header_code("cache-control"), Some(0xc7));
        assert_eq!(header_code("X-Wap-Application-Id"), Some(0xaf));
    }

    #[test]
    fn each_media_type_is_found_by_number_and_by_name() {
        for (number, name) in MEDIA_TYPES {
            assert_eq!(media_type(u64::from(*number)), Some(*name));
            assert_eq!(media_number(name), Some(*number));
        }
        assert_eq!(media_type(0x59), None);
        assert_eq!(media_type(0x5b), None);
        assert_eq!(media_number("application/vnd.wap.mms-message"), Some(0x3e));
    }

    #[test]
    fn applications_are_found_with_and_without_their_scheme() {
        assert_eq!(application_number("x-wap-application:mms.ua"), Some(4));
        assert_eq!(application_number("ulp.ua"), Some(0x10));
        assert_eq!(application(4), Some("mms.ua"));
        assert_eq!(application(0x0b), None);
    }

    #[test]
    fn parameters_stand_in_the_order_of_their_codes() {
        assert!(PARAMETERS.iter().zip(0x80..).all(|(row, code)| row.0 == code));
    }

    #[test]
    fn statuses_of_replies_are_those_of_http() {
        assert_eq!(http_status(0x20), Some(200));
        assert_eq!(http_status(0x44), Some(404));
        assert_eq!(http_status(0x60), Some(500));
        assert_eq!(http_status(0x00), None);
    }
}
