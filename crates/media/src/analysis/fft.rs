//! The fast Fourier transform for powers of two: the textbook form, in place.

use std::f64::consts::TAU;

/// A complex number: real and imaginary part.
pub(super) type Complex = (f64, f64);

pub(super) fn multiply(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Transforms `data`, whose length is a power of two; lengths that are not are left alone.
pub(super) fn transform(data: &mut [Complex]) {
    let length = data.len();
    if !length.is_power_of_two() || length < 2 {
        return;
    }
    let bits = length.trailing_zeros();
    for index in 0..length {
        let mirrored = index.reverse_bits() >> (usize::BITS - bits);
        if mirrored > index {
            data.swap(index, mirrored);
        }
    }
    let mut half = 1;
    while half < length {
        let (sine, cosine) = (-TAU / (half * 2) as f64).sin_cos();
        for block in data.chunks_exact_mut(half * 2) {
            let (even, odd) = block.split_at_mut(half);
            let mut turn = (1.0, 0.0);
            for (a, b) in even.iter_mut().zip(odd) {
                let turned = multiply(*b, turn);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
                turn = multiply(turn, (cosine, sine));
            }
        }
        half *= 2;
    }
}

/// The inverse transform, by that of the conjugate.
pub(super) fn invert(data: &mut [Complex]) {
    let scale = 1.0 / data.len().max(1) as f64;
    for value in data.iter_mut() {
        value.1 = -value.1;
    }
    transform(data);
    for value in data.iter_mut() {
        *value = (value.0 * scale, -value.1 * scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_that_of_the_definition() {
        let data: Vec<Complex> = (0..16).map(|n| (f64::from(n * n % 7), f64::from(n % 3))).collect();
        let mut fast = data.clone();
        transform(&mut fast);
        for (k, value) in fast.iter().enumerate() {
            let slow = data.iter().enumerate().fold((0.0, 0.0), |sum: Complex, (n, x)| {
                let (sine, cosine) = (-TAU * (k * n) as f64 / 16.0).sin_cos();
                let term = multiply(*x, (cosine, sine));
                (sum.0 + term.0, sum.1 + term.1)
            });
            assert!((value.0 - slow.0).abs() < 1e-9 && (value.1 - slow.1).abs() < 1e-9, "{k}");
        }
        invert(&mut fast);
        assert!(fast.iter().zip(&data).all(|(a, b)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9));
    }
}
