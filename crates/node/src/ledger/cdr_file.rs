//! Call detail records as a file of JSON lines, each record once.
//!
//! The store is the truth; the file follows it. Each line carries the record's number, so that after a crash between
//! the two the file tells how far it came: an unfinished last line is cut off, and writing goes on behind the last whole
//! one. The file is opened for each batch, so that it can be moved away at any time (log rotation).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How far from its end the last line is looked for: a record has a few kilobytes at most.
const TAIL: u64 = 1024 * 1024;

/// How each line begins.
const BEGINNING: &[u8] = b"{\"sequence\":";

/// The file and how far it came.
#[derive(Debug)]
pub(super) struct CdrFile {
    path: PathBuf,
    last: u64,
    /// Half a line may stand at its end, which could not be taken away when it could not be finished.
    torn: bool,
}

#[derive(Deserialize)]
struct Numbered {
    sequence: u64,
}

impl CdrFile {
    /// Looks how far the file came; `known` is how far it came at least, for a file that was moved away.
    pub(super) fn open(path: &Path, known: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let (whole, last) = tail(&mut file)?;
        if whole < file.metadata()?.len() {
            file.set_len(whole)?;
        }
        Ok(Self { path: path.to_owned(), last: last.unwrap_or(0).max(known), torn: false })
    }

    /// The number of the last record in it.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Appends records, each with its number; on the disk when it returns. After an error the file is as before, at the latest when the next
    /// records are appended.
    pub(super) fn append(&mut self, records: &[(u64, &[u8])]) -> io::Result<()> {
        let mut text = Vec::new();
        let mut last = self.last;
        for (sequence, json) in records.iter().filter(|(sequence, _)| *sequence > self.last) {
            text.extend_from_slice(json);
            text.push(b'\n');
            last = last.max(*sequence);
        }
        if text.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.torn)
            && let Err(error) = mend(&self.path)
        {
            self.torn = true;
            return Err(error);
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(&text).and_then(|()| file.sync_data()) {
            // Half a line must not stay, or the next record would be the rest of it.
            self.torn = file.set_len(before).is_err();
            return Err(error);
        }
        self.last = last;
        Ok(())
    }
}

/// Takes half a line away from the end of a file, if it is still there.
fn mend(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        // It was moved away, with what was wrong with it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let (whole, _) = tail(&mut file)?;
    file.set_len(whole)
}

/// The length of the file up to its last whole line, and that line's number.
fn tail(file: &mut File) -> io::Result<(u64, Option<u64>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        // Empty, or the beginning of a first line that a crash cut short; nothing else may be cut away.
        let ours = bytes.starts_with(BEGINNING) || BEGINNING.starts_with(&bytes);
        if start > 0 || !ours {
            return Err(foreign());
        }
        return Ok((0, None));
    };
    let line = bytes.get(..end).and_then(|whole| whole.rsplit(|byte| *byte == b'\n').next());
    let line = line.unwrap_or_default();
    match serde_json::from_slice::<Numbered>(line) {
        Ok(numbered) => Ok((start + end as u64 + 1, Some(numbered.sequence))),
        Err(_) => Err(foreign()),
    }
}

fn foreign() -> io::Error {
    let what = "its last line is not a call detail record: another program's file?";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64) -> Vec<u8> {
        format!("{{\"sequence\":{sequence}}}").into_bytes()
    }

    fn append(file: &mut CdrFile, range: std::ops::RangeInclusive<u64>) {
        let records: Vec<_> = range.map(|sequence| (sequence, record(sequence))).collect();
        let records: Vec<_> = records.iter().map(|(sequence, json)| (*sequence, json.as_slice())).collect();
        file.append(&records).unwrap();
    }

    #[test]
    fn each_record_is_written_once_across_crashes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cdr.jsonl");
        let mut file = CdrFile::open(&path, 0).unwrap();
        append(&mut file, 1..=3);
        append(&mut file, 2..=4);
        // A crash in the middle of a line.
        let mut raw = OpenOptions::new().append(true).open(&path).unwrap();
        raw.write_all(b"{\"sequence\":5,\"ca").unwrap();
        let mut file = CdrFile::open(&path, 2).unwrap();
        assert_eq!(file.last(), 4);
        append(&mut file, 1..=5);
        let text = std::fs::read_to_string(&path).unwrap();
        let numbers: Vec<_> = text.lines().map(|line| line[12..13].to_owned()).collect();
        assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_behind_what_it_held() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cdr.jsonl");
        let mut file = CdrFile::open(&path, 0).unwrap();
        append(&mut file, 1..=2);
        std::fs::rename(&path, directory.path().join("cdr.1")).unwrap();
        append(&mut file, 2..=3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"sequence\":3}\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(CdrFile::open(&path, 3).unwrap().last(), 3);
    }

    #[test]
    fn half_a_line_that_could_not_be_taken_away_does_not_swallow_the_next_record() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cdr.jsonl");
        let mut file = CdrFile::open(&path, 0).unwrap();
        append(&mut file, 1..=2);
        // The disk was full in the middle of the third, and failed altogether when that was to be cut off.
        let mut raw = OpenOptions::new().append(true).open(&path).unwrap();
        raw.write_all(b"{\"sequence\":3,\"ca").unwrap();
        file.torn = true;
        append(&mut file, 3..=4);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.lines().map(str::to_owned).eq((1..=4).map(|number| format!("{{\"sequence\":{number}}}")))
        );
        // Moved away meanwhile, it is somebody else's.
        file.torn = true;
        std::fs::rename(&path, directory.path().join("cdr.1")).unwrap();
        append(&mut file, 5..=5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"sequence\":5}\n");
    }

    #[test]
    fn another_programs_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        for text in ["dear diary\nno newline", "no newline", "{}\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(CdrFile::open(&path, 0).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_full_disk_leaves_whole_lines() {
        // /dev/full refuses each write; what was noted as written must not move.
        if !Path::new("/dev/full").exists() {
            return;
        }
        let mut file = CdrFile { path: PathBuf::from("/dev/full"), last: 7, torn: false };
        assert!(file.append(&[(8, b"{}")]).is_err());
        assert_eq!(file.last(), 7);
    }
}
