//! Building commands: only validated values go in, so that what comes out always decodes.

use std::fmt::{self, Display};

use crate::dialect::Dialect;
use crate::limits::Limits;
use crate::message::{
    BearerInformation, CallId, ConnectionId, ConnectionMode, ConnectionStatistics, EndpointName, EventList,
    LocalOptions, NotifiedEntity, ParameterCode, Quarantine, Reason, RequestId, RequestedEventBuf,
    RequestedEvents, RequestedInfo, RestartMethod, SignalBuf, TransactionId, TransactionRange, Verb,
};
use crate::scan::Fault;
use crate::text::encode::{encode_sdp, put};
use crate::text::table::{self, Presence};
use crate::text::{Rule, value};

/// A value that breaks the grammar of its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalValue {
    /// Where in the value.
    pub offset: usize,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl Display for IllegalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {} of the value: expected {}", self.offset, self.rule.expected())
    }
}

impl std::error::Error for IllegalValue {}

/// Checks a raw value, which must also stay on its line.
pub(super) fn legal(code: ParameterCode<'_>, text: &str) -> Result<(), IllegalValue> {
    let checked = match code.known() {
        Some(known) => value::check(known, text, &Limits::DEFAULT),
        None if ParameterCode::parse(&code.to_string()) == Some(code) => value::check_extension(text),
        None => Err(Fault { at: 0, rule: Rule::ParameterLine }),
    };
    checked.map_err(|fault| IllegalValue { offset: fault.at, rule: fault.rule })?;
    match text.len() == text.trim_ascii().len() {
        true => Ok(()),
        false => Err(IllegalValue { offset: 0, rule: Rule::ExtensionParameter }),
    }
}

pub(super) fn line(out: &mut Vec<u8>, code: ParameterCode<'_>, value: impl Display) {
    match code.code() {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => put(out, format_args!("{code}")),
    }
    out.extend_from_slice(b": ");
    put(out, format_args!("{value}"));
    out.extend_from_slice(b"\r\n");
}

/// A list of items separated by commas.
pub(super) struct Commas<'i, T>(pub(super) &'i [T]);

impl<T: Display> Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

/// Builds a command. Parameters stand in the order of the calls; the session description comes last.
///
/// Values are checked by their types, so that every command decodes. That its parameters are those that the verb has,
/// once each and none missing (RFC 3435 section 3.2.2), is the caller's to see to, and asserted in debug builds.
#[derive(Clone, Debug)]
#[must_use]
pub struct CommandBuilder<'s> {
    verb: Verb,
    out: Vec<u8>,
    written: u32,
    sdp: Option<&'s [u8]>,
}

