//! From elements to values.

use strowger_mms::message::When;

use super::codes::StatusCode;
use super::message::{
    Address, Cancel, Content, Deliver, DeliveryReport, Message, MmStatus, Operation, ReadReply, Recipient,
    Recipients, Replace, Sender, Status, Submit,
};
use crate::time;
use crate::xml::Element;

/// Characters of a text.
const TEXT: usize = 1024;

fn invalid(details: impl Into<String>) -> Status {
    Status::because(StatusCode::VALIDATION, details)
}

/// The text of an element in this one, without what surrounds it.
fn text(element: &Element, name: &str) -> Result<Option<String>, Status> {
    let Some(text) = element.find(name).map(|found| found.text.trim()) else { return Ok(None) };
    if text.chars().count() > TEXT {
        return Err(invalid(format!("{name} has more than {TEXT} characters")));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn needed(element: &Element, name: &str) -> Result<String, Status> {
    text(element, name)?.ok_or_else(|| invalid(format!("{} has no {name}", element.name)))
}

/// A truth of XML Schema.
fn truth(name: &str, text: &str) -> Result<bool, Status> {
    match text.trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(invalid(format!("{name} is neither true nor false"))),
    }
}

fn flag(element: &Element, name: &str) -> Result<Option<bool>, Status> {
    text(element, name)?.map(|text| truth(name, &text)).transpose()
}

fn one_of(element: &Element, name: &str, words: &[&str]) -> Result<Option<String>, Status> {
    let Some(given) = text(element, name)? else { return Ok(None) };
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(&given));
    found
        .map(|word| Some((*word).to_owned()))
        .ok_or_else(|| invalid(format!("{name} is none of {}", words.join(", "))))
}

/// `relativeOrAbsoluteDateType`: a date or a span.
fn moment(element: &Element, name: &str) -> Result<Option<When>, Status> {
    let Some(text) = text(element, name)? else { return Ok(None) };
    let when = match text.starts_with('P') {
        true => time::span(&text).map(When::In),
        false => time::parse_local(&text).map(|millis| When::At(millis / 1000)),
    };
    when.map(Some).ok_or_else(|| invalid(format!("{name} is neither a date nor a span in days and seconds")))
}

fn date(element: &Element, name: &str) -> Result<Option<u64>, Status> {
    let Some(text) = text(element, name)? else { return Ok(None) };
    let millis = time::parse_local(&text).ok_or_else(|| invalid(format!("{name} is not a date")))?;
    Ok(Some(millis / 1000))
}

/// An address in one of its three elements, or as text alone, as the first releases have it.
fn address(element: &Element) -> Result<Option<Address>, Status> {
    for child in &element.children {
        if let Some(recipient) = recipient(child)? {
            return Ok(Some(recipient.address));
        }
    }
    let text = element.text.trim();
    match text.chars().count() {
        0 => Ok(None),
        1..=TEXT => Ok(Some(of_text(text))),
        _ => Err(invalid(format!("{} is too long", element.name))),
    }
}

/// What an address is by its looks.
fn of_text(text: &str) -> Address {
    let text = text.to_owned();
    if text.contains('@') {
        Address::Mail(text)
    } else if text.starts_with('+') || text.contains("/TYPE=") {
        Address::Number(text)
    } else {
        Address::ShortCode(text)
    }
}

fn recipient(element: &Element) -> Result<Option<Recipient>, Status> {
    let text = element.text.trim();
    if text.chars().count() > TEXT {
        return Err(invalid(format!("{} is too long", element.name)));
    }
    let text = text.to_owned();
    let address = match element.name.as_str() {
        "Number" => Address::Number(text),
        "RFC2822Address" => Address::Mail(text),
        "ShortCode" => Address::ShortCode(text),
        _ => return Ok(None),
    };
    if address.as_str().is_empty() {
        return Err(invalid(format!("{} is empty", element.name)));
    }
    let display_only =
        element.attribute("displayOnly").map(|value| truth("displayOnly", value)).transpose()?;
    Ok(Some(Recipient { address, display_only: display_only.unwrap_or(false) }))
}

fn recipients(element: &Element) -> Result<Recipients, Status> {
    let mut all = Recipients::default();
    let Some(element) = element.find("Recipients") else { return Ok(all) };
    for group in &element.children {
        let into = match group.name.as_str() {
            "To" => &mut all.to,
            "Cc" => &mut all.cc,
            "Bcc" => &mut all.bcc,
            _ => continue,
        };
        for child in &group.children {
            into.extend(recipient(child)?);
        }
    }
    Ok(all)
}

fn sender(element: &Element) -> Result<Sender, Status> {
    let Some(identification) = element.find("SenderIdentification") else { return Ok(Sender::default()) };
    let given = identification.find("SenderAddress");
    Ok(Sender {
        vaspid: text(identification, "VASPID")?,
        vasid: text(identification, "VASID")?,
        address: given.map(address).transpose()?.flatten(),
    })
}

fn content(element: &Element) -> Result<Option<Content>, Status> {
    let Some(content) = element.find("Content") else { return Ok(None) };
    let href = content.attribute("href").map(str::trim).filter(|href| !href.is_empty());
    let href = href.ok_or_else(|| invalid("Content has no href"))?;
    if href.chars().count() > TEXT {
        return Err(invalid("href is too long"));
    }
    let allowed = content.attribute("allowAdaptations");
    let allow_adaptations = allowed.map(|value| truth("allowAdaptations", value)).transpose()?;
    Ok(Some(Content { href: href.to_owned(), allow_adaptations }))
}

