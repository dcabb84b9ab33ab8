//! Which of a country's sounds fills a short window: least squares against each, since frequencies such as 440 and 480 Hz cannot be told apart by
//! filters within 60 ms.

use std::f64::consts::TAU;

use crate::frame::SAMPLE_RATE;
use crate::tone::Sound;

/// Samples of the window: 60 ms.
pub(super) const WINDOW: usize = 480;
/// The part of the power that a sound must account for.
const EXPLAINED: f64 = 0.9;
/// Each of its frequencies must have this part of the strongest one's power: 15 dB less.
const BALANCE: f64 = 0.03;

/// A sound to be found.
#[derive(Clone, Debug)]
struct Pattern {
    frequencies: Vec<f64>,
    /// Places of its frequencies in the bank.
    places: Vec<usize>,
    /// The inverse of the products of its sines and cosines with each other.
    inverse: Vec<f64>,
}

/// All sounds to be found.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    frequencies: Vec<f64>,
    waves: Vec<[Vec<f64>; 2]>,
    patterns: Vec<Pattern>,
}

impl Bank {
    /// The number of a sound, which is taken in if it is new; none of silence.
    pub(super) fn enter(&mut self, sound: &Sound) -> Option<usize> {
        let frequencies = match sound {
            Sound::Silence => return None,
            Sound::Modulated { hertz, by, .. } => vec![hertz - by, *hertz, hertz + by],
            other => other.frequencies().to_vec(),
        };
        if let Some(known) = self.patterns.iter().position(|pattern| pattern.frequencies == frequencies) {
            return Some(known);
        }
        let places: Vec<usize> = frequencies.iter().map(|hertz| self.wave(*hertz)).collect();
        let inverse = self.inverse_of_products(&places)?;
        self.patterns.push(Pattern { frequencies, places, inverse });
        Some(self.patterns.len() - 1)
    }

    /// The sound that fills the window; none when it is another one.
    pub(super) fn classify(&self, window: &[f64; WINDOW]) -> Option<usize> {
        let power: f64 = window.iter().map(|sample| sample * sample).sum();
        let products: Vec<[f64; 2]> =
            self.waves.iter().map(|pair| [dot(window, &pair[0]), dot(window, &pair[1])]).collect();
        let mut best: Option<(usize, usize, f64)> = None;
        for (number, pattern) in self.patterns.iter().enumerate() {
            let Some(explained) = pattern.explains(&products, power) else { continue };
            let size = pattern.places.len();
            // Fewer frequencies are the better explanation; among equals the one that explains more.
            let better =
                best.is_none_or(|(_, least, most)| size < least || size == least && explained > most);
            if better {
                best = Some((number, size, explained));
            }
        }
        best.map(|(number, ..)| number)
    }

    /// Whether a sound fills the window: quicker than finding out which does.
    pub(super) fn holds(&self, window: &[f64; WINDOW], number: usize) -> bool {
        let Some(pattern) = self.patterns.get(number) else { return false };
        let waves = pattern.places.iter().filter_map(|place| self.waves.get(*place));
        let own: Vec<f64> = waves.flatten().map(|wave| dot(window, wave)).collect();
        pattern.explains_products(&own, dot(window, window)).is_some()
    }

    fn wave(&mut self, hertz: f64) -> usize {
        if let Some(known) = self.frequencies.iter().position(|known| *known == hertz) {
            return known;
        }
        let angle = TAU * hertz / f64::from(SAMPLE_RATE);
        let wave = |offset: f64| (0..WINDOW).map(|n| (angle * n as f64 + offset).sin()).collect();
        self.frequencies.push(hertz);
        self.waves.push([wave(0.0), wave(TAU / 4.0)]);
        self.waves.len() - 1
    }

    fn inverse_of_products(&self, places: &[usize]) -> Option<Vec<f64>> {
        let waves: Vec<&Vec<f64>> =
            places.iter().filter_map(|place| self.waves.get(*place)).flatten().collect();
        let products = waves.iter().flat_map(|a| waves.iter().map(|b| dot(a, b))).collect();
        invert(products, waves.len())
    }
}

