//! `[features]` and the `features` of a line: what subscribers may do beyond a plain call.

use strowger_exchange::{ControllerLeaves, FeaturePlan, Features, FlashControl};

use super::diagnostic::Report;
use super::names;
use super::reader::{Table, excerpt};
use super::schema;

/// `features = { … }` of a `[[line]]`; what is not named is as by default.
pub(super) fn of_line(line: &Table<'_>, report: &mut Report) -> Features {
    let mut features = Features::default();
    let Some(table) = line.table("features", &schema::LINE_FEATURES, report) else { return features };
    let mut flag = |key, place: &mut bool| {
        if let Some(value) = table.boolean(key, report) {
            *place = *value.get_ref();
        }
    };
    flag("hold", &mut features.hold);
    flag("transfer", &mut features.transfer);
    flag("three_way", &mut features.three_way);
    flag("call_waiting", &mut features.call_waiting);
    features
}

/// `[features]`, over what the country has.
pub(super) fn plan(root: &Table<'_>, mut plan: FeaturePlan, report: &mut Report) -> FeaturePlan {
    let Some(table) = root.table("features", &schema::FEATURES, report) else { return plan };
    let mut code = |key, place: &mut Option<String>| {
        let Some(value) = table.string(key, report) else { return };
        if value.get_ref().is_empty() {
            // No code: the feature cannot be asked for.
            *place = None;
        } else if let Some(fault) = names::number_fault(value.get_ref()) {
            report.error(
                value.span(),
                format!("\"{}\" is no code: {fault}", excerpt(value.get_ref())),
                "as \"*70\"",
            );
        } else {
            *place = Some(value.into_inner());
        }
    };
    code("blind_transfer", &mut plan.blind_transfer);
    code("cancel_call_waiting", &mut plan.cancel_call_waiting);
    if let Some(value) = table.string("controller_leaves", report) {
        plan.controller_leaves = match value.get_ref().as_str() {
            "end" => ControllerLeaves::EndsAll,
            "join" => ControllerLeaves::JoinsTheOthers,
            other => {
                let found = format!("unknown value \"{}\"", excerpt(other));
                report.error(value.span(), found, "expected \"end\" or \"join\"");
                plan.controller_leaves
            }
        };
    }
    if let Some(value) = table.string("recall_ring", report) {
        match value.get_ref().parse() {
            Ok(ring) => plan.recall_ring = ring,
            Err(_) => {
                let found = format!("unknown ringing \"{}\"", excerpt(value.get_ref()));
                report.error(value.span(), found, "expected \"rg\" or \"r0\" to \"r7\"");
            }
        }
    }
    if let Some(value) = table.string("flash", report) {
        let found = FlashControl::ALL.iter().find(|(name, _)| name == value.get_ref());
        match found {
            Some((_, flash)) => plan.flash = *flash,
            None => {
                let found = format!("unknown value \"{}\"", excerpt(value.get_ref()));
                report.error(value.span(), found, "expected \"hook\" or \"digit\"");
            }
        }
    }
    plan
}
