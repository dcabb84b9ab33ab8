//! The rows of RFC 2897 section 3: an audio server that plays, collects and records.

use super::{COMPLETE, FAILURE, row};
use crate::package::{AudioOperation, Item, Parameters};

pub(super) const ADVANCED: &[Item] = &[
    row("pa", "play announcement").variable().with(Parameters::Audio(AudioOperation::Play)),
    row("pc", "play and collect").variable().with(Parameters::Audio(AudioOperation::Collect)),
    row("pr", "play and record").variable().with(Parameters::Audio(AudioOperation::Record)),
    row("es", "end signal").brief().with(Parameters::Audio(AudioOperation::End)),
    COMPLETE,
    FAILURE,
];