/// A request from its element.
pub(super) fn request(operation: Operation, element: &Element) -> Result<Message, Status> {
    Ok(match operation {
        Operation::Submit => Message::Submit(Box::new(submit(element)?)),
        Operation::Cancel => {
            Message::Cancel(Cancel { sender: sender(element)?, id: needed(element, "MessageID")? })
        }
        Operation::Replace => Message::Replace(Box::new(Replace {
            sender: sender(element)?,
            id: needed(element, "MessageID")?,
            earliest: moment(element, "EarliestDeliveryTime")?,
            read_reply: flag(element, "ReadReply")?,
            content: content(element)?,
        })),
        Operation::Deliver => Message::Deliver(Box::new(deliver(element)?)),
        Operation::DeliveryReport => {
            let (recipient, sender) = parties(element)?;
            Message::DeliveryReport(Box::new(DeliveryReport {
                server: text(element, "MMSRelayServerID")?.unwrap_or_default(),
                id: needed(element, "MessageID")?,
                recipient,
                sender,
                date: date(element, "Date")?.ok_or_else(|| invalid("DeliveryReportReq has no Date"))?,
                status: mm_status(element)?,
                text: text(element, "StatusText")?,
            }))
        }
        Operation::ReadReply => {
            let (recipient, sender) = parties(element)?;
            Message::ReadReply(Box::new(ReadReply {
                server: text(element, "MMSRelayServerID")?.unwrap_or_default(),
                id: needed(element, "MessageID")?,
                recipient,
                sender,
                date: date(element, "TimeStamp")?.ok_or_else(|| invalid("ReadReplyReq has no TimeStamp"))?,
                status: mm_status(element)?,
            }))
        }
    })
}

fn submit(element: &Element) -> Result<Submit, Status> {
    let recipients = recipients(element)?;
    if recipients.to.is_empty() && recipients.cc.is_empty() && recipients.bcc.is_empty() {
        return Err(invalid("SubmitReq has no recipient in To, Cc or Bcc"));
    }
    Ok(Submit {
        sender: sender(element)?,
        recipients,
        service_code: text(element, "ServiceCode")?,
        linked: text(element, "LinkedID")?,
        class: one_of(element, "MessageClass", &["Personal", "Informational", "Advertisement", "Auto"])?,
        time: moment(element, "TimeStamp")?,
        reply_charging: element.find("ReplyCharging").is_some(),
        earliest: moment(element, "EarliestDeliveryTime")?,
        expiry: moment(element, "ExpiryDate")?,
        delivery_report: flag(element, "DeliveryReport")?.unwrap_or(false),
        read_reply: flag(element, "ReadReply")?.unwrap_or(false),
        priority: one_of(element, "Priority", &["Low", "Normal", "High"])?,
        subject: text(element, "Subject")?,
        charged_party: text(element, "ChargedParty")?,
        distribution: flag(element, "DistributionIndicator")?,
        applic_id: text(element, "ApplicID")?,
        reply_applic_id: text(element, "ReplyApplicID")?,
        aux_applic_info: text(element, "AuxApplicInfo")?,
        content: content(element)?,
    })
}

fn deliver(element: &Element) -> Result<Deliver, Status> {
    let sender = element.find("Sender").map(address).transpose()?.flatten();
    Ok(Deliver {
        server: text(element, "MMSRelayServerID")?.unwrap_or_default(),
        vaspid: text(element, "VASPID")?,
        vasid: text(element, "VASID")?,
        linked: text(element, "LinkedID")?,
        sender: sender.ok_or_else(|| invalid("DeliverReq has no Sender"))?,
        recipients: recipients(element)?,
        time: date(element, "TimeStamp")?,
        priority: one_of(element, "Priority", &["Low", "Normal", "High"])?,
        subject: text(element, "Subject")?,
        content: content(element)?,
    })
}

/// Recipient and sender of a report.
fn parties(element: &Element) -> Result<(Address, Address), Status> {
    let find = |name: &str| {
        let found = element.find(name).map(address).transpose()?.flatten();
        found.ok_or_else(|| invalid(format!("{} has no {name}", element.name)))
    };
    Ok((find("Recipient")?, find("Sender")?))
}

fn mm_status(element: &Element) -> Result<MmStatus, Status> {
    let word = needed(element, "MMStatus")?;
    let found = MmStatus::TABLE.iter().find(|(_, known)| known.eq_ignore_ascii_case(&word));
    found.map(|(status, _)| *status).ok_or_else(|| invalid("MMStatus is no word of the schema"))
}

fn status(element: &Element) -> Option<Status> {
    // Some peers leave the element between out.
    let status = element.find("Status").unwrap_or(element);
    let code = status.find("StatusCode")?.text.trim().parse().ok()?;
    let short = |name: &str| {
        let found = status.find(name).map(|found| found.text.trim().chars().take(TEXT).collect());
        found.filter(|text: &String| !text.is_empty())
    };
    let code = StatusCode(code);
    let text = short("StatusText").unwrap_or_else(|| code.text().to_owned());
    Some(Status { code, text, details: short("Details") })
}

/// An answer from its element.
pub(super) fn response(to: Operation, element: &Element) -> Result<Message, Status> {
    let status = status(element).ok_or_else(|| invalid(format!("{} has no StatusCode", element.name)))?;
    Ok(Message::Response { to, status, id: text(element, "MessageID")? })
}

/// The status in a fault, or the general one when it has none.
pub(super) fn fault(element: &Element) -> Status {
    let details = element.find("detail").into_iter().flat_map(|detail| &detail.children);
    details.filter_map(status).next().unwrap_or_else(|| {
        let words = element.find("faultstring").map(|words| words.text.trim().chars().take(TEXT).collect());
        Status { code: StatusCode(4000), text: words.unwrap_or_default(), details: None }
    })
}