impl Pattern {
    /// The part of the power that the sound accounts for, when it is enough and its frequencies are balanced.
    fn explains(&self, products: &[[f64; 2]], power: f64) -> Option<f64> {
        let own: Vec<f64> =
            self.places.iter().filter_map(|place| products.get(*place)).flatten().copied().collect();
        self.explains_products(&own, power)
    }

    fn explains_products(&self, own: &[f64], power: f64) -> Option<f64> {
        let weights: Vec<f64> =
            self.inverse.chunks_exact(own.len().max(1)).map(|row| dot(row, own)).collect();
        let explained = dot(&weights, own) / power.max(1.0);
        let powers = || weights.as_chunks::<2>().0.iter().map(|[a, b]| a * a + b * b);
        let strongest = powers().fold(0.0, f64::max);
        (explained >= EXPLAINED && powers().all(|power| power >= BALANCE * strongest)).then_some(explained)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The inverse of a square matrix by elimination; none when it has none.
fn invert(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    let mut inverse: Vec<f64> =
        (0..size * size).map(|n| f64::from(u8::from(n / size.max(1) == n % size.max(1)))).collect();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| {
            let at = |row: &usize| matrix.get(row * size + column).map_or(0.0, |v| v.abs());
            at(a).total_cmp(&at(b))
        })?;
        for place in 0..size {
            matrix.swap(pivot * size + place, column * size + place);
            inverse.swap(pivot * size + place, column * size + place);
        }
        let head = *matrix.get(column * size + column)?;
        if head.abs() < 1e-9 {
            return None;
        }
        let scaled = |values: &[f64]| -> Vec<f64> {
            values.iter().skip(column * size).take(size).map(|value| value / head).collect()
        };
        let (matrix_row, inverse_row) = (scaled(&matrix), scaled(&inverse));
        for row in 0..size {
            let factor = *matrix.get(row * size + column)?;
            for (values, pivot_row) in [(&mut matrix, &matrix_row), (&mut inverse, &inverse_row)] {
                for (value, by) in values.iter_mut().skip(row * size).take(size).zip(pivot_row) {
                    *value = if row == column { *by } else { *value - factor * by };
                }
            }
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{sine_peak, to_sample};
    use crate::tone::Oscillator;

    fn window(parts: &[f64]) -> [f64; WINDOW] {
        let mut voices: Vec<_> = parts.iter().map(|hertz| Oscillator::new(*hertz)).collect();
        std::array::from_fn(|_| {
            f64::from(to_sample(sine_peak(-20.0) * voices.iter_mut().map(Oscillator::sample).sum::<f64>()))
        })
    }

    #[test]
    fn neighbours_are_told_apart() {
        let sounds: [&'static [f64]; 6] =
            [&[440.0], &[440.0, 480.0], &[350.0, 440.0], &[425.0], &[400.0, 425.0], &[480.0, 620.0]];
        let mut bank = Bank::default();
        let numbers: Vec<_> =
            sounds.iter().map(|hertz| bank.enter(&Sound::Sines { hertz, level: 0.0 }).unwrap()).collect();
        for (hertz, number) in sounds.iter().zip(numbers) {
            assert_eq!(bank.classify(&window(hertz)), Some(number), "{hertz:?}");
        }
        assert_eq!(bank.classify(&window(&[1000.0])), None);
        assert_eq!(bank.classify(&[0.0; WINDOW]), None);
    }

    #[test]
    fn the_inverse_of_a_matrix_undoes_it() {
        let inverse = invert(vec![0.0, 2.0, 4.0, 0.0], 2).unwrap();
        assert_eq!(inverse, [0.0, 0.25, 0.5, 0.0]);
        assert_eq!(invert(vec![1.0, 2.0, 2.0, 4.0], 2), None);
    }
}