impl<'s> CommandBuilder<'s> {
    /// A command without parameters, in the version that the dialect's peers speak.
    pub fn new<'e>(
        verb: Verb,
        transaction_id: TransactionId,
        endpoint: impl Into<EndpointName<'e>>,
        dialect: &Dialect,
    ) -> Self {
        let mut out = Vec::with_capacity(256);
        let endpoint = endpoint.into();
        put(&mut out, format_args!("{verb} {transaction_id} {endpoint} {}\r\n", dialect.version));
        Self { verb, out, written: 0, sdp: None }
    }

    fn add(mut self, code: ParameterCode<'_>, value: impl Display) -> Self {
        if let Some(index) = code.index() {
            debug_assert_eq!(self.written & (1 << index), 0, "{code} is in this {} already", self.verb);
            debug_assert_ne!(
                table::in_command(self.verb, code),
                Presence::Forbidden,
                "{code} has no place in {}",
                self.verb
            );
            self.written |= 1 << index;
        }
        line(&mut self.out, code, value);
        self
    }

    /// `B:`.
    pub fn bearer(self, value: BearerInformation<'_>) -> Self {
        self.add(ParameterCode::BearerInformation, value)
    }

    /// `C:`.
    pub fn call_id<'v>(self, value: impl Into<CallId<'v>>) -> Self {
        self.add(ParameterCode::CallId, value.into())
    }

    /// `I:`.
    pub fn connection_id<'v>(self, value: impl Into<ConnectionId<'v>>) -> Self {
        self.add(ParameterCode::ConnectionId, value.into())
    }

    /// `M:`.
    pub fn mode(self, value: ConnectionMode<'_>) -> Self {
        self.add(ParameterCode::ConnectionMode, value)
    }

    /// `P:`, of a deletion by the gateway.
    pub fn connection_parameters(self, value: &ConnectionStatistics) -> Self {
        self.add(ParameterCode::ConnectionParameters, value)
    }

    /// `T:`.
    pub fn detect_events(self, value: EventList<'_>) -> Self {
        self.add(ParameterCode::DetectEvents, value)
    }

    /// `D:`.
    ///
    /// # Errors
    /// The text breaks the grammar of digit maps.
    pub fn digit_map(self, value: &str) -> Result<Self, IllegalValue> {
        legal(ParameterCode::DigitMap, value)?;
        Ok(self.add(ParameterCode::DigitMap, value))
    }

    /// `L:`.
    pub fn local_options(self, value: LocalOptions<'_>) -> Self {
        self.add(ParameterCode::LocalConnectionOptions, value)
    }

    /// `N:`.
    pub fn notified_entity(self, value: NotifiedEntity<'_>) -> Self {
        self.add(ParameterCode::NotifiedEntity, value)
    }

    /// `O:`.
    pub fn observed_events(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::ObservedEvents, Commas(value))
    }

    /// `Q:`.
    pub fn quarantine(self, value: Quarantine) -> Self {
        self.add(ParameterCode::QuarantineHandling, value)
    }

    /// `E:`.
    pub fn reason(self, value: Reason<'_>) -> Self {
        self.add(ParameterCode::ReasonCode, value)
    }

    /// `R:`.
    pub fn requested_events(self, value: RequestedEvents<'_>) -> Self {
        self.add(ParameterCode::RequestedEvents, value)
    }

    /// `R:` from owned events.
    pub fn requested_event_list(self, value: &[RequestedEventBuf]) -> Self {
        self.add(ParameterCode::RequestedEvents, Commas(value))
    }

    /// `F:`.
    pub fn requested_info(self, value: RequestedInfo<'_>) -> Self {
        self.add(ParameterCode::RequestedInfo, value)
    }

    /// `X:`.
    pub fn request_id<'v>(self, value: impl Into<RequestId<'v>>) -> Self {
        self.add(ParameterCode::RequestIdentifier, value.into())
    }

    /// `K:`.
    pub fn response_ack(self, value: &[TransactionRange]) -> Self {
        self.add(ParameterCode::ResponseAck, Commas(value))
    }

    /// `RD:` in seconds, at most 999 999.
    pub fn restart_delay(self, seconds: u32) -> Self {
        self.add(ParameterCode::RestartDelay, seconds.min(999_999))
    }

    /// `RM:`.
    pub fn restart_method(self, value: RestartMethod<'_>) -> Self {
        self.add(ParameterCode::RestartMethod, value)
    }

    /// `Z2:`.
    pub fn second_endpoint<'v>(self, value: impl Into<EndpointName<'v>>) -> Self {
        self.add(ParameterCode::SecondEndpointId, value.into())
    }

    /// `S:`.
    pub fn signal_requests(self, value: EventList<'_>) -> Self {
        self.add(ParameterCode::SignalRequests, value)
    }

    /// `S:` from owned signals.
    pub fn signal_list(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::SignalRequests, Commas(value))
    }

    /// Any parameter, from text.
    ///
    /// # Errors
    /// The text breaks the grammar of the parameter.
    pub fn parameter(self, code: ParameterCode<'_>, value: &str) -> Result<Self, IllegalValue> {
        legal(code, value)?;
        Ok(self.add(code, value))
    }

    /// The remote connection descriptor.
    pub fn sdp(mut self, description: &'s [u8]) -> Self {
        self.sdp = Some(description);
        self
    }

    /// The bytes of the command.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let Self { verb, mut out, written, sdp } = self;
        debug_assert!(
            table::mandatory(verb).filter_map(|code| code.index()).all(|index| written & (1 << index) != 0),
            "{verb} lacks a mandatory parameter: {}",
            out.escape_ascii()
        );
        encode_sdp(&[sdp], &mut out);
        out
    }
}
