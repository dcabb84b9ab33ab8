//! Presentations (SMIL 2.0 in the profile that MMS uses): a minimal one is made, and of any other it is told what it refers to.
//! Presentations come from strangers: they are read with the bounded reader of [`xml`] and never executed.

use std::fmt::Write as _;

use crate::limits::Limits;
use crate::xml::{self, Event, XmlError};

/// What a slide shows, each by the name of its part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slide<'a> {
    /// A picture.
    pub image: Option<&'a str>,
    /// A text.
    pub text: Option<&'a str>,
    /// A sound.
    pub audio: Option<&'a str>,
    /// A film, in the place of a picture.
    pub video: Option<&'a str>,
    /// For how many milliseconds; five seconds when nothing is said.
    pub milliseconds: Option<u32>,
}

/// A presentation of these slides, with a region for pictures above one for text.
#[must_use]
pub fn presentation(slides: &[Slide<'_>]) -> String {
    let mut out = String::from(
        "<smil><head><layout><root-layout width=\"100%\" height=\"100%\"/>\
         <region id=\"Image\" left=\"0\" top=\"0\" width=\"100%\" height=\"70%\" fit=\"meet\"/>\
         <region id=\"Text\" left=\"0\" top=\"70%\" width=\"100%\" height=\"30%\" fit=\"scroll\"/></layout></head><body>",
    );
    for slide in slides {
        let _ = write!(out, "<par dur=\"{}ms\">", slide.milliseconds.unwrap_or(5_000));
        let media = [
            ("img", slide.image, " region=\"Image\""),
            ("video", slide.video, " region=\"Image\""),
            ("text", slide.text, " region=\"Text\""),
            ("audio", slide.audio, ""),
        ];
        for (element, source, region) in media {
            if let Some(source) = source {
                let _ = write!(out, "<{element} src=\"{}\"{region}/>", xml::escape(source));
            }
        }
        out.push_str("</par>");
    }
    out.push_str("</body></smil>");
    out
}

/// What a presentation refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The element: `img`, `text`, `audio`, `video`, `ref`, `a`.
    pub element: String,
    /// What it names.
    pub source: String,
}

impl Reference {
    /// Whether it names a part of the message: `cid:` with an identifier, or a plain name. Anything else leads out of the
    /// message, and a receiver does not follow it.
    #[must_use]
    pub fn is_within(&self) -> bool {
        let source = self.source.trim();
        match source.split_once(':') {
            Some((scheme, id)) => scheme.eq_ignore_ascii_case("cid") && !id.is_empty(),
            None => !source.is_empty() && !source.contains(['/', '\\']) && source != ".." && source != ".",
        }
    }
}

/// Everything that a presentation refers to, in order.
///
/// # Errors
/// [`XmlError`] where it cannot be read.
pub fn references(text: &str, limits: &Limits) -> Result<Vec<Reference>, XmlError> {
    let mut found = Vec::new();
    for event in xml::Reader::new(text, limits) {
        let Event::Start { name, attributes, .. } = event? else { continue };
        for (attribute, value) in attributes {
            if matches!(attribute, "src" | "href") {
                found.push(Reference { element: name.to_owned(), source: value.into_owned() });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presentation_refers_to_its_parts() {
        let slides = [
            Slide { image: Some("p.jpg"), text: Some("a & b.txt"), ..Slide::default() },
            Slide { audio: Some("cid:s"), milliseconds: Some(8_000), ..Slide::default() },
        ];
        let text = presentation(&slides);
        let found = references(&text, &Limits::DEFAULT).unwrap();
        let sources: Vec<_> = found.iter().map(|reference| reference.source.as_str()).collect();
        assert_eq!(sources, ["p.jpg", "a & b.txt", "cid:s"]);
        assert!(found.iter().all(Reference::is_within));
        assert!(text.contains("dur=\"8000ms\""));
    }

    #[test]
    fn references_that_lead_out_of_the_message_are_told() {
        for source in [
            "../../etc/passwd",
            "http://other.example/track",
            "file:///x",
            "//other.example/x",
            "a/b",
            "..",
            "",
            "cid:",
        ] {
            let text = format!("<smil><body><img src=\"{source}\"/></body></smil>");
            let found = references(&text, &Limits::DEFAULT).unwrap();
            assert!(!found[0].is_within(), "{source}");
        }
        assert!(references("<smil><img src=\"a\"></smil>", &Limits::DEFAULT).is_err());
    }
}
