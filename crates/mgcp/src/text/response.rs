//! Building responses. Commentary is constant text: an answer never carries what the peer sent.

use strowger_sansio::put_decimal;

use crate::message::{
    BearerInformation, CallId, ConnectionId, ConnectionMode, ConnectionStatistics, EndpointName, EventList,
    LocalOptions, NotifiedEntity, PackageList, ParameterCode, Quarantine, Reason, RequestId,
    RequestedEventBuf, RestartMethod, ReturnCode, SignalBuf, TransactionId,
};
use crate::text::command::{Commas, IllegalValue, legal, line};
use crate::text::encode::encode_sdp;

/// Builds a response. Parameters stand in the order of the calls; session descriptions come last.
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseBuilder<'s> {
    code: ReturnCode,
    transaction_id: TransactionId,
    package: Option<&'static str>,
    commentary: Option<&'static str>,
    lines: Vec<u8>,
    sdp: [Option<&'s [u8]>; 2],
}

/// Room for the lines of most responses that have any.
const LINES: usize = 96;

impl<'s> ResponseBuilder<'s> {
    /// A response without parameters, with the code's name as commentary.
    pub fn new(code: ReturnCode, transaction_id: TransactionId) -> Self {
        let commentary = code.name();
        Self { code, transaction_id, package: None, commentary, lines: Vec::new(), sdp: [None; 2] }
    }

    /// The package that defines the code: of codes 800 to 899.
    pub fn package(mut self, name: &'static str) -> Self {
        debug_assert!(self.code.is_package_specific(), "{} is of no package", self.code);
        self.package = Some(name);
        self
    }

