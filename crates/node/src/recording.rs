//! The exchange's own signalling as pcapng files of bounded size, written by a thread of its own.
//!
//! The newest file has the configured name; when it is full it becomes `NAME.1.pcapng`, and so on up to the configured
//! number of files. Files of an earlier run are moved on like any other, never written over. A disk that is full or slow costs
//! frames, which are counted, and never delays a call.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strowger_capture::{Capture, Way};
use strowger_sansio::Time;

use crate::clock::Clock;
use crate::config::CaptureConfig;
use crate::log::Throttle;
use crate::metrics::{Counter, Registry};
use crate::node::StartError;
use crate::shard::{Frame, Observer};

/// Frames that wait for the disk: a second of a busy exchange, some ten megabytes.
const QUEUE: usize = 16_384;
/// How long frames may wait in the buffer when no more come.
const IDLE: Duration = Duration::from_secs(1);
/// The pause before a file that failed is tried anew.
const RETRY: Duration = Duration::from_secs(5);

/// The call path's side.
pub(crate) struct Recorder {
    sender: SyncSender<Kept>,
    dropped: Counter,
}

struct Kept {
    at: Time,
    from: SocketAddr,
    to: SocketAddr,
    way: Way,
    bytes: Vec<u8>,
}

impl Observer for Recorder {
    fn datagram(&mut self, frame: &Frame<'_>) {
        let &Frame { at, from, to, way, bytes, .. } = frame;
        if self.sender.try_send(Kept { at, from, to, way, bytes: bytes.to_vec() }).is_err() {
            self.dropped.increment();
        }
    }
}

/// Opens the file, so that a wrong path is noticed at the start, and starts the thread, which ends with the recorder.
pub(crate) fn start(
    config: &CaptureConfig,
    names: Vec<(IpAddr, String)>,
    clock: Clock,
    metrics: &Registry,
) -> Result<(Recorder, JoinHandle<()>), StartError> {
    let dropped = metrics.counter(
        "strowger_capture_dropped_total",
        "Datagrams that are not in the capture because the disk was full or slow.",
        &[],
    );
    let mut tape = Tape {
        config: config.clone(),
        names,
        clock,
        open: None,
        retry: None,
        dropped: dropped.clone(),
        trouble: Throttle::default(),
        create: |path| File::create_new(path),
    };
    tape.begin().map_err(|error| StartError::Capture { path: config.path.display().to_string(), error })?;
    let (sender, receiver) = sync_channel(QUEUE);
    let thread = std::thread::Builder::new()
        .name("capture".to_owned())
        .spawn(move || tape.run(&receiver))
        .map_err(|error| StartError::System { what: "thread", error })?;
    Ok((Recorder { sender, dropped }, thread))
}

/// The files.
struct Tape {
    config: CaptureConfig,
    names: Vec<(IpAddr, String)>,
    clock: Clock,
    open: Option<Capture<BufWriter<File>>>,
    /// When a file that failed is tried anew.
    retry: Option<Instant>,
    dropped: Counter,
    trouble: Throttle,
    /// Makes a new file.
    create: fn(&Path) -> io::Result<File>,
}

