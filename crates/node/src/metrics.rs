//! Metrics: atomic numbers with names, and the text that Prometheus reads.
//!
//! The exposition is the text format, version 0.0.4. Each number is registered once and then costs one atomic
//! addition, so that the call path can count everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes over a count that is kept elsewhere, by the kernel for one; it never goes back.
    pub fn raise_to(&self, total: u64) {
        self.0.fetch_max(total, Ordering::Relaxed);
    }

    /// The count.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// How often durations fell into which range.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// Upper bounds in microseconds, rising.
    bounds: &'static [u64],
    /// One count for each bound, and one for what is above all.
    counts: Vec<AtomicU64>,
    sum_micros: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds, counts, sum_micros: AtomicU64::new(0) }))
    }

    /// Counts a duration.
    pub fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.0.bounds.partition_point(|bound| *bound < micros);
        if let Some(count) = self.0.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[derive(Clone, Debug)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

impl Series {
    fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::Gauge(_) => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

#[derive(Debug)]
struct Family {
    help: &'static str,
    /// By the text of their labels.
    series: BTreeMap<String, Series>,
}

/// All numbers of a process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    families: Arc<Mutex<BTreeMap<&'static str, Family>>>,
}

/// The labels of a series.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

impl Registry {
    /// A registry without numbers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter `name` with these labels; made at the first call.
    pub fn counter(&self, name: &'static str, help: &'static str, labels: Labels<'_>) -> Counter {
        match self.series(name, help, labels, || Series::Counter(Counter::default())) {
            Series::Counter(counter) => counter,
            // A name with two kinds is an error of ours: the second use counts into the void instead of failing.
            Series::Gauge(_) | Series::Histogram(_) => Counter::default(),
        }
    }

    /// The gauge `name` with these labels; made at the first call.
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: Labels<'_>) -> Gauge {
        match self.series(name, help, labels, || Series::Gauge(Gauge::default())) {
            Series::Gauge(gauge) => gauge,
            Series::Counter(_) | Series::Histogram(_) => Gauge::default(),
        }
    }

    /// The histogram of durations `name`; `bounds` are the upper ends of its ranges in microseconds, rising.
    pub fn histogram(&self, name: &'static str, help: &'static str, bounds: &'static [u64]) -> Histogram {
        match self.series(name, help, &[], || Series::Histogram(Histogram::new(bounds))) {
            Series::Histogram(histogram) => histogram,
            Series::Counter(_) | Series::Gauge(_) => Histogram::new(bounds),
        }
    }

    fn series(
        &self,
        name: &'static str,
        help: &'static str,
        labels: Labels<'_>,
        make: impl FnOnce() -> Series,
    ) -> Series {
        let mut families = self.lock();
        let family = families.entry(name).or_insert_with(|| Family { help, series: BTreeMap::new() });
        let made = family.series.entry(label_text(labels)).or_insert_with(make);
        made.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything as text for Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for (name, family) in &*self.lock() {
            let kind = match family.series.values().next() {
                // A total with a fraction, as of processor time.
                Some(Series::Gauge(_)) if name.ends_with("_total") => "counter",
                Some(series) => series.kind(),
                None => "untyped",
            };
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", escape_help(family.help));
            for (labels, series) in &family.series {
                render_series(&mut out, name, labels, series);
            }
        }
        out
    }
}

fn render_series(out: &mut String, name: &str, labels: &str, series: &Series) {
    let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = match series {
        Series::Counter(counter) => writeln!(out, "{name}{braces} {}", counter.value()),
        Series::Gauge(gauge) => writeln!(out, "{name}{braces} {}", gauge.value()),
        Series::Histogram(histogram) => {
            let mut total = 0;
            let bounds = histogram.0.bounds.iter().map(|micros| (*micros as f64 / 1e6).to_string());
            for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&histogram.0.counts) {
                total += count.load(Ordering::Relaxed);
                let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {total}");
            }
            let sum = histogram.0.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
            writeln!(out, "{name}_sum {sum}\n{name}_count {total}")
        }
    };
}

fn label_text(labels: Labels<'_>) -> String {
    let mut out = String::new();
    for (name, value) in labels {
        if !out.is_empty() {
            out.push(',');
        }
        let _ = write!(out, "{name}=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out
}

fn escape_help(help: &str) -> String {
    help.replace('\\', "\\\\").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let registry = Registry::new();
        registry.counter("calls_total", "Calls.", &[("cause", "16")]).add(3);
        registry.counter("calls_total", "Calls.", &[("cause", "17")]).increment();
        registry.counter("calls_total", "Calls.", &[("cause", "16")]).increment();
        registry.gauge("up", "Up.", &[]).set(1.5);
        let wait = registry.histogram("wait_seconds", "Waiting.", &[1_000, 10_000]);
        for micros in [500, 1_000, 1_001, 20_000] {
            wait.observe(Duration::from_micros(micros));
        }
        assert_eq!(
            registry.render(),
            "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
             calls_total{cause=\"16\"} 4\ncalls_total{cause=\"17\"} 1\n\
             # HELP up Up.\n# TYPE up gauge\nup 1.5\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.001\"} 2\nwait_seconds_bucket{le=\"0.01\"} 3\n\
             wait_seconds_bucket{le=\"+Inf\"} 4\nwait_seconds_sum 0.022501\nwait_seconds_count 4\n"
        );
    }

    #[test]
    fn a_label_cannot_break_out_of_its_line() {
        let registry = Registry::new();
        registry.gauge("g", "G.", &[("name", "a\"b\\c\nd 1")]).set(0.0);
        assert!(registry.render().contains("g{name=\"a\\\"b\\\\c\\nd 1\"} 0\n"));
    }

    #[test]
    fn a_count_taken_from_elsewhere_never_goes_back() {
        let counter = Counter::default();
        counter.raise_to(7);
        counter.raise_to(5);
        assert_eq!(counter.value(), 7);
    }

    #[test]
    fn a_name_has_one_kind() {
        let registry = Registry::new();
        registry.counter("x", "X.", &[]).increment();
        registry.gauge("x", "X.", &[]).set(9.0);
        assert!(registry.render().contains("\nx 1\n"));
    }
}
