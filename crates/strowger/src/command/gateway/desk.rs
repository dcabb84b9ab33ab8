//! Where a gateway's orders and news meet: scripts, commands from standard input, events as lines. It is the same for all protocols.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use strowger_media::wav;
use strowger_node::clock::Clock;
use strowger_node::gateway::{GatewayHost, HostConfig, Observer, Stop};
use strowger_sansio::Rng;
use strowger_softgateway::script::{Parser, Step};
use strowger_softgateway::{Event, LineFact, Outcome, Runner, What};

use super::endpoints::LONGEST_SOUND;
use super::report::{Form, Row};
use crate::output::{Exit, fail};

/// Where orders come from, and how news are printed.
#[derive(Debug, clap::Args)]
pub(super) struct Orders {
    /// Commands from a file, one after the other; exit 0 or 1
    #[arg(long, value_name = "FILE", conflicts_with = "control")]
    script: Option<PathBuf>,
    /// Commands from standard input, events as JSON lines
    #[arg(long)]
    control: bool,
    /// Print events as JSON lines
    #[arg(long)]
    json: bool,
    /// The folder that sounds are read from and recordings written to
    #[arg(long, value_name = "DIR", default_value = ".")]
    sounds: PathBuf,
}

/// What the main thread waits for.
enum News {
    Event(Event),
    Step(Result<Option<u64>, String>),
    Command(Step),
    BadCommand(String),
    EndOfInput,
    Signal,
}

struct Reporter(Sender<News>);

impl Observer for Reporter {
    fn event(&mut self, event: Event) {
        // The receiver is gone only while the process ends.
        let _ = self.0.send(News::Event(event));
    }

    fn step(&mut self, _step: &Step, result: Result<Option<u64>, String>) {
        let _ = self.0.send(News::Step(result));
    }
}

/// Runs a gateway as its orders say, until they end or the process is told to stop.
pub(super) fn run(config: HostConfig, orders: &Orders) -> Exit {
    let listen = config.listen;
    let steps = match &orders.script {
        None => Vec::new(),
        Some(path) => match read_script(path) {
            Ok(steps) => steps,
            Err(why) => return fail(Exit::Usage, &why),
        },
    };
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        return fail(Exit::Finding, &format!("the system gave no randomness: {error}"));
    }
    let (sender, news) = mpsc::channel();
    if let Err(error) = listen_for_stop(&sender) {
        return fail(Exit::Finding, &format!("signals cannot be waited for: {error}"));
    }
    let clock = Clock::start();
    let reporter = Box::new(Reporter(sender.clone()));
    let host = match GatewayHost::start(config, clock, Rng::from_seed(seed), reporter) {
        Ok(host) => host,
        Err(error) => return fail(Exit::Finding, &format!("{listen} cannot be opened: {error}")),
    };
    let form = if orders.control || orders.json { Form::Json } else { Form::Plain };
    let mut ready = Row::new(clock.now(), "listening");
    ready.what = Some(host.address().to_string());
    ready.print(form);
    if orders.control {
        read_commands(sender);
    }
    let mut desk = Desk { host, news, form, sounds: orders.sounds.clone(), loaded: BTreeSet::new(), clock };
    let exit = if orders.script.is_some() { desk.run_script(steps) } else { desk.serve() };
    match desk.host.stop() {
        Ok(()) => exit,
        Err(error) => fail(Exit::Finding, &error),
    }
}

fn read_script(path: &Path) -> Result<Vec<(usize, Step)>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Parser::script(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn listen_for_stop(sender: &Sender<News>) -> std::io::Result<()> {
    let (stop, sender) = (Stop::listen()?, sender.clone());
    std::thread::spawn(move || {
        let _signal = stop.wait();
        let _ = sender.send(News::Signal);
    });
    Ok(())
}

fn read_commands(sender: Sender<News>) {
    std::thread::spawn(move || {
        let mut parser = Parser::new();
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let news = match parser.line(&line) {
                Ok(None) => continue,
                Ok(Some(step)) => News::Command(step),
                Err(error) => News::BadCommand(error.to_string()),
            };
            if sender.send(news).is_err() {
                return;
            }
        }
        let _ = sender.send(News::EndOfInput);
    });
}