impl Tape {
    fn run(mut self, receiver: &Receiver<Kept>) {
        loop {
            match receiver.recv_timeout(IDLE) {
                Ok(kept) => self.keep(&kept),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(capture) = &mut self.open
                        && let Err(error) = capture.flush()
                    {
                        self.fail(&error);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(capture) = self.open.take()
            && let Err(error) = capture.finish()
        {
            self.fail(&error);
        }
    }

    fn keep(&mut self, kept: &Kept) {
        let due = self.open.is_none() && self.retry.is_none_or(|at| at <= Instant::now());
        if due && let Err(error) = self.begin() {
            self.fail(&error);
        }
        let Some(capture) = &mut self.open else {
            self.dropped.increment();
            return;
        };
        let written = capture.udp(kept.at, kept.from, kept.to, &kept.bytes, kept.way, None);
        let full = capture.written() >= self.config.max_bytes;
        let result = match written {
            Ok(()) if full => self.turn(),
            other => other,
        };
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    /// Ends a full file and begins the next.
    fn turn(&mut self) -> io::Result<()> {
        if let Some(capture) = self.open.take() {
            capture.finish()?;
        }
        self.begin()
    }

    fn begin(&mut self) -> io::Result<()> {
        rotate(&self.config.path, self.config.files)?;
        let file = BufWriter::new((self.create)(&self.config.path)?);
        let begun = self.head(file);
        if begun.is_err() {
            // There is nothing in it yet. It would push the files of better times out, one with each try.
            let _ = fs::remove_file(&self.config.path);
        }
        self.open = Some(begun?);
        Ok(())
    }

    /// What each file begins with.
    fn head(&self, file: BufWriter<File>) -> io::Result<Capture<BufWriter<File>>> {
        let mut capture = Capture::new(file, "strowger", self.clock.wall().unix(Time::ZERO))?;
        capture.names(self.names.iter().map(|(host, name)| (*host, name.as_str())))?;
        // What is there already can be read while nothing else comes.
        capture.flush()?;
        Ok(capture)
    }

    fn fail(&mut self, error: &io::Error) {
        self.open = None;
        self.retry = Some(Instant::now() + RETRY);
        self.dropped.increment();
        if let Some(suppressed) = self.trouble.admit() {
            let path = self.config.path.display();
            tracing::error!(%path, %error, suppressed, "the capture cannot be written now; calls go on");
        }
    }
}

/// Moves each file on by one; the oldest is removed. Afterwards `path` is free.
fn rotate(path: &Path, files: u64) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let last = files.saturating_sub(1);
    if last == 0 {
        return fs::remove_file(path);
    }
    for number in (1..last).rev() {
        let from = numbered(path, number);
        if from.exists() {
            fs::rename(from, numbered(path, number + 1))?;
        }
    }
    fs::rename(path, numbered(path, 1))
}

/// `town.pcapng` with 2 is `town.2.pcapng`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    match path.extension() {
        Some(extension) => path.with_extension(format!("{number}.{}", extension.to_string_lossy())),
        None => path.with_extension(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(config: &CaptureConfig, frames: usize) -> Registry {
        let (metrics, clock) = (Registry::new(), Clock::start());
        let names = vec![("127.0.0.9".parse().unwrap(), "gw1".to_owned())];
        let (mut recorder, thread) = start(config, names, clock, &metrics).unwrap();
        let (from, to) = ("127.0.0.9:2427".parse().unwrap(), "127.0.0.1:2727".parse().unwrap());
        for _ in 0..frames {
            let bytes = &[b'x'; 400];
            recorder.datagram(&Frame {
                at: clock.now(),
                clock: &clock,
                from,
                to,
                protocol: strowger_capture::Protocol::Mgcp,
                way: Way::In,
                bytes,
            });
        }
        drop(recorder);
        thread.join().unwrap();
        metrics
    }

    fn sizes(folder: &Path) -> Vec<(String, u64)> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut out: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .collect();
        out.sort();
        out
    }

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("town.pcapng");
        let config = CaptureConfig { path, max_bytes: 5_000, files: 3 };
        let metrics = record(&config, 100);
        let files = sizes(folder.path());
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["town.1.pcapng", "town.2.pcapng", "town.pcapng"]);
        assert!(files.iter().all(|(_, size)| *size < 6_000), "{files:?}");
        assert!(metrics.render().contains("\nstrowger_capture_dropped_total 0\n"));
        for (name, _) in files {
            let bytes = fs::read(folder.path().join(name)).unwrap();
            assert_eq!(&bytes[..4], &[0x0a, 0x0d, 0x0d, 0x0a], "a section header");
        }
    }

