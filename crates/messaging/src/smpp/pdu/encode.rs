//! Units -> octets. Texts are cut at the sizes of the specification, so that what goes out is always legal.

use super::{
    Address, Bind, Body, DESTINATIONS, Destination, MultiResp, Named, Pdu, QueryResp, ReplaceSm,
    ShortMessage, SubmitMulti,
};
use crate::smpp::tlv;

/// Octets of the fields, ends included (sections 4.1 to 4.12).
mod size {
    pub(super) const SYSTEM_ID: usize = 16;
    pub(super) const PASSWORD: usize = 9;
    pub(super) const SYSTEM_TYPE: usize = 13;
    pub(super) const ADDRESS_RANGE: usize = 41;
    pub(super) const SERVICE_TYPE: usize = 6;
    pub(super) const ADDRESS: usize = 21;
    /// In `data_sm` and `alert_notification`.
    pub(super) const LONG_ADDRESS: usize = 65;
    pub(super) const LIST: usize = 21;
    pub(super) const TIME: usize = 17;
    pub(super) const MESSAGE_ID: usize = 65;
    pub(super) const TEXT: usize = 254;
}

/// Appends a unit. Texts are cut at the sizes of the specification, so that what goes out is always legal.
pub fn encode(pdu: &Pdu, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&pdu.body.command().to_be_bytes());
    out.extend_from_slice(&pdu.status.0.to_be_bytes());
    out.extend_from_slice(&pdu.sequence.to_be_bytes());
    let is_ok = pdu.status.is_ok();
    match &pdu.body {
        Body::Bind(_, bind) => encode_bind(bind, out),
        // The answers to binds have no body when they refuse.
        Body::BindResp(_, system_id, tlvs) if is_ok => {
            text(system_id, size::SYSTEM_ID, out);
            tlv::encode(tlvs, out);
        }
        Body::SubmitSm(message) | Body::DeliverSm(message) => {
            text(&message.service_type, size::SERVICE_TYPE, out);
            address(&message.source, size::ADDRESS, out);
            address(&message.destination, size::ADDRESS, out);
            encode_rest(message, out);
        }
        Body::SubmitSmResp(named) | Body::DataSmResp(named) => encode_named(named, out),
        // The message identifier is there and unused (section 4.6.2).
        Body::DeliverSmResp => out.push(0),
        Body::DataSm(message) => encode_data(message, out),
        Body::SubmitMulti(multi) => encode_multi(multi, out),
        Body::SubmitMultiResp(Some(resp)) if is_ok => encode_multi_resp(resp, out),
        Body::QuerySm(query) => {
            text(&query.message_id, size::MESSAGE_ID, out);
            address(&query.source, size::ADDRESS, out);
        }
        Body::QuerySmResp(Some(resp)) if is_ok => encode_query_resp(resp, out),
        Body::CancelSm(cancel) => {
            text(&cancel.service_type, size::SERVICE_TYPE, out);
            text(&cancel.message_id, size::MESSAGE_ID, out);
            address(&cancel.source, size::ADDRESS, out);
            address(&cancel.destination, size::ADDRESS, out);
        }
        Body::ReplaceSm(replace) => encode_replace(replace, out),
        Body::AlertNotification(alert) => {
            address(&alert.source, size::LONG_ADDRESS, out);
            address(&alert.esme, size::LONG_ADDRESS, out);
            tlv::encode(&alert.tlvs, out);
        }
        Body::Outbind(outbind) => {
            text(&outbind.system_id, size::SYSTEM_ID, out);
            text(&outbind.password, size::PASSWORD, out);
        }
        Body::Other(_, bytes) => out.extend_from_slice(bytes),
        Body::BindResp(..)
        | Body::SubmitMultiResp(_)
        | Body::QuerySmResp(_)
        | Body::CancelSmResp
        | Body::ReplaceSmResp
        | Body::EnquireLink
        | Body::EnquireLinkResp
        | Body::Unbind
        | Body::UnbindResp
        | Body::GenericNack => {}
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length);
    }
}

fn encode_bind(bind: &Bind, out: &mut Vec<u8>) {
    text(&bind.system_id, size::SYSTEM_ID, out);
    text(&bind.password, size::PASSWORD, out);
    text(&bind.system_type, size::SYSTEM_TYPE, out);
    out.extend_from_slice(&[bind.interface_version, bind.ton, bind.npi]);
    text(&bind.address_range, size::ADDRESS_RANGE, out);
}

