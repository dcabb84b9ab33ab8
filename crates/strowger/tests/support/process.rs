//! A program that a test runs: its output line by line as it comes, and its end with the test, passed or failed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;

use super::PATIENCE;

/// A running program.
pub(crate) struct Running {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// The lines that were read from its standard output.
    seen: Vec<String>,
    complaints: Arc<Mutex<Vec<u8>>>,
    /// Ends with the program's standard error.
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts `strowger` with these arguments.
    pub(crate) fn strowger<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
        command.args(arguments).env_remove("STROWGER_LOG").env("NO_COLOR", "1");
        Self::start(command)
    }

    /// Starts a program.
    pub(crate) fn start(mut command: Command) -> Self {
        let name = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let (mut errors, kept) = (child.stderr.take().unwrap(), Arc::clone(&complaints));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        let input = child.stdin.take();
        Self { name, child, input, lines, seen: Vec::new(), complaints, reader: Some(reader) }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Writes a line to its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }

    /// The next line of standard output that is wanted.
    pub(crate) fn line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wanted(&line) {
                        return line;
                    }
                }
                Err(why) => panic!("{}: no {what}: {why}\n{}", self.name, self.all()),
            }
        }
    }

    /// The next line of standard output that is a JSON object with these members.
    pub(crate) fn json(&mut self, members: &[(&str, &str)]) -> Value {
        let fits = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap_or_default();
            members.iter().all(|(name, value)| row[*name] == *value)
        };
        let line = self.line(&format!("row with {members:?}"), fits);
        serde_json::from_str(&line).unwrap()
    }

    /// What it wrote to standard error so far.
    pub(crate) fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.complaints.lock().unwrap()).into_owned()
    }

    /// The bytes that it wrote to standard error so far.
    pub(crate) fn complaint_bytes(&self) -> Vec<u8> {
        self.complaints.lock().unwrap().clone()
    }

    /// The lines of standard output that were read so far.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }

    fn all(&self) -> String {
        format!("--- output\n{}\n--- complaints\n{}", self.seen.join("\n"), self.complaints())
    }

    /// Sends SIGTERM and waits for its end.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Self) {
        // A shell has `kill` built in; the system need not have the program.
        let command = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        let status = self.wait();
        (status, self)
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn cut(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let (name, all) = (self.name.clone(), self.all());
        let status = super::until(&format!("end of {name}\n{all}"), || self.child.try_wait().unwrap());
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// Fails with all it said when it did not end with this code.
    pub(crate) fn assert_code(&self, status: ExitStatus, code: i32) {
        assert_eq!(status.code(), Some(code), "{}\n{}", self.name, self.all());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}\n{}", self.name, self.all());
        }
    }
}
