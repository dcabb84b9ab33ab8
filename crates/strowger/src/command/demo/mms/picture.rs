//! A picture that nobody has seen before: a PNG (RFC 2083) painted here, so that what arrives can be compared octet by octet.

/// The picture's width.
const WIDTH: u32 = 176;
/// And its height.
const HEIGHT: u32 = 144;
/// The longest block of RFC 1951 that is stored as it is.
const STORED: usize = 65_535;

/// Paints the picture; each `seed` gives another.
pub(super) fn paint(seed: u8) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..HEIGHT {
        // No filter.
        rows.push(0);
        for x in 0..WIDTH {
            let (dx, dy) = (x.abs_diff(WIDTH / 2), y.abs_diff(HEIGHT / 2));
            let ring = (dx * dx + dy * dy) / 48;
            let shade = |step: u32| ((ring * step + u32::from(seed) * 31) & 0xff) as u8;
            rows.extend([shade(1), shade(3), (x ^ y) as u8]);
        }
    }
    let mut header = Vec::new();
    header.extend(WIDTH.to_be_bytes());
    header.extend(HEIGHT.to_be_bytes());
    // Eight bits a channel, red, green and blue.
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(b"IHDR", &header, &mut out);
    chunk(b"IDAT", &zlib(&rows), &mut out);
    chunk(b"IEND", &[], &mut out);
    out
}

fn chunk(kind: &[u8; 4], data: &[u8], out: &mut Vec<u8>) {
    out.extend((data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(data);
    let sum = crc(out.get(start..).unwrap_or_default());
    out.extend(sum.to_be_bytes());
}

/// RFC 1950 around blocks that are stored.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let count = data.len().div_ceil(STORED);
    for (place, block) in data.chunks(STORED).enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(place + 1 == count));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    for octet in data {
        low = (low + u32::from(*octet)) % 65_521;
        high = (high + low) % 65_521;
    }
    out.extend((high << 16 | low).to_be_bytes());
    out
}

fn crc(data: &[u8]) -> u32 {
    let step = |sum: u32, octet: &u8| {
        (0..8).fold(
            sum ^ u32::from(*octet),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    };
    !data.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_their_standards() {
        // The check value of CRC-32 in its registries, and the end of every PNG.
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert!(paint(1).ends_with(b"\0\0\0\0IEND\xaeB`\x82"));
        assert!(zlib(b"Wikipedia").ends_with(&0x11e6_0398_u32.to_be_bytes()));
    }

    #[test]
    fn two_pictures_differ_and_one_is_always_the_same() {
        assert_eq!(paint(1), paint(1));
        assert_ne!(paint(1), paint(2));
        assert_eq!(paint(1).get(..8), Some(b"\x89PNG\r\n\x1a\n".as_slice()));
    }
}
