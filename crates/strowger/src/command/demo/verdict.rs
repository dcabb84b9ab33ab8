//! What must have held, each with what was found.

use serde::Serialize;
use strowger_media::analysis;
use strowger_node::ledger::CallDetail;

use super::town::{CALLED, CALLING, Heard, Remains};

/// One thing that must hold.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) what: String,
    pub(super) good: bool,
    pub(super) detail: String,
}

impl Finding {
    pub(super) fn new(what: impl Into<String>, good: bool, detail: impl Into<String>) -> Self {
        Self { what: what.into(), good, detail: detail.into() }
    }
}

/// Everything that must hold.
pub(super) fn findings(script: Result<(), String>, remains: &Remains) -> Vec<Finding> {
    let mut findings = vec![match script {
        Ok(()) => Finding::new("the call", true, "dialled, rung, answered, talked, released"),
        Err(why) => Finding::new("the call", false, why),
    }];
    let Heard { said_by_calling, said_by_called, by_calling, by_called } = &remains.heard;
    findings.push(audio(CALLED, CALLING, said_by_calling, by_called, said_by_called));
    findings.push(audio(CALLING, CALLED, said_by_called, by_calling, said_by_calling));
    findings.push(record(remains.tap.cdr.as_ref(), remains.tap.records));
    findings.push(match &remains.snapshot {
        Some(snapshot) if snapshot.is_idle() => {
            Finding::new("afterwards", true, "no call, leg, connection or transaction is left")
        }
        Some(snapshot) => Finding::new("afterwards", false, format!("left over: {snapshot:?}")),
        None => Finding::new("afterwards", false, "the exchange does not answer"),
    });
    if let Err(why) = &remains.stopped {
        findings.push(Finding::new("the end", false, why.clone()));
    }
    findings
}

/// The listener heard what the speaker said, and not what the listener said.
fn audio(listener: &str, speaker: &str, said: &[i16], heard: &[i16], own: &[i16]) -> Finding {
    let what = format!("{listener} hears {speaker}");
    let found = analysis::compare(said, heard);
    let echo = analysis::compare(own, heard).is_some_and(|found| found.is_heard());
    match found {
        Some(found) if found.is_heard() && !echo => Finding::new(
            what,
            true,
            format!("{:.0} % of it, correlation {:.3}", found.found * 100.0, found.correlation),
        ),
        Some(_) if echo => Finding::new(what, false, "hears its own voice"),
        Some(found) => Finding::new(what, false, format!("only {:.0} % of it", found.found * 100.0)),
        None => Finding::new(what, false, format!("nothing of it in {} samples", heard.len())),
    }
}

fn record(cdr: Option<&CallDetail>, records: usize) -> Finding {
    let what = "the call detail record";
    let Some(cdr) = cdr else { return Finding::new(what, false, "none was written") };
    let parties = cdr.calling.number == CALLING
        && cdr.called.as_ref().is_some_and(|called| called.number == CALLED)
        && cdr.dialled == CALLED;
    let carried = cdr.media.len() == 2
        && cdr.media.iter().all(|stream| {
            stream.statistics.as_ref().is_some_and(|sums| sums.packets_sent > 0 && sums.packets_received > 0)
                && stream.quality.is_some()
        });
    let good = records == 1
        && parties
        && carried
        && cdr.answer.is_some()
        && cdr.talk_ms > 0
        && cdr.cause == 16
        && cdr.released_by == "calling";
    let rated = cdr.media.iter().filter_map(|stream| Some(format!("{:.2}", stream.quality.as_ref()?.mos)));
    let detail = format!(
        "{records} written, cause {} ({}), talked {} ms, mean opinion score {}",
        cdr.cause,
        cdr.cause_text,
        cdr.talk_ms,
        rated.collect::<Vec<_>>().join(" and ")
    );
    Finding::new(what, good, detail)
}
