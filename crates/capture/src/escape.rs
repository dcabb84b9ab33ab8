//! The one place where text from the wire becomes text for people.
//!
//! Names, commentary and descriptions come from peers; shown as they are, a line end forges a log line, an escape
//! sequence drives a terminal, and a direction mark turns what is read around. Everything that this crate shows,
//! in text and in JSON, went through [`escape`]; others who print what a peer said should do the same.

use std::fmt;

/// Octets to be shown: printable ASCII and letters of the Latin, Greek and Cyrillic scripts as they are, all else as
/// an escape. A backslash is doubled, so that the output says exactly what the input was.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(&'a [u8]);

/// Escapes octets from a peer for a log line, a terminal, a ladder or JSON.
#[must_use]
pub fn escape<T: AsRef<[u8]> + ?Sized>(octets: &T) -> Escaped<'_> {
    Escaped(octets.as_ref())
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    '\r' => f.write_str("\\r")?,
                    '\n' => f.write_str("\\n")?,
                    '\t' => f.write_str("\\t")?,
                    ' '..='~' | '\u{c0}'..='\u{24f}' | '\u{386}'..='\u{3ff}' | '\u{400}'..='\u{481}' => {
                        fmt::Write::write_char(f, character)?;
                    }
                    '\0'..='\x7f' => write!(f, "\\x{:02x}", u32::from(character))?,
                    _ => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                }
            }
            for octet in chunk.invalid() {
                write!(f, "\\x{octet:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// An excerpt that an error keeps, in quotes and up to its line's end; `longest` is what an excerpt holds at most.
pub(crate) fn excerpt(found: &[u8], longest: usize) -> String {
    let end = found.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
    let line = match end {
        // A line end at the start is itself what was found.
        Some(0) => found.get(..1).unwrap_or_default(),
        Some(end) => found.get(..end).unwrap_or_default(),
        None => found,
    };
    let more = if line.len() >= longest { "..." } else { "" };
    if line.is_empty() { "nothing".to_owned() } else { format!("\"{}{more}\"", escape(line)) }
}

/// At most `most` characters; what is left out shows as three dots.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(3);
    text.chars().take(kept).chain(std::iter::repeat_n('.', most - kept)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_drives_a_terminal_or_a_log_gets_through() {
        for octet in 0..=u8::MAX {
            let shown = escape(&[octet]).to_string();
            assert!(
                shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{octet:02x} shows as {shown:?}"
            );
        }
        let text = "a\r\nOct 1 forged\x1b]0;x\x07 \u{202e}evil\u{2028}\u{9b}31m\u{85}";
        assert_eq!(
            escape(text).to_string(),
            "a\\r\\nOct 1 forged\\x1b]0;x\\x07 \\u{202e}evil\\u{2028}\\u{9b}31m\\u{85}"
        );
    }

    #[test]
    fn letters_stay_readable_and_broken_encodings_show_their_octets() {
        assert_eq!(escape("Zoë Müller Ωμέγα Ирина").to_string(), "Zoë Müller Ωμέγα Ирина");
        assert_eq!(escape(b"caf\xe9 \xff").to_string(), "caf\\xe9 \\xff");
        assert_eq!(escape("\u{4e2d}\u{301}").to_string(), "\\u{4e2d}\\u{301}");
    }

    #[test]
    fn what_was_escaped_cannot_be_mistaken_for_what_came_escaped() {
        assert_eq!(escape("\\r").to_string(), "\\\\r");
        assert_eq!(escape("\r").to_string(), "\\r");
    }

    #[test]
    fn an_excerpt_ends_with_its_line() {
        assert_eq!(excerpt(b"", 24), "nothing");
        assert_eq!(excerpt(b"a\x1bb\r\nc", 24), "\"a\\x1bb\"");
        assert_eq!(excerpt(b"\r\nc", 24), "\"\\r\"");
        assert_eq!(excerpt(b"abcd", 4), "\"abcd...\"");
    }

    #[test]
    fn a_text_is_cut_by_characters() {
        assert_eq!(shortened("Müller", 6), "Müller");
        assert_eq!(shortened("Müllerin", 6), "Mül...");
        assert_eq!(shortened("abc", 2), "..");
    }
}
