//! What must have held, each with what was found.

use serde::Serialize;
use strowger_media::analysis;
use strowger_node::ledger::CallDetail;

use super::town::{Act, CALLING, Heard, Remains};

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
pub(super) fn findings(acts: &[Act], remains: &Remains) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, act) in acts.iter().enumerate() {
        findings.push(match &act.script {
            Ok(()) => Finding::new(act.what, true, "dialled, rung, answered, talked, released"),
            Err(why) => Finding::new(act.what, false, why),
        });
        let Heard { said_by_calling, said_by_called, by_calling, by_called } = &act.heard;
        findings.push(audio(act.called, CALLING, said_by_calling, by_called, said_by_called));
        findings.push(audio(CALLING, act.called, said_by_called, by_calling, said_by_calling));
        findings.push(record(act, remains.tap.cdrs.get(number)));
    }
    let (records, calls) = (remains.tap.cdrs.len(), acts.len());
    findings.push(Finding::new(
        "the records",
        records == calls,
        format!("{records} written of {calls} calls"),
    ));
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

fn record(act: &Act, cdr: Option<&CallDetail>) -> Finding {
    let what = format!("the record of {}", act.what);
    let Some(cdr) = cdr else { return Finding::new(what, false, "none was written") };
    let parties = cdr.calling.number == CALLING
        && cdr.called.as_ref().is_some_and(|called| called.number == act.called)
        && cdr.dialled == act.called;
    // A telephone tells nothing of its stream.
    let mut of_gateways = cdr.media.iter().filter(|stream| stream.gateway != "sip");
    let carried = cdr.media.len() == 2
        && of_gateways.all(|stream| {
            stream.statistics.as_ref().is_some_and(|sums| sums.packets_sent > 0 && sums.packets_received > 0)
                && stream.quality.is_some()
        });
    let good = parties
        && carried
        && cdr.answer.is_some()
        && cdr.talk_ms > 0
        && cdr.cause == 16
        && cdr.released_by == act.released_by;
    let rated = cdr.media.iter().filter_map(|stream| Some(format!("{:.2}", stream.quality.as_ref()?.mos)));
    let detail = format!(
        "cause {} ({}), talked {} ms, mean opinion score {}",
        cdr.cause,
        cdr.cause_text,
        cdr.talk_ms,
        rated.collect::<Vec<_>>().join(" and ")
    );
    Finding::new(what, good, detail)
}
