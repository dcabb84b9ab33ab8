//! A subscriber as the seed makes one: lifts, listens, dials right or wrong, talks, loses patience, hangs up.
//!
//! A person knows only what a person knows: what the bell does and what the earpiece gives.

use strowger_sansio::{Duration, Rng, Time};
use strowger_softgateway::script::{Action, Progress, Sound};
use strowger_softgateway::{LineFact, What};

use crate::options::Habits;

/// What a person is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Does something else, until the time comes.
    Resting,
    /// Has lifted the handset to call somebody, and waits for dial tone.
    Lifted,
    /// Has dialled, and listens to what comes of it.
    Waiting,
    /// Hears the bell, and has not decided to answer until then.
    Rung,
    /// Talks, or believes so.
    Talking,
    /// Has flashed the hook in a talk, and waits for recall dial tone or for the other party.
    Flashed,
    /// Is on hold, or hears a tone in a talk that may pass.
    Held,
    /// Lets the handset lie beside the telephone.
    Careless,
    /// Has had enough.
    Done,
}

/// One subscriber of a simulated town.
#[derive(Debug)]
pub struct Person {
    /// The directory number.
    pub number: String,
    /// The endpoint of the line.
    pub line: String,
    /// The tone that this person talks in: no two persons of a town have the same.
    pub voice: u16,
    mood: Mood,
    off_hook: bool,
    /// Has somebody on hold, as far as is known.
    consults: bool,
    until: Time,
    /// Since when nothing has been done that changes whom the person talks to.
    steady: Time,
    habits: Habits,
    /// Whether the recall key is followed by a digit here.
    digits: bool,
    /// What is dialled when the exchange invites to go on dialling, behind a code.
    rest: Option<String>,
    rng: Rng,
    town: Vec<String>,
    codes: Vec<Code>,
}

/// What the subscribers of a town know about their telephones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// What they are used to.
    pub habits: Habits,
    /// The feature codes.
    pub codes: Vec<Code>,
    /// Whether the recall key is followed by a digit.
    pub digits: bool,
}

/// A feature code as a subscriber dials it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its keys; `N` stands for somebody's number.
    pub keys: String,
    /// Whether somebody's number is dialled at the dial tone that follows.
    pub number_follows: bool,
}

impl Person {
    /// A person who begins to call others of the `town` some time after the start.
    #[must_use]
    pub fn new(
        number: String,
        line: String,
        voice: u16,
        mut town: Vec<String>,
        Ways { habits, codes, digits }: Ways,
        mut rng: Rng,
    ) -> Self {
        town.retain(|other| *other != number);
        let until = Time::ZERO + rng.duration(Duration::from_secs(2), Duration::from_secs(40));
        let steady = Time::ZERO;
        Self {
            number,
            line,
            voice,
            mood: Mood::Resting,
            off_hook: false,
            consults: false,
            until,
            steady,
            habits,
            digits,
            rest: None,
            rng,
            town,
            codes,
        }
    }

