//! The message that `strowger handset` sends (m-send-req).

use std::path::{Path, PathBuf};

use strowger_messaging::handset::{Draft, DraftPart};

/// The parts of one message: more than a handset can show, and what a command line can hold.
const PARTS: usize = 100;

/// What it sends.
#[derive(Debug, clap::Args)]
pub(super) struct Outgoing {
    /// Send a message to this number or mail address; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    send: Vec<String>,
    /// Its subject
    #[arg(long, value_name = "TEXT", requires = "send")]
    subject: Option<String>,
    /// A part of text
    #[arg(long, value_name = "TEXT", requires = "send")]
    text: Option<String>,
    /// A part from a file; its type goes by the ending, or is given as FILE:TYPE; may be repeated
    #[arg(long, value_name = "FILE[:TYPE]", requires = "send")]
    part: Vec<String>,
    /// Ask for a report when it is delivered
    #[arg(long, requires = "send")]
    delivery_report: bool,
    /// Ask for a report when it is read
    #[arg(long, requires = "send")]
    read_report: bool,
}

impl Outgoing {
    /// Whether there is nothing to send.
    pub(super) const fn is_empty(&self) -> bool {
        self.send.is_empty()
    }

    /// The message, encoded; none when there is nothing to send.
    pub(super) fn draft(&self) -> Result<Option<Vec<u8>>, String> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut parts = Vec::new();
        if let Some(text) = &self.text {
            let data = text.clone().into_bytes();
            parts.push(DraftPart { name: "text.txt".to_owned(), media: "text/plain".to_owned(), data });
        }
        for given in &self.part {
            parts.push(part(given)?);
        }
        match parts.len() {
            0 => return Err("the message is empty: expected --text or --part".to_owned()),
            1..=PARTS => {}
            _ => return Err(format!("more than {PARTS} parts")),
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let draft = Draft {
            transaction: format!("{:016x}", u64::from_be_bytes(random)),
            to: self.send.iter().map(|to| recipient(to)).collect::<Result<_, _>>()?,
            subject: self.subject.clone(),
            delivery_report: self.delivery_report,
            read_report: self.read_report,
            parts,
            ..Draft::default()
        };
        Ok(Some(draft.encode()))
    }
}

/// As addresses are written in MMS (OMA-MMS-ENC 8): a number has its type, a mail address stands as it is.
fn recipient(given: &str) -> Result<String, String> {
    if given.contains('@') || given.contains("/TYPE=") {
        return Ok(given.to_owned());
    }
    let digits = given.strip_prefix('+').unwrap_or(given);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!("\"{}\" is neither a number nor a mail address", given.escape_debug()));
    }
    Ok(format!("{given}/TYPE=PLMN"))
}

fn part(given: &str) -> Result<DraftPart, String> {
    let typed = given.rsplit_once(':').filter(|(_, media)| media.contains('/') && !media.starts_with('/'));
    let (path, media) = match typed {
        Some((path, media)) => (PathBuf::from(path), media.to_owned()),
        None => (PathBuf::from(given), media_type(Path::new(given)).to_owned()),
    };
    let data = std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.filter(|name| name.is_ascii() && !name.contains(char::is_whitespace));
    Ok(DraftPart { name: name.unwrap_or_else(|| "part".to_owned()), media, data })
}

/// The media type by the ending of a name: those of the MMS conformance document's content classes.
fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "png" => "image/png",
        "wbmp" => "image/vnd.wap.wbmp",
        "txt" => "text/plain",
        "vcf" => "text/x-vCard",
        "vcs" => "text/x-vCalendar",
        "amr" => "audio/amr",
        "mid" | "midi" => "audio/sp-midi",
        "3gp" => "video/3gpp",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_recipient_is_a_number_with_its_type_or_a_mail_address() {
        assert_eq!(recipient("2002").unwrap(), "2002/TYPE=PLMN");
        assert_eq!(recipient("+15550100").unwrap(), "+15550100/TYPE=PLMN");
        assert_eq!(recipient("a@example.com").unwrap(), "a@example.com");
        assert_eq!(recipient("10.0.0.1/TYPE=IPv4").unwrap(), "10.0.0.1/TYPE=IPv4");
        assert!(recipient("+").is_err() && recipient("two").is_err() && recipient("").is_err());
    }

    #[test]
    fn a_part_has_the_type_of_its_ending_or_the_one_that_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a picture.PNG");
        std::fs::write(&file, b"octets").unwrap();
        let file = file.display().to_string();
        let read = part(&file).unwrap();
        assert_eq!(
            (read.name.as_str(), read.media.as_str(), read.data.as_slice()),
            ("part", "image/png", &b"octets"[..])
        );
        assert_eq!(part(&format!("{file}:image/x-own")).unwrap().media, "image/x-own");
        assert!(part(&format!("{file}.none")).is_err());
    }
}