/// Everything behind the addresses.
fn encode_rest(message: &ShortMessage, out: &mut Vec<u8>) {
    out.extend_from_slice(&[message.esm_class, message.protocol_id, message.priority]);
    text(&message.schedule, size::TIME, out);
    text(&message.validity, size::TIME, out);
    out.extend_from_slice(&[
        message.registered_delivery,
        message.replace_if_present,
        message.data_coding,
        message.default_message,
    ]);
    octets(&message.text, out);
    tlv::encode(&message.tlvs, out);
}

/// A message in the unit that has no text: it goes as `message_payload`.
fn encode_data(message: &ShortMessage, out: &mut Vec<u8>) {
    text(&message.service_type, size::SERVICE_TYPE, out);
    address(&message.source, size::LONG_ADDRESS, out);
    address(&message.destination, size::LONG_ADDRESS, out);
    out.extend_from_slice(&[message.esm_class, message.registered_delivery, message.data_coding]);
    tlv::encode(&message.tlvs, out);
    if !message.text.is_empty() && message.tlv(tlv::MESSAGE_PAYLOAD).is_none() {
        tlv::encode_one(tlv::MESSAGE_PAYLOAD, &message.text, out);
    }
}

fn encode_multi(multi: &SubmitMulti, out: &mut Vec<u8>) {
    text(&multi.message.service_type, size::SERVICE_TYPE, out);
    address(&multi.message.source, size::ADDRESS, out);
    let destinations = multi.destinations.iter().take(DESTINATIONS);
    out.push(u8::try_from(destinations.len()).unwrap_or(u8::MAX));
    for destination in destinations {
        match destination {
            Destination::Address(to) => {
                out.push(1);
                address(to, size::ADDRESS, out);
            }
            Destination::List(name) => {
                out.push(2);
                text(name, size::LIST, out);
            }
        }
    }
    encode_rest(&multi.message, out);
}

fn encode_multi_resp(resp: &MultiResp, out: &mut Vec<u8>) {
    text(&resp.message_id, size::MESSAGE_ID, out);
    let refused = resp.refused.iter().take(DESTINATIONS);
    out.push(u8::try_from(refused.len()).unwrap_or(u8::MAX));
    for (to, status) in refused {
        address(to, size::ADDRESS, out);
        out.extend_from_slice(&status.0.to_be_bytes());
    }
    tlv::encode(&resp.tlvs, out);
}

fn encode_query_resp(resp: &QueryResp, out: &mut Vec<u8>) {
    text(&resp.message_id, size::MESSAGE_ID, out);
    text(&resp.final_date, size::TIME, out);
    out.extend_from_slice(&[resp.state.code(), resp.error_code]);
}

fn encode_replace(replace: &ReplaceSm, out: &mut Vec<u8>) {
    text(&replace.message_id, size::MESSAGE_ID, out);
    address(&replace.source, size::ADDRESS, out);
    text(&replace.schedule, size::TIME, out);
    text(&replace.validity, size::TIME, out);
    out.extend_from_slice(&[replace.registered_delivery, replace.default_message]);
    octets(&replace.text, out);
    tlv::encode(&replace.tlvs, out);
}

/// A refusal has no name (section 4.4.2); where parameters follow, its place is empty.
fn encode_named(named: &Named, out: &mut Vec<u8>) {
    match &named.message_id {
        Some(id) => text(id, size::MESSAGE_ID, out),
        None if named.tlvs.is_empty() => {}
        None => out.push(0),
    }
    tlv::encode(&named.tlvs, out);
}

fn address(address: &Address, size: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[address.ton, address.npi]);
    text(&address.digits, size, out);
}

/// Octets behind one octet of length.
fn octets(octets: &[u8], out: &mut Vec<u8>) {
    let octets = octets.get(..octets.len().min(size::TEXT)).unwrap_or_default();
    out.push(u8::try_from(octets.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(octets);
}

/// A text with its NUL, in at most `size` octets.
fn text(text: &str, size: usize, out: &mut Vec<u8>) {
    let octets = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).take_while(|c| *c != 0);
    out.extend(octets.take(size.saturating_sub(1)));
    out.push(0);
}
