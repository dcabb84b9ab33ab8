//! How messages come in: from a sender, and from a recipient who gives one on without fetching it.

use std::collections::BTreeSet;

use strowger_mms::message::{ResponseStatus, When};
use strowger_sansio::Time;

use super::super::message::{
    BodyKey, Delivery, DeliveryId, Envelope, MessageSeq, Previous, Report, State, Via,
};
use super::super::party::Party;
use super::super::request::{
    Answer, Change, Event, Forwarding, NewBody, OrderId, Purpose, Replacement, Submission, Submitted,
};
use super::{Mmsc, whole_millis};

/// The unguessable part of a content location: 132 bits in 22 characters, so that a notification fits one short message.
const TOKEN: usize = 22;
/// The alphabet of RFC 4648 section 5, which needs no escapes in a URL.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A recipient who does not get the message, and why.
struct LeftOut {
    to: Party,
    why: String,
}

/// A refusal, before it is an answer.
struct Refused(ResponseStatus, String);

/// A recipient, and how he is reached.
type Recipient = (Party, Via);

/// When a message may be delivered and when it expires.
struct Times {
    not_before: u64,
    expires: u64,
}

fn refused(status: ResponseStatus, text: impl Into<String>) -> Refused {
    Refused(status, text.into())
}

impl Mmsc {
    /// m-send-req, or its like from an application.
    pub(super) fn submit(&mut self, now: Time, submission: Submission) -> Answer {
        let repeated = self.repeated(&submission.from, &submission.transaction, submission.digest);
        if let Some(answer) = repeated {
            return answer;
        }
        let admitted = self.admit(now, &submission);
        let (recipients, times, left_out) = match admitted {
            Ok(admitted) => admitted,
            Err(refused) => return self.refuse(refused),
        };
        let seq = MessageSeq(self.next);
        self.next += 1;
        let body = BodyKey(seq.0);
        self.changes.push_back(Change::PutBody(body, submission.body));
        let envelope = Envelope {
            seq,
            id: self.message_id(),
            from: Some(submission.from),
            alias: submission.alias,
            shown: submission.shown,
            transaction: submission.transaction,
            digest: submission.digest,
            version: submission.version,
            subject: submission.subject,
            class: submission.class,
            priority: submission.priority,
            shown_to: submission.shown_to,
            shown_cc: submission.shown_cc,
            date: submission.date.unwrap_or(now.as_millis() / 1000),
            accepted: now.as_millis(),
            not_before: times.not_before,
            expires: times.expires,
            delivery_report: submission.delivery_report,
            read_report: submission.read_report,
            previous: Vec::new(),
            content_type: submission.content_type,
            further: submission.further,
            body,
            size: submission.size,
            deliveries: Vec::new(),
            reference: submission.reference,
        };
        self.accept(now, envelope, recipients, left_out)
    }

    /// m-forward-req: the message goes on as it is, and is over for who gives it on.
    pub(super) fn forward(&mut self, now: Time, forwarding: &Forwarding) -> Answer {
        let repeated = self.repeated(&forwarding.by, &forwarding.transaction, forwarding.digest);
        if let Some(answer) = repeated {
            return answer;
        }
        let not_found =
            || refused(ResponseStatus::PermanentMessageNotFound, "there is no such message to be given on");
        let token = forwarding.location.rsplit('/').next().unwrap_or_default();
        let Some(id) = self.by_token.get(token).copied() else { return self.refuse(not_found()) };
        let mine = self
            .delivery(id)
            .filter(|(_, delivery)| delivery.to == forwarding.by && !delivery.state.is_final());
        let Some((original, _)) = mine else { return self.refuse(not_found()) };
        let original = original.clone();
        let admitted = self.times(now, forwarding.delivery_time, forwarding.expiry).and_then(|times| {
            let wanted = self.recipients(&forwarding.recipients, original.size)?;
            self.allow(now, &forwarding.by, wanted.0.len())?;
            Ok((wanted, times))
        });
        let ((recipients, left_out), times) = match admitted {
            Ok(admitted) => admitted,
            Err(refused) => return self.refuse(refused),
        };
        let mut previous = original.previous.clone();
        if let Some(from) = original.visible_sender() {
            previous.push(Previous::from((&original, from)));
        }
        let seq = MessageSeq(self.next);
        self.next += 1;
        let envelope = Envelope {
            seq,
            id: self.message_id(),
            from: Some(forwarding.by.clone()),
            alias: None,
            shown: true,
            transaction: forwarding.transaction.clone(),
            digest: forwarding.digest,
            version: forwarding.version,
            shown_to: forwarding.shown_to.clone(),
            shown_cc: forwarding.shown_cc.clone(),
            date: forwarding.date.unwrap_or(now.as_millis() / 1000),
            accepted: now.as_millis(),
            not_before: times.not_before,
            expires: times.expires,
            delivery_report: forwarding.delivery_report,
            read_report: forwarding.read_report,
            previous,
            deliveries: Vec::new(),
            reference: None,
            ..original
        };
        let answer = self.accept(now, envelope, recipients, left_out);
        // Only now: the body has another user, and outlives this one.
        self.end(now, id, State::Forwarded, forwarding.report_allowed);
        answer
    }

