//! Numbers as text. The text protocols write a dozen of them into each message, and the formatting of the standard
//! library, which serves every width, sign and alignment, would cost more than the rest of a message.

/// Appends a number in decimal digits.
pub fn put_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let mut length = 0;
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[digits.len() - length..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        let mut rng = Rng::from_number(5);
        let drawn = (0..64).map(|bits| rng.next_u64() >> bits).collect::<Vec<_>>();
        for number in [0, 1, 9, 10, 99, 100, 65_535, u64::MAX].into_iter().chain(drawn) {
            let mut out = b"=".to_vec();
            put_decimal(&mut out, number);
            assert_eq!(out, format!("={number}").into_bytes());
        }
    }
}
