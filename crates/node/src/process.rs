//! The process itself, as the system counts it (Linux: `/proc/self`): memory, processor time, open files.

use std::fs;

use crate::metrics::Registry;

/// The kernel's clock ticks a second in `/proc`, the same on every Linux of today (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Sets the gauges of the process under the names that Prometheus clients have agreed on; on other systems, nothing.
pub fn measure(metrics: &Registry) {
    metrics
        .gauge("strowger_build_info", "The running version.", &[("version", env!("CARGO_PKG_VERSION"))])
        .set(1.0);
    if let Some(kilobytes) = fs::read_to_string("/proc/self/status").ok().and_then(|text| resident(&text)) {
        let help = "Resident memory size in bytes.";
        metrics.gauge("process_resident_memory_bytes", help, &[]).set(kilobytes * 1024.0);
    }
    if let Some(ticks) = fs::read_to_string("/proc/self/stat").ok().and_then(|text| processor(&text)) {
        let help = "User and system processor time in seconds.";
        metrics.gauge("process_cpu_seconds_total", help, &[]).set(ticks / TICKS);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        metrics.gauge("process_open_fds", "Open file descriptors.", &[]).set(entries.count() as f64);
    }
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15, counted behind the name, which may hold anything.
fn processor(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t  2048 kB\n"), Some(2048.0));
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 25 17 0 0 20 0 1 0 5 1000 1";
        assert_eq!(processor(stat), Some(42.0));
        assert_eq!(processor("nonsense"), None);
    }

    #[test]
    fn this_process_has_a_size() {
        let metrics = Registry::new();
        measure(&metrics);
        if cfg!(target_os = "linux") {
            assert!(metrics.render().contains("\nprocess_resident_memory_bytes "));
            assert!(metrics.render().contains("\nprocess_cpu_seconds_total "));
        }
    }
}