    /// The answer to a request that was granted before.
    fn repeated(&mut self, from: &Party, transaction: &str, digest: u64) -> Option<Answer> {
        let key = (from.clone(), transaction.to_owned(), digest);
        if let Some(seq) = self.submissions.get(&key) {
            let envelope = self.envelopes.get(seq)?;
            let id = envelope.id.clone();
            let left_out =
                envelope.deliveries.iter().filter(|delivery| delivery.was_left_out(envelope.accepted));
            let names: Vec<_> = left_out.map(|delivery| delivery.to.to_string()).collect();
            let (status, text) = match names.is_empty() {
                true => (ResponseStatus::Ok, None),
                false => (ResponseStatus::PartialSuccess, Some(format!("not to {}", names.join(", ")))),
            };
            self.events.push_back(Event::Repeated);
            return Some(Answer::Submitted(Submitted { status, text, id: Some(id), fresh: false }));
        }
        // Handsets begin to count anew: the same identifier with other content is another message, and does not touch the first.
        let first = (from.clone(), transaction.to_owned(), 0);
        let mut known = self
            .submissions
            .range(first..)
            .take_while(|((party, name, _), _)| party == from && name == transaction);
        if known.next().is_some() {
            self.events.push_back(Event::Reused);
        }
        None
    }

    fn refuse(&mut self, Refused(status, text): Refused) -> Answer {
        self.events.push_back(Event::Refused(status));
        Answer::Submitted(Submitted { status, text: Some(text), id: None, fresh: false })
    }

    /// Whether a submission may come in at all, and for whom.
    fn admit(
        &mut self,
        now: Time,
        submission: &Submission,
    ) -> Result<(Vec<Recipient>, Times, Vec<LeftOut>), Refused> {
        self.fits(submission.size)?;
        if let Some(linked) = &submission.linked
            && !self.is_linked(&submission.from, linked)
        {
            let text = "the message that is answered is not known";
            return Err(refused(ResponseStatus::PermanentMessageNotFound, text));
        }
        let times = self.times(now, submission.delivery_time, submission.expiry)?;
        let (recipients, left_out) = self.recipients(&submission.recipients, submission.size)?;
        self.allow(now, &submission.from, recipients.len())?;
        Ok((recipients, times, left_out))
    }

    fn fits(&self, octets: u64) -> Result<(), Refused> {
        if octets > self.config.message_octets as u64 {
            let text = format!("a message has at most {} octets", self.config.message_octets);
            return Err(refused(ResponseStatus::PermanentContentNotAccepted, text));
        }
        Ok(())
    }

    /// Whether `by` has sent or been given the message.
    fn is_linked(&self, by: &Party, id: &str) -> bool {
        let envelope = self.by_id.get(id).and_then(|seq| self.envelopes.get(seq));
        envelope.is_some_and(|envelope| {
            let given = |delivery: &Delivery| delivery.to == *by || delivery.via.party().as_ref() == Some(by);
            envelope.from.as_ref() == Some(by) || envelope.deliveries.iter().any(given)
        })
    }

    fn times(&self, now: Time, delivery: Option<When>, expiry: Option<When>) -> Result<Times, Refused> {
        let now_ms = now.as_millis();
        let at = |when: When| when.counted_from(now_ms / 1000).saturating_mul(1000);
        let not_before = delivery.map_or(now_ms, at).max(now_ms);
        if not_before - now_ms > whole_millis(self.config.longest_expiry) {
            return Err(refused(ResponseStatus::PermanentServiceDenied, "Delivery-Time is too far away"));
        }
        let asked = expiry.map(at);
        if asked.is_some_and(|end| end <= not_before) {
            return Err(refused(
                ResponseStatus::PermanentFormatCorrupt,
                "the message would expire before it is delivered",
            ));
        }
        let lifetime = self.lifetime(asked.map(|end| end - not_before));
        Ok(Times { not_before, expires: not_before.saturating_add(lifetime) })
    }

