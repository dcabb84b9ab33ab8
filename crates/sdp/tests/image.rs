//! Image streams: T.38 over UDPTL, as RFC 3435 section 3.4 and ITU-T T.38 Annex D describe them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_sdp::image::{RateManagement, UdpErrorCorrection};
use strowger_sdp::{ImageDescription, ImageFault, Limits, decode};

fn read(text: &str) -> Result<ImageDescription, ImageFault> {
    ImageDescription::from_session(&decode(text.as_bytes(), &Limits::default()).unwrap())
}

const HEAD: &str = "v=0\r\no=- 5 6 IN IP4 192.0.2.33\r\ns=-\r\nc=IN IP4 192.0.2.33\r\nt=0 0\r\n";

#[test]
fn an_image_stream_beside_an_audio_stream_is_read() {
    let image = read(include_str!("corpus/strict-fax.sdp")).unwrap();
    assert_eq!(image.destination(), "192.0.2.33:4002".parse().unwrap());
    assert_eq!((image.session_id, image.version), (5, 6));
    assert_eq!(image.t38.version(), 0);
    assert_eq!(image.t38.max_bit_rate(), Some(14_400));
    assert_eq!(image.t38.rate_management(), Some(RateManagement::TransferredTcf));
    assert_eq!(image.t38.error_correction(), Some(UdpErrorCorrection::Redundancy));
    assert_eq!(image.t38.max_datagram(), None);
}

#[test]
fn attributes_of_t38_are_written_as_they_came() {
    let text = format!(
        "{HEAD}m=image 4002 udptl t38\r\na=T38FaxVersion:3\r\na=T38FaxFillBitRemoval\r\na=t38FaxTranscodingMMR:0\r\na=T38VendorInfo:0 0 37\r\na=T38FaxMaxDatagram: 316\r\n"
    );
    let image = read(&text).unwrap();
    assert_eq!(image.t38.version(), 3);
    assert_eq!(image.t38.max_datagram(), Some(316));
    assert!(image.t38.has("T38FaxFillBitRemoval"));
    assert!(!image.t38.has("T38FaxTranscodingMMR"));
    assert!(!image.t38.has("T38FaxTranscodingJBIG"));
    assert_eq!(String::from_utf8(image.to_bytes()).unwrap(), text);
}

#[test]
fn a_transport_in_capitals_is_understood_and_one_over_tcp_is_not() {
    assert!(read(&format!("{HEAD}m=image 4002 UDPTL T38\r\n")).unwrap().t38.is_empty());
    assert!(read(&format!("{HEAD}m=image 0 udptl t38\r\n")).unwrap().is_refused());
    for (media, fault) in [
        ("m=image 4002 TCP t38", ImageFault::Transport),
        ("m=image 4002 udptl t37", ImageFault::Format),
        ("m=image $ udptl t38", ImageFault::Wildcard),
        ("m=audio 4002 RTP/AVP 0", ImageFault::NoImage),
    ] {
        assert_eq!(read(&format!("{HEAD}{media}\r\n")), Err(fault), "{media}");
    }
    assert_eq!(
        read("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=image 4 udptl t38\r\n"),
        Err(ImageFault::NoConnection)
    );
}
