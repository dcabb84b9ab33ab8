//! The blocks as written, read back octet by octet.

use std::time::Duration;

use super::*;

/// Type and body of each block.
fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut blocks = Vec::new();
    while !file.is_empty() {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let length = number(4) as usize;
        assert!(length.is_multiple_of(4) && length >= 12, "a block of {length} octets");
        assert_eq!(number(length - 4) as usize, length, "both lengths of a block");
        blocks.push((number(0), file[8..length - 4].to_vec()));
        file = &file[length..];
    }
    blocks
}

/// Code and value of each option or record.
fn options(mut part: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    loop {
        let code = u16::from_le_bytes(part[..2].try_into().unwrap());
        let length = usize::from(u16::from_le_bytes(part[2..4].try_into().unwrap()));
        if code == 0 {
            assert_eq!(part.len(), 4, "nothing follows the end of options");
            return options;
        }
        options.push((code, part[4..4 + length].to_vec()));
        part = &part[4 + length.next_multiple_of(4)..];
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn capture() -> Capture<Vec<u8>> {
    Capture::new(Vec::new(), "mgcp", Duration::from_secs(1_700_000_000)).unwrap()
}

#[test]
fn a_file_has_its_header_its_interface_and_its_counters() {
    let file = capture().finish().unwrap();
    let blocks = blocks(&file);
    let kinds: Vec<_> = blocks.iter().map(|block| block.0).collect();
    assert_eq!(kinds, [SECTION_HEADER, INTERFACE, STATISTICS]);
    assert_eq!(blocks[0].1[..16], *b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    assert!(options(&blocks[0].1[16..])[0].1.starts_with(b"strowger "));
    assert_eq!(blocks[1].1[..8], [101, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(options(&blocks[1].1[8..]), [(2, b"mgcp".to_vec()), (9, vec![9])]);
}

#[test]
fn a_packet_has_its_time_its_direction_and_its_payload() {
    let mut capture = capture();
    let time = Time::from_nanos(1_234_567_891);
    let (from, to) = (address("127.0.0.1:2727"), address("127.0.0.9:2427"));
    capture.udp(time, from, to, b"AUEP 1 x MGCP 1.0\r\n", Way::Out, Some("first")).unwrap();
    capture.udp(time, to, from, b"200 1\r\n", Way::In, None).unwrap();
    assert_eq!(capture.packets(), 2);
    let written = capture.written();
    let file = capture.finish().unwrap();
    let blocks = blocks(&file);
    let packet = &blocks[2];
    assert_eq!(packet.0, PACKET);
    let number = |at: usize| u32::from_le_bytes(packet.1[at..at + 4].try_into().unwrap());
    let nanos = u64::from(number(4)) << 32 | u64::from(number(8));
    assert_eq!(nanos, 1_700_000_001_234_567_891);
    let length = 20 + 8 + 19;
    assert_eq!((number(0), number(12), number(16)), (0, length, length));
    assert!(packet.1[20..].starts_with(&[0x45, 0, 0, 47, 0, 0]));
    assert_eq!(packet.1[48..67], *b"AUEP 1 x MGCP 1.0\r\n");
    assert_eq!(options(&packet.1[68..]), [(1, b"first".to_vec()), (2, vec![2, 0, 0, 0])]);
    assert_eq!(options(&blocks[3].1[56..]), [(2, vec![1, 0, 0, 0])]);
    let end = &blocks[4];
    assert_eq!(options(&end.1[12..]), [(4, 2_u64.to_le_bytes().to_vec()), (5, vec![0; 8])]);
    assert_eq!(file.len() as u64, written + 12 + end.1.len() as u64);
}

#[test]
fn names_end_with_a_nul_and_hold_none() {
    let mut capture = capture();
    let hosts = [(address("127.0.0.9:1").ip(), "gw1.town"), (address("[2001:db8::1]:1").ip(), "ev\0il")];
    capture.names(hosts).unwrap();
    let file = capture.finish().unwrap();
    let records = options(&blocks(&file)[2].1);
    assert_eq!(records[0], (1, b"\x7f\0\0\x09gw1.town\0".to_vec()));
    assert_eq!(records[1].0, 2);
    assert!(records[1].1.ends_with(b"\x01evil\0"));
}

#[test]
fn what_cannot_be_a_datagram_is_counted_and_the_file_stays_whole() {
    let mut capture = capture();
    let at = address("127.0.0.1:1");
    capture.udp(Time::ZERO, at, at, &vec![0; 70_000], Way::Unknown, None).unwrap();
    capture.udp(Time::ZERO, at, at, b"x", Way::Unknown, None).unwrap();
    let file = capture.finish().unwrap();
    let blocks = blocks(&file);
    assert_eq!(blocks.len(), 4);
    let counters = options(&blocks[3].1[12..]);
    assert_eq!(counters, [(4, 2_u64.to_le_bytes().to_vec()), (5, 1_u64.to_le_bytes().to_vec())]);
}

#[test]
fn a_long_comment_is_cut_at_a_character() {
    let mut capture = capture();
    let at = address("127.0.0.1:1");
    capture.udp(Time::ZERO, at, at, b"", Way::In, Some(&"é".repeat(40_000))).unwrap();
    let file = capture.finish().unwrap();
    let (_, body) = &blocks(&file)[2];
    let comment = &options(&body[48..])[0].1;
    assert_eq!(str::from_utf8(comment).unwrap().chars().count(), 500);
}