    /// The recipients, each once, and what is said about those who cannot be one.
    fn recipients(
        &mut self,
        written: &[String],
        size: u64,
    ) -> Result<(Vec<Recipient>, Vec<LeftOut>), Refused> {
        if written.is_empty() {
            return Err(refused(ResponseStatus::PermanentFormatCorrupt, "nobody is to get the message"));
        }
        if written.len() > self.config.recipients {
            let text = format!("a message has at most {} recipients", self.config.recipients);
            return Err(refused(ResponseStatus::PermanentServiceDenied, text));
        }
        if self.envelopes.len() >= self.config.messages {
            // What ended longest ago gives way to what is to be delivered.
            match self.remembered.first().copied() {
                Some((_, oldest)) => self.forget(oldest),
                None => return Err(refused(ResponseStatus::TransientFailure, "the store is full")),
            }
        }
        let (mut seen, mut recipients, mut left_out) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut full = false;
        for text in written {
            match self.config.routes.find(text) {
                Ok((party, _)) if !seen.insert(party.clone()) => {}
                Ok((party, _)) if self.is_full(&party, size) => {
                    full = true;
                    let why = format!("{party}: too much waits for this subscriber");
                    left_out.push(LeftOut { to: party, why });
                }
                Ok(recipient) => recipients.push(recipient),
                Err(why) => {
                    let to = Party::nobody(text);
                    if seen.insert(to.clone()) {
                        left_out.push(LeftOut { to, why: format!("{}: {why}", text.escape_default()) });
                    }
                }
            }
        }
        if recipients.is_empty() {
            // MMS ENC, Response-Status: no address is in its proper form, or none belongs here.
            let status = match full {
                true => ResponseStatus::TransientFailure,
                false => ResponseStatus::PermanentAddressUnresolved,
            };
            return Err(refused(status, reasons(&left_out)));
        }
        Ok((recipients, left_out))
    }

    fn is_full(&self, party: &Party, size: u64) -> bool {
        let load = self.loads.get(party).copied().unwrap_or_default();
        load.messages >= self.config.subscriber_messages
            || load.octets.saturating_add(size) > self.config.subscriber_octets
    }

    fn allow(&mut self, now: Time, from: &Party, recipients: usize) -> Result<(), Refused> {
        let count = u32::try_from(recipients).unwrap_or(u32::MAX);
        // Applications have a contract; their rate is kept where they connect.
        if matches!(from, Party::Application(_)) || self.senders.take(now, from, count) {
            return Ok(());
        }
        Err(refused(ResponseStatus::TransientFailure, "too many messages in a short time"))
    }

    /// Takes the message: from here on it is not lost.
    fn accept(
        &mut self,
        now: Time,
        mut envelope: Envelope,
        recipients: Vec<Recipient>,
        left_out: Vec<LeftOut>,
    ) -> Answer {
        let (id, served) = (envelope.id.clone(), recipients.len());
        let (status, text) = match left_out.as_slice() {
            [] => (ResponseStatus::Ok, None),
            some => (ResponseStatus::PartialSuccess, Some(reasons(some))),
        };
        self.events.push_back(Event::Accepted {
            id: id.clone(),
            from: envelope.from.clone().unwrap_or(Party::Application(String::new())),
            recipients: served,
            octets: envelope.size,
        });
        for (to, via) in recipients {
            let delivery = self.delivery_of(&envelope, to, via);
            envelope.deliveries.push(delivery);
        }
        // Who asked for reports hears of those who are left out by the same way as of the others: the text of the answer is for people,
        // and a peer of version 1.0 is not told of a partial success at all.
        let report = if envelope.delivery_report { Report::Due } else { Report::None };
        for LeftOut { to, .. } in left_out {
            let state = State::Unreachable;
            self.events.push_back(Event::Ended { id: id.clone(), to: to.clone(), state });
            let delivery = self.delivery_of(&envelope, to, Via::Push);
            let ended = Some(envelope.accepted);
            envelope.deliveries.push(Delivery { state, ended, report, ..delivery });
        }
        let seq = envelope.seq;
        self.index(now, envelope);
        self.put(seq);
        Answer::Submitted(Submitted { status, text, id: Some(id), fresh: true })
    }

