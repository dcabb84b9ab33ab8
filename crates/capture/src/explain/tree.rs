//! What an explanation is made of, and its form as text.

use std::fmt;

use serde::Serialize;

use crate::escape::escape;
use crate::protocol::Protocol;

/// A message, field by field, and what is wrong with it. All text in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The protocol that it was read as.
    pub protocol: Protocol,
    /// How many octets it has.
    pub length: usize,
    /// The fields.
    pub nodes: Vec<Node>,
    /// What breaks a rule: with any of these the message is illegal.
    pub faults: Vec<Fault>,
    /// What is legal or tolerated, but worth a look.
    pub remarks: Vec<Fault>,
}

/// One field, with its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The field's name in its RFC.
    pub label: String,
    /// Its value as it came.
    pub value: String,
    /// Offset of its first octet.
    pub start: usize,
    /// Offset after its last octet.
    pub end: usize,
    /// Where the field is defined.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub clause: &'static str,
    /// What the value means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

/// A rule that is broken, or kept in a way that is worth a remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub offset: usize,
    /// How many octets it covers; 0 where the reader does not say.
    #[serde(skip_serializing_if = "is_zero")]
    pub length: usize,
    /// What stands there; empty when it is something missing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// The rule, or the remark, in words.
    pub rule: String,
    /// Where the rule is written.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub clause: String,
    /// What a receiver answers, where the protocol has an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(length: &usize) -> bool {
    *length == 0
}

impl Explained {
    pub(super) fn new(protocol: Protocol, octets: &[u8]) -> Self {
        Self { protocol, length: octets.len(), nodes: Vec::new(), faults: Vec::new(), remarks: Vec::new() }
    }

    /// Whether the message breaks no rule.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Node {
    /// A field; `value` is escaped here.
    pub(super) fn new(
        label: &str,
        value: impl AsRef<[u8]>,
        range: std::ops::Range<usize>,
        clause: &'static str,
    ) -> Self {
        Self {
            label: label.to_owned(),
            value: escape(value.as_ref()).to_string(),
            start: range.start,
            end: range.end,
            clause,
            note: None,
            children: Vec::new(),
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(super) fn maybe(mut self, note: Option<impl Into<String>>) -> Self {
        self.note = note.map(Into::into);
        self
    }

    /// Takes parts, and stretches over them.
    pub(super) fn adopt(&mut self, parts: impl IntoIterator<Item = Self>) {
        for part in parts {
            self.start = self.start.min(part.start);
            self.end = self.end.max(part.end);
            self.children.push(part);
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "{:indent$}{}", "", self.label, indent = 2 * depth)?;
        if !self.value.is_empty() {
            write!(f, ": {}", self.value)?;
        }
        if let Some(note) = &self.note {
            write!(f, " ({note})")?;
        }
        write!(f, "  [{}..{}", self.start, self.end)?;
        if !self.clause.is_empty() {
            write!(f, ", {}", self.clause)?;
        }
        writeln!(f, "]")?;
        self.children.iter().try_for_each(|child| child.write(f, depth + 1))
    }
}

/// `offset 12..13: found "x"; a rule (clause); answered with 510`, without the end where the reader does not say it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}", self.offset)?;
        if self.length > 0 {
            write!(f, "..{}", self.offset.saturating_add(self.length))?;
        }
        f.write_str(": ")?;
        if !self.found.is_empty() {
            write!(f, "found {}; ", self.found)?;
        }
        f.write_str(&self.rule)?;
        if !self.clause.is_empty() {
            write!(f, " ({})", self.clause)?;
        }
        match &self.answer {
            Some(answer) => write!(f, "; answered with {answer}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judged = if self.is_legal() { "legal" } else { "illegal" };
        writeln!(f, "{}, {} octets, {judged}", self.protocol, self.length)?;
        self.nodes.iter().try_for_each(|node| node.write(f, 0))?;
        for fault in &self.faults {
            writeln!(f, "illegal: {fault}")?;
        }
        for remark in &self.remarks {
            writeln!(f, "remark: {remark}")?;
        }
        Ok(())
    }
}