/// Where orders and news meet.
struct Desk {
    host: GatewayHost,
    news: Receiver<News>,
    form: Form,
    sounds: PathBuf,
    loaded: BTreeSet<String>,
    clock: Clock,
}

impl Desk {
    /// Serves until it is told to stop.
    fn serve(&mut self) -> Exit {
        while let Ok(news) = self.news.recv() {
            match news {
                News::Event(event) => self.tell(&event),
                News::Step(Ok(_)) => {}
                News::Step(Err(why)) | News::BadCommand(why) => self.complain(why),
                News::Command(Step::Wait(span)) => std::thread::sleep(span),
                News::Command(step) => match self.load(&step) {
                    Ok(()) => self.host.step(step),
                    Err(why) => self.complain(why),
                },
                News::EndOfInput | News::Signal => break,
            }
        }
        Exit::Good
    }

    /// Runs a script to its end.
    fn run_script(&mut self, steps: Vec<(usize, Step)>) -> Exit {
        let mut runner = Runner::new(steps);
        loop {
            while let Some(step) = runner.poll_step(self.clock.now()) {
                if let Err(why) = self.load(&step) {
                    runner.handle_result(Err(why));
                    break;
                }
                self.host.step(step);
                // The gateway takes steps in order; its word on this one comes before anything that follows from it.
                self.await_result(&mut runner);
            }
            match runner.outcome() {
                Some(Outcome::Passed) => return Exit::Good,
                Some(Outcome::Failed { line, why }) => {
                    return fail(Exit::Finding, &format!("line {line} of the script: {why}"));
                }
                None => {}
            }
            let until = runner.poll_timeout().map(|time| self.clock.instant(time));
            let wait =
                until.map_or(Duration::from_secs(1), |until| until.saturating_duration_since(Instant::now()));
            match self.news.recv_timeout(wait) {
                Ok(News::Event(event)) => {
                    self.tell(&event);
                    runner.handle_event(&event);
                }
                Ok(News::Signal) => return fail(Exit::Finding, &"stopped before the script ended"),
                _ => {}
            }
        }
    }

    fn await_result(&mut self, runner: &mut Runner) {
        while let Ok(news) = self.news.recv() {
            match news {
                News::Step(result) => return runner.handle_result(result),
                News::Event(event) => {
                    self.tell(&event);
                    runner.handle_event(&event);
                }
                News::Signal => return runner.handle_result(Err("stopped".into())),
                News::Command(_) | News::BadCommand(_) | News::EndOfInput => {}
            }
        }
    }

    fn tell(&self, event: &Event) {
        Row::of(event).print(self.form);
        if let What::Line { fact: LineFact::Recording { file, samples }, .. } = &event.what {
            let path = self.sounds.join(file);
            let written = std::fs::write(&path, wav::encode(samples));
            if let Err(error) = written {
                self.complain(format!("{}: {error}", path.display()));
            }
        }
    }

    fn complain(&self, why: String) {
        Row { reason: Some(why), ..Row::new(self.clock.now(), "error") }.print(self.form);
    }

    /// Reads the WAV file that a step needs, once.
    fn load(&mut self, step: &Step) -> Result<(), String> {
        let Some(name) = step.file() else { return Ok(()) };
        if self.loaded.contains(name) {
            return Ok(());
        }
        let path = self.sounds.join(name);
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let samples =
            wav::decode(&bytes, LONGEST_SOUND).map_err(|error| format!("{}: {error}", path.display()))?;
        self.host.add_sound(name, samples.into());
        self.loaded.insert(name.to_owned());
        Ok(())
    }
}