    /// A delivery that has not begun, behind those that a message has.
    fn delivery_of(&mut self, envelope: &Envelope, to: Party, via: Via) -> Delivery {
        Delivery {
            to,
            via,
            token: self.token(),
            transaction: transaction(envelope.seq, envelope.deliveries.len()),
            state: State::Waiting,
            notified: 0,
            next: envelope.not_before,
            fetched: None,
            ended: None,
            report: Report::None,
            reading: None,
        }
    }

    /// Another content, or other wishes, for those who have not fetched the message.
    pub(super) fn replace(&mut self, now: Time, replacement: Replacement) -> Answer {
        let seq = self.by_id.get(&replacement.id).copied();
        let mine = seq
            .and_then(|seq| self.envelopes.get(&seq))
            .filter(|envelope| envelope.from.as_ref() == Some(&replacement.by));
        let Some(envelope) = mine else { return Answer::NotFound };
        let seq = envelope.seq;
        if self.open_places(seq).is_empty() {
            return Answer::TooLate;
        }
        let fits = replacement.content.as_ref().map_or(Ok(()), |(_, _, size)| self.fits(*size));
        let left = envelope.expires;
        let times = replacement.delivery_time.map(|time| {
            let end = When::At(left / 1000);
            self.times(now, Some(time), Some(end)).map(|times| times.not_before)
        });
        let not_before = match fits.and_then(|()| times.transpose()) {
            Ok(not_before) => not_before,
            Err(refused) => return self.refuse(refused),
        };
        if let Some((content_type, body, size)) = replacement.content {
            self.exchange_body(seq, content_type, body, size);
        }
        let Some(envelope) = self.envelopes.get_mut(&seq) else { return Answer::NotFound };
        envelope.read_report = replacement.read_report.unwrap_or(envelope.read_report);
        envelope.not_before = not_before.unwrap_or(envelope.not_before);
        let id = envelope.id.clone();
        self.announce_anew(now, seq);
        self.put(seq);
        Answer::Submitted(Submitted { status: ResponseStatus::Ok, text: None, id: Some(id), fresh: true })
    }

    /// The recipients who have not fetched a message and can be spared it.
    pub(super) fn open_places(&self, seq: MessageSeq) -> Vec<usize> {
        let Some(envelope) = self.envelopes.get(&seq) else { return Vec::new() };
        let open = |place: usize, delivery: &Delivery| {
            // What is being handed over may be on the other side already.
            let going =
                OrderId { delivery: DeliveryId { message: seq, place }, purpose: Purpose::Notification };
            let handed = delivery.via != Via::Push && self.is_under_way(&going);
            !delivery.state.is_final() && delivery.fetched.is_none() && !handed
        };
        let deliveries = envelope.deliveries.iter().enumerate();
        deliveries.filter(|(place, delivery)| open(*place, delivery)).map(|(place, _)| place).collect()
    }

    fn exchange_body(&mut self, seq: MessageSeq, content_type: Vec<u8>, body: NewBody, size: u64) {
        let key = BodyKey(self.next);
        self.next += 1;
        let Some(envelope) = self.envelopes.get_mut(&seq) else { return };
        let (old, old_size) = (envelope.body, envelope.size);
        envelope.body = key;
        envelope.size = size;
        envelope.content_type = content_type;
        for delivery in envelope.deliveries.iter().filter(|delivery| !delivery.state.is_final()) {
            if let Some(load) = self.loads.get_mut(&delivery.to) {
                load.octets = load.octets.saturating_sub(old_size).saturating_add(size);
            }
        }
        self.changes.push_back(Change::PutBody(key, body));
        self.bodies.insert(key, (1, size));
        self.octets += size;
        self.release_body(old);
    }

    fn token(&mut self) -> String {
        let letter = |index: u64| ALPHABET.get(index as usize).copied().map_or('A', char::from);
        (0..TOKEN).map(|_| letter(self.rng.below(64))).collect()
    }

    fn message_id(&mut self) -> String {
        format!("{:024x}@{}", self.rng.next_u128() >> 32, self.config.name)
    }
}

fn reasons(left_out: &[LeftOut]) -> String {
    let each: Vec<&str> = left_out.iter().map(|left_out| left_out.why.as_str()).collect();
    each.join("; ")
}

/// The transaction identifier of a notification: short, and never given twice.
fn transaction(seq: MessageSeq, place: usize) -> String {
    if place == 0 { format!("{:x}", seq.0) } else { format!("{:x}.{place:x}", seq.0) }
}
