//! How messages come in: from a sender, and from a recipient who gives one on without fetching it.

use std::collections::BTreeSet;

use strowger_mms::message::{ResponseStatus, When};
use strowger_sansio::Time;

use super::super::message::{BodyKey, Delivery, Envelope, MessageSeq, Previous, State};
use super::super::party::Party;
use super::super::request::{Answer, Change, Event, Forwarding, Submission, Submitted};
use super::{Mmsc, whole_millis};

/// The unguessable part of a content location: 132 bits in 22 characters, so that a notification fits one short message.
const TOKEN: usize = 22;
/// The alphabet of RFC 4648 section 5, which needs no escapes in a URL.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A refusal, before it is an answer.
struct Refused(ResponseStatus, String);

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
        self.accept(now, envelope, recipients, &left_out)
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
        if original.shown
            && let Some(from) = &original.from
        {
            previous.push(Previous::from((&original, from)));
        }
        let seq = MessageSeq(self.next);
        self.next += 1;
        let envelope = Envelope {
            seq,
            id: self.message_id(),
            from: Some(forwarding.by.clone()),
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
        let answer = self.accept(now, envelope, recipients, &left_out);
        // Only now: the body has another user, and outlives this one.
        self.end(now, id, State::Forwarded, forwarding.report_allowed);
        answer
    }

    /// The answer to a request that was granted before.
    fn repeated(&mut self, from: &Party, transaction: &str, digest: u64) -> Option<Answer> {
        let key = (from.clone(), transaction.to_owned(), digest);
        if let Some(seq) = self.submissions.get(&key) {
            let id = self.envelopes.get(seq)?.id.clone();
            self.events.push_back(Event::Repeated);
            return Some(Answer::Submitted(Submitted {
                status: ResponseStatus::Ok,
                text: None,
                id: Some(id),
                fresh: false,
            }));
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
    ) -> Result<(Vec<Party>, Times, Vec<String>), Refused> {
        if submission.size > self.config.message_octets as u64 {
            let text = format!("a message has at most {} octets", self.config.message_octets);
            return Err(refused(ResponseStatus::PermanentContentNotAccepted, text));
        }
        let times = self.times(now, submission.delivery_time, submission.expiry)?;
        let (recipients, left_out) = self.recipients(&submission.recipients, submission.size)?;
        self.allow(now, &submission.from, recipients.len())?;
        Ok((recipients, times, left_out))
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
    fn recipients(&mut self, written: &[String], size: u64) -> Result<(Vec<Party>, Vec<String>), Refused> {
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
            match Party::parse(text) {
                Ok(party) if !seen.insert(party.clone()) => {}
                Ok(party) if self.is_full(&party, size) => {
                    full = true;
                    left_out.push(format!("{party}: too much waits for this subscriber"));
                }
                Ok(party) => recipients.push(party),
                Err(why) => left_out.push(format!("{}: {why}", text.escape_default())),
            }
        }
        if recipients.is_empty() {
            let status =
                if full { ResponseStatus::TransientFailure } else { ResponseStatus::PermanentServiceDenied };
            return Err(refused(status, left_out.join("; ")));
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
        recipients: Vec<Party>,
        left_out: &[String],
    ) -> Answer {
        for (place, to) in recipients.into_iter().enumerate() {
            envelope.deliveries.push(Delivery {
                to,
                token: self.token(),
                transaction: transaction(envelope.seq, place),
                state: State::Waiting,
                notified: 0,
                next: envelope.not_before,
                fetched: None,
                ended: None,
                report: super::super::message::Report::None,
                reading: None,
            });
        }
        let id = envelope.id.clone();
        self.events.push_back(Event::Accepted {
            id: id.clone(),
            from: envelope.from.clone().unwrap_or(Party::Application(String::new())),
            recipients: envelope.deliveries.len(),
            octets: envelope.size,
        });
        let seq = envelope.seq;
        self.index(now, envelope);
        self.put(seq);
        let (status, text) = match left_out {
            [] => (ResponseStatus::Ok, None),
            some => (ResponseStatus::PartialSuccess, Some(some.join("; "))),
        };
        Answer::Submitted(Submitted { status, text, id: Some(id), fresh: true })
    }

    fn token(&mut self) -> String {
        let letter = |index: u64| ALPHABET.get(index as usize).copied().map_or('A', char::from);
        (0..TOKEN).map(|_| letter(self.rng.below(64))).collect()
    }

    fn message_id(&mut self) -> String {
        format!("{:024x}@{}", self.rng.next_u128() >> 32, self.config.name)
    }
}

/// The transaction identifier of a notification: short, and never given twice.
fn transaction(seq: MessageSeq, place: usize) -> String {
    if place == 0 { format!("{:x}", seq.0) } else { format!("{:x}.{place:x}", seq.0) }
}