    #[test]
    fn an_earlier_run_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("town.pcapng");
        fs::write(&path, "of an earlier run").unwrap();
        let config = CaptureConfig { path, max_bytes: 1_000_000, files: 2 };
        record(&config, 1);
        assert_eq!(fs::read_to_string(folder.path().join("town.1.pcapng")).unwrap(), "of an earlier run");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_an_error_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/town.pcapng");
        let config = CaptureConfig { path, max_bytes: 1000, files: 1 };
        let error = start(&config, Vec::new(), Clock::start(), &Registry::new()).err().unwrap();
        assert!(error.to_string().contains("nowhere/town.pcapng cannot be opened"), "{error}");
    }

    #[test]
    fn a_full_disk_costs_frames_that_are_counted() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let (dropped, clock) = (Counter::default(), Clock::start());
        let disk = BufWriter::with_capacity(4096, File::options().write(true).open(full).unwrap());
        let mut tape = Tape {
            // Where the next file would be, there is no room either.
            config: CaptureConfig { path: full.join("town.pcapng"), max_bytes: 1_000_000, files: 1 },
            names: Vec::new(),
            clock,
            open: Some(Capture::new(disk, "strowger", Duration::ZERO).unwrap()),
            retry: None,
            dropped: dropped.clone(),
            trouble: Throttle::default(),
            create: |path| File::create_new(path),
        };
        let address = "127.0.0.1:1".parse().unwrap();
        let kept = Kept { at: Time::ZERO, from: address, to: address, way: Way::In, bytes: vec![7; 3000] };
        tape.keep(&kept);
        assert_eq!(dropped.value(), 0, "it is in the buffer");
        tape.keep(&kept);
        assert!(tape.open.is_none() && tape.retry.is_some());
        tape.keep(&kept);
        assert_eq!(dropped.value(), 2, "and no second try before its time");
    }

    #[test]
    fn a_disk_that_stays_full_pushes_no_older_file_out() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("town.pcapng");
        fs::write(numbered(&path, 1), "the oldest").unwrap();
        fs::write(&path, "the last of better times").unwrap();
        let mut tape = Tape {
            config: CaptureConfig { path: path.clone(), max_bytes: 1_000_000, files: 3 },
            names: vec![("127.0.0.9".parse().unwrap(), "gw1".to_owned())],
            clock: Clock::start(),
            open: None,
            retry: None,
            dropped: Counter::default(),
            trouble: Throttle::default(),
            // A file can be made, and nothing can be written to it.
            create: |path| File::create_new(path).and_then(|_| File::options().write(true).open("/dev/full")),
        };
        for _ in 0..10 {
            assert!(tape.begin().is_err());
        }
        let names: Vec<_> = sizes(folder.path()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["town.1.pcapng", "town.2.pcapng"]);
        assert_eq!(fs::read_to_string(numbered(&path, 1)).unwrap(), "the last of better times");
        assert_eq!(fs::read_to_string(numbered(&path, 2)).unwrap(), "the oldest");
        tape.create = |path| File::create_new(path);
        tape.begin().unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 0);
    }

    #[test]
    fn a_folder_that_is_gone_costs_frames_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there/town.pcapng");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let mut tape = Tape {
            config: CaptureConfig { path: path.clone(), max_bytes: 2_000, files: 2 },
            names: Vec::new(),
            clock: Clock::start(),
            open: None,
            retry: None,
            dropped: Counter::default(),
            trouble: Throttle::default(),
            create: |path| File::create_new(path),
        };
        let address = "127.0.0.1:1".parse().unwrap();
        let kept = Kept { at: Time::ZERO, from: address, to: address, way: Way::In, bytes: vec![7; 900] };
        tape.keep(&kept);
        assert!(tape.open.is_some());
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        (0..3).for_each(|_| tape.keep(&kept));
        assert!(tape.open.is_none() && tape.dropped.value() > 0);
        fs::create_dir(path.parent().unwrap()).unwrap();
        tape.retry = None;
        tape.keep(&kept);
        assert!(path.exists() && tape.open.is_some());
    }
}