    /// Other commentary than the code's name.
    pub fn commentary(mut self, text: &'static str) -> Self {
        debug_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "commentary is printable ASCII");
        self.commentary = Some(text);
        self
    }

    fn add(mut self, code: ParameterCode<'_>, value: impl std::fmt::Display) -> Self {
        if self.lines.capacity() == 0 {
            self.lines.reserve(LINES);
        }
        line(&mut self.lines, code, value);
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

    /// `A:`, one line; may be repeated.
    pub fn capabilities(self, value: LocalOptions<'_>) -> Self {
        self.add(ParameterCode::Capabilities, value)
    }

    /// `I:`, one line.
    pub fn connection_id<'v>(self, value: impl Into<ConnectionId<'v>>) -> Self {
        self.add(ParameterCode::ConnectionId, value.into())
    }

    /// `I:` with all connections of an endpoint, none included.
    pub fn connection_ids(self, value: &[ConnectionId<'_>]) -> Self {
        self.add(ParameterCode::ConnectionId, Commas(value))
    }

    /// `M:`.
    pub fn mode(self, value: ConnectionMode<'_>) -> Self {
        self.add(ParameterCode::ConnectionMode, value)
    }

    /// `P:`.
    pub fn connection_parameters(self, value: &ConnectionStatistics) -> Self {
        self.add(ParameterCode::ConnectionParameters, value)
    }

    /// `T:`.
    pub fn detect_events(self, value: EventList<'_>) -> Self {
        self.add(ParameterCode::DetectEvents, value)
    }

    /// `T:` from owned events.
    pub fn detect_event_list(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::DetectEvents, Commas(value))
    }

    /// `D:`, empty when the endpoint has no digit map.
    ///
    /// # Errors
    /// The text breaks the grammar of digit maps.
    pub fn digit_map(self, value: &str) -> Result<Self, IllegalValue> {
        self.parameter(ParameterCode::DigitMap, value)
    }

    /// `ES:`.
    pub fn event_states(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::EventStates, Commas(value))
    }

    /// `L:`.
    pub fn local_options(self, value: LocalOptions<'_>) -> Self {
        self.add(ParameterCode::LocalConnectionOptions, value)
    }

    /// `MD:`, at least 1 and at most nine digits.
    pub fn max_datagram(self, value: u32) -> Self {
        self.add(ParameterCode::MaxMgcpDatagram, value.clamp(1, 999_999_999))
    }

    /// `N:`.
    pub fn notified_entity(self, value: NotifiedEntity<'_>) -> Self {
        self.add(ParameterCode::NotifiedEntity, value)
    }

    /// `O:`.
    pub fn observed_events(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::ObservedEvents, Commas(value))
    }

    /// `PL:`.
    pub fn package_list(self, value: PackageList<'_>) -> Self {
        self.add(ParameterCode::PackageList, value)
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
    pub fn requested_event_list(self, value: &[RequestedEventBuf]) -> Self {
        self.add(ParameterCode::RequestedEvents, Commas(value))
    }

    /// `X:`.
    pub fn request_id<'v>(self, value: impl Into<RequestId<'v>>) -> Self {
        self.add(ParameterCode::RequestIdentifier, value.into())
    }

    /// `K:`, empty: asks for an acknowledgement of this final response to a command answered provisionally.
    pub fn response_ack(self) -> Self {
        self.add(ParameterCode::ResponseAck, "")
    }

    /// `RD:` in seconds, at most 999 999.
    pub fn restart_delay(self, seconds: u32) -> Self {
        self.add(ParameterCode::RestartDelay, seconds.min(999_999))
    }

    /// `RM:`.
    pub fn restart_method(self, value: RestartMethod<'_>) -> Self {
        self.add(ParameterCode::RestartMethod, value)
    }

    /// `I2:`.
    pub fn second_connection_id<'v>(self, value: impl Into<ConnectionId<'v>>) -> Self {
        self.add(ParameterCode::SecondConnectionId, value.into())
    }

    /// `Z2:`.
    pub fn second_endpoint<'v>(self, value: impl Into<EndpointName<'v>>) -> Self {
        self.add(ParameterCode::SecondEndpointId, value.into())
    }

    /// `S:`.
    pub fn signal_list(self, value: &[SignalBuf]) -> Self {
        self.add(ParameterCode::SignalRequests, Commas(value))
    }

    /// `Z:`, one line; may be repeated in the answer to an audit.
    pub fn specific_endpoint<'v>(self, value: impl Into<EndpointName<'v>>) -> Self {
        self.add(ParameterCode::SpecificEndpointId, value.into())
    }

    /// Any parameter, from text.
    ///
    /// # Errors
    /// The text breaks the grammar of the parameter.
    pub fn parameter(self, code: ParameterCode<'_>, value: &str) -> Result<Self, IllegalValue> {
        legal(code, value)?;
        Ok(self.add(code, value))
    }

    /// The local connection descriptor.
    pub fn sdp(mut self, local: &'s [u8]) -> Self {
        self.sdp[0] = Some(local);
        self
    }

    /// The remote connection descriptor, behind the local one: what an audit that asked for both gets.
    pub fn remote_sdp(mut self, remote: &'s [u8]) -> Self {
        self.sdp[1] = Some(remote);
        self
    }

    /// The bytes of the response.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.begin(0)
    }

    /// The bytes of the response with one more session description, which `describe` appends; it has about `room` bytes.
    #[must_use]
    pub fn finish_with(self, room: usize, describe: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = self.begin(room + 2);
        out.extend_from_slice(b"\r\n");
        describe(&mut out);
        out
    }

    /// The bytes of the response, with room for so many more.
    fn begin(self, room: usize) -> Vec<u8> {
        let Self { code, transaction_id, package, commentary, lines, sdp } = self;
        let described = sdp.iter().flatten().map(|block| block.len() + 2).sum::<usize>();
        let mut out = Vec::with_capacity(64 + lines.len() + described + room);
        let number = code.get();
        for digit in [number / 100, number / 10 % 10, number % 10] {
            out.push(b'0' + (digit % 10) as u8);
        }
        out.push(b' ');
        put_decimal(&mut out, transaction_id.get().into());
        if let Some(package) = package {
            out.extend_from_slice(b" /");
            out.extend_from_slice(package.as_bytes());
        }
        if let Some(commentary) = commentary {
            out.push(b' ');
            out.extend_from_slice(commentary.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&lines);
        encode_sdp(&sdp, &mut out);
        out
    }
}