    /// Whether the handset is lifted.
    #[must_use]
    pub fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    /// When the person does something unasked.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        (self.mood != Mood::Done).then_some(self.until)
    }

    /// The time has come.
    pub fn handle_timeout(&mut self, now: Time) -> Vec<Action> {
        if self.until > now {
            return Vec::new();
        }
        match self.mood {
            Mood::Resting => {
                self.enter(now, Mood::Lifted, 2, 25);
                if self.rng.chance(0.05) {
                    self.enter(now, Mood::Careless, 60, 200);
                }
                self.lift()
            }
            Mood::Rung => {
                self.enter(now, Mood::Talking, 1, 40);
                let mut actions = self.lift();
                actions.push(self.speak());
                actions
            }
            // No dial tone: dials all the same, as people do, or gives up.
            Mood::Lifted if self.rng.chance(0.3) => self.dial(now),
            // Presses the recall key: to ask somebody else, to change between two, to confer, to take a call that waits, or for nothing.
            Mood::Talking | Mood::Waiting if self.rng.chance(self.flashes()) => {
                self.enter(now, Mood::Flashed, 1, 8);
                vec![Action::Flash]
            }
            // No recall dial tone came: the talk goes on, with whomever.
            Mood::Flashed => {
                self.enter(now, Mood::Talking, 1, 30);
                vec![self.speak()]
            }
            Mood::Lifted | Mood::Waiting | Mood::Talking | Mood::Held | Mood::Careless => self.hang_up(now),
            Mood::Done => Vec::new(),
        }
    }

    /// Something happened on the person's line.
    pub fn handle_event(&mut self, now: Time, what: &What) -> Vec<Action> {
        let What::Line { fact, .. } = what else { return Vec::new() };
        match (self.mood, fact) {
            (Mood::Resting, LineFact::Ringing) if !self.off_hook => {
                // One in five does not come to the telephone.
                let most = if self.rng.chance(0.2) { 300 } else { 10 };
                self.enter(now, Mood::Rung, 0, most);
                Vec::new()
            }
            (Mood::Rung, LineFact::RingingEnded) => {
                self.enter(now, Mood::Resting, 5, 60);
                Vec::new()
            }
            (Mood::Lifted, LineFact::Hears(Progress::Dial)) => self.dial(now),
            // A hot line: it calls by itself.
            (Mood::Lifted, LineFact::Hears(_)) => {
                self.enter(now, Mood::Waiting, 4, 70);
                Vec::new()
            }
            // With two calls, or for all this person knows: which of them, or both?
            (Mood::Flashed, LineFact::Hears(Progress::Dial))
                if self.digits && self.rng.chance(if self.consults { 0.8 } else { 0.2 }) =>
            {
                self.enter(now, Mood::Flashed, 2, 6);
                let digit = self.rng.pick(&["0", "1", "2", "3", "3", "3", "3", "3", "4", "7"]);
                let digit = digit.copied().unwrap_or_default().to_owned();
                vec![Action::Quiet, Action::Dial(digit)]
            }
            (Mood::Flashed, LineFact::Hears(Progress::Dial)) => {
                self.consults = true;
                let mut actions = vec![Action::Quiet];
                actions.extend(self.dial(now));
                actions
            }
            (Mood::Waiting, LineFact::Hears(Progress::Dial)) if self.rest.is_some() => {
                self.enter(now, Mood::Waiting, 4, 70);
                self.rest.take().map(Action::Dial).into_iter().collect()
            }
            (Mood::Waiting, LineFact::Hears(tone)) => match tone {
                Progress::Ringback | Progress::Dial => Vec::new(),
                _ => {
                    // Listens to the tone for a while, some until the howler.
                    let most = if self.rng.chance(0.1) { 90 } else { 6 };
                    self.enter(now, Mood::Careless, 0, most);
                    Vec::new()
                }
            },
            (Mood::Talking, LineFact::Hears(_))
                if self.habits == Habits::Features && self.rng.chance(0.5) =>
            {
                // It may be the tone on hold, or that of a call that waits: some have patience.
                self.enter(now, Mood::Held, 5, 40);
                Vec::new()
            }
            (Mood::Talking, LineFact::Hears(_)) => {
                let most = if self.rng.chance(0.1) { 120 } else { 5 };
                self.enter(now, Mood::Careless, 0, most);
                vec![Action::Quiet]
            }
            _ => Vec::new(),
        }
    }

    /// The person who was called has answered. A person knows by the voice; here the town says so, and the voice is checked.
    pub fn answered(&mut self, now: Time) -> Vec<Action> {
        if !matches!(self.mood, Mood::Waiting | Mood::Held) {
            return Vec::new();
        }
        // Who has somebody on hold comes to the point.
        self.enter(now, Mood::Talking, 1, if self.consults { 12 } else { 40 });
        vec![self.speak()]
    }

    /// How likely it is that the recall key is pressed next, rather than that the handset is put down.
    fn flashes(&self) -> f64 {
        match (self.habits, self.mood) {
            (Habits::Plain, Mood::Talking) => 0.1,
            (Habits::Plain, _) => 0.0,
            // Who consults changes between the two or confers, more often than joining them by hanging up.
            (Habits::Features, Mood::Talking) if self.consults => 0.7,
            (Habits::Features, Mood::Talking) => 0.55,
            (Habits::Features, _) => 0.1,
        }
    }

    /// Since when the person has changed nothing about whom they talk to.
    #[must_use]
    pub fn steady_since(&self) -> Time {
        self.steady
    }

    /// Whether the person talks, and goes on to for at least this long if nobody else hangs up.
    #[must_use]
    pub fn talks_until(&self, then: Time) -> bool {
        self.mood == Mood::Talking && self.off_hook && self.until >= then
    }

    /// Goes to bed: hangs up and calls nobody any more.
    pub fn retire(&mut self, now: Time) -> Vec<Action> {
        let actions = if self.off_hook { self.hang_up(now) } else { Vec::new() };
        self.mood = Mood::Done;
        actions
    }

    fn enter(&mut self, now: Time, mood: Mood, least: u64, most: u64) {
        if self.mood != mood {
            self.steady = now;
        }
        self.mood = mood;
        self.until =
            now + self.rng.duration(Duration::from_secs(least), Duration::from_secs(most.max(least)));
    }

    fn lift(&mut self) -> Vec<Action> {
        (self.off_hook, self.consults) = (true, false);
        vec![Action::OffHook]
    }

    fn hang_up(&mut self, now: Time) -> Vec<Action> {
        self.enter(now, Mood::Resting, 1, 45);
        if self.rng.chance(0.1) {
            // Lifts again at once: the line takes the break for nothing, for a flash, or for the end of the call.
            self.until = now + self.rng.duration(Duration::from_millis(10), Duration::from_millis(1_500));
        }
        self.off_hook = false;
        vec![Action::OnHook]
    }

    fn speak(&self) -> Action {
        Action::Play(Sound::Tone(self.voice), None)
    }

    /// A feature code, now and then.
    fn code(&mut self) -> Option<String> {
        if self.habits == Habits::Plain || !self.rng.chance(0.1) {
            return None;
        }
        let code = self.rng.pick(&self.codes)?.clone();
        let somebody = self.rng.pick(&self.town).cloned().unwrap_or_default();
        self.rest = code.number_follows.then(|| somebody.clone());
        Some(code.keys.replace('N', &somebody))
    }

    fn dial(&mut self, now: Time) -> Vec<Action> {
        self.enter(now, Mood::Waiting, 4, 70);
        self.rest = None;
        if let Some(keys) = self.code() {
            return vec![Action::Dial(keys)];
        }
        // Most get through: what is tried most often is to be tested most.
        let blind = self.consults && self.rng.chance(0.2);
        // A consultation is meant to succeed: few are tried.
        let wrong = if self.consults { 48 } else { 16 };
        let mut digits = match self.rng.below(wrong) {
            0 => self.number.clone(),
            1 => "2999".to_owned(),
            2 => "7".to_owned(),
            _ => self.rng.pick(&self.town).cloned().unwrap_or_default(),
        };
        if blind {
            digits.insert_str(0, "*98");
        }
        if self.rng.chance(0.06) {
            let kept = self.rng.below(digits.len() as u64);
            digits.truncate(usize::try_from(kept).unwrap_or(0));
        }
        if digits.is_empty() { Vec::new() } else { vec![Action::Dial(digits)] }
    }
}
