//! Overload of a gateway, as its host shows it: sound has a time of its own, and a host that is late for it has too much to do.

use strowger_megaco::gateway::Load;
use strowger_sansio::{Duration, Time};

/// A host that is later than this has too much to do: two frames of sound.
const LATE: Duration = Duration::from_millis(40);
/// How long that holds: a busy host is late now and then only.
const HOLDS: Duration = Duration::from_secs(2);

/// How late a host has been.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lateness {
    late: Option<Time>,
}

impl Lateness {
    /// What was due then is done now.
    pub(crate) fn note(&mut self, now: Time, due: Option<Time>) {
        if due.is_some_and(|due| now.since(due) > LATE) {
            self.late = Some(now);
        }
    }

    /// Whether the host has too much to do.
    pub(crate) fn load(self, now: Time) -> Load {
        if self.late.is_some_and(|late| now.since(late) < HOLDS) { Load::Overloaded } else { Load::Normal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_for_the_sound_is_overloaded_for_a_while() {
        let (mut lateness, now) = (Lateness::default(), Time::from_secs(10));
        lateness.note(now, None);
        lateness.note(now, Some(now));
        lateness.note(now + LATE, Some(now));
        assert_eq!(lateness.load(now + LATE), Load::Normal);
        let late = now + LATE + Duration::from_millis(1);
        lateness.note(late, Some(now));
        assert_eq!(lateness.load(late), Load::Overloaded);
        assert_eq!(lateness.load(late + HOLDS - LATE), Load::Overloaded);
        assert_eq!(lateness.load(late + HOLDS), Load::Normal);
    }
}
