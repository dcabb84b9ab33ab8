//! What the gateway counts: names, meanings and numbers, for whoever shows them.

pub(crate) use crate::counters::count;

counters! {
    /// Pushes that were accepted.
    accepted: "strowger_push_accepted_total",
    /// Pushes that were refused.
    refused: "strowger_push_refused_total",
    /// Messages that were delivered, as far as their bearer can say.
    delivered: "strowger_push_delivered_total",
    /// Messages that could not be delivered, or whose time ran out.
    failed: "strowger_push_failed_total",
    /// Messages that were taken back.
    cancelled: "strowger_push_cancelled_total",
    /// Datagrams that were sent to hosts.
    datagrams: "strowger_push_datagrams_total",
    /// Short messages that message centres took.
    submitted: "strowger_push_sms_submitted_total",
    /// Short messages that message centres refused because of their load.
    throttled: "strowger_push_sms_throttled_total",
    /// Attempts that failed and are repeated.
    retries: "strowger_push_retries_total",
    /// Delivery receipts that were matched with a message.
    receipts: "strowger_push_receipts_total",
    /// Delivery receipts for messages that are not known.
    unmatched: "strowger_push_receipts_unmatched_total",
    /// Requests over HTTP whose sender is not known.
    unauthorised: "strowger_push_unauthorised_total",
    /// Results that were reported to whoever sent a push.
    notices: "strowger_push_notices_total",
    /// Messages that have not ended.
    waiting: "strowger_push_waiting",
    /// Links to message centres that are bound.
    links: "strowger_push_links_up",
}
