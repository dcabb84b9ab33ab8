//! What happens in the exchange, for logs, consoles and applications. Nothing here needs to be kept; see
//! [`crate::record`] for that.
//!
//! Texts that came from a peer are in these values as they came: a sink escapes them.

use std::net::SocketAddr;

use crate::{CallId, Cause, Cic, ContinuityResult, EndpointsView, Forward, ReleasedBy};

/// Something that an operator or an application may want to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A caller's line was seized.
    CallStarted {
        /// The call.
        call: CallId,
        /// The caller's number.
        calling: String,
    },
    /// The caller has dialled.
    Dialled {
        /// The call.
        call: CallId,
        /// What.
        digits: String,
    },
    /// The number leads to a line, which is tried now.
    Routed {
        /// The call.
        call: CallId,
        /// The called line's number.
        called: String,
    },
    /// A line or hunt group sends the call on.
    Diverted {
        /// The call.
        call: CallId,
        /// The line's or group's number.
        by: String,
        /// Why.
        reason: Forward,
        /// The number that it is sent on to.
        to: String,
    },
    /// The called party is being rung.
    Alerting {
        /// The call.
        call: CallId,
    },
    /// The called party answered.
    Answered {
        /// The call.
        call: CallId,
    },
    /// An answered call was taken over from the records; its gateways will be asked whether it still stands.
    Restored {
        /// The call.
        call: CallId,
        /// The caller's number.
        calling: String,
        /// The called party's number.
        called: String,
    },
    /// The streams of an answered call flow both ways.
    Connected {
        /// The call.
        call: CallId,
    },
    /// A party of the call put it on hold.
    Held {
        /// The call.
        call: CallId,
        /// The party's number.
        by: String,
    },
    /// A party returned to the call.
    Retrieved {
        /// The call.
        call: CallId,
        /// The party's number.
        by: String,
    },
    /// A party of two calls talks in both.
    ThreeWay {
        /// The first call.
        call: CallId,
        /// The second.
        with: CallId,
        /// The party's number.
        by: String,
    },
    /// A party of two calls joined the others and left.
    Transferred {
        /// The call that they talk in now.
        call: CallId,
        /// The other one.
        with: CallId,
        /// The party's number.
        by: String,
    },
    /// Nobody took a party that had been transferred: it returns to its call before, and who transferred it is rung.
    TransferFailed {
        /// The call that it returns to.
        call: CallId,
        /// The call that it was transferred to.
        from: CallId,
        /// The number of the party that is rung.
        by: String,
    },
    /// The call ended; its record follows when its streams are accounted for.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        cause: Cause,
        /// On whose account.
        released_by: ReleasedBy,
    },
    /// A gateway says that it has more to do than it can: calls to and from its lines are held back until it complains no more.
    GatewayOverloaded {
        /// The gateway's id.
        gateway: String,
    },
    /// A gateway refused an order that it should have been able to follow (RFC 3661: provisioning mismatch,
    /// service failure): an alarm for the operator.
    OrderRefused {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
        /// What was ordered: the verb.
        order: &'static str,
        /// The return code.
        code: u16,
    },
    /// An order came to nothing without a refusal: the gateway did not answer it, or not legally.
    OrderFailed {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
        /// What was ordered: the verb.
        order: &'static str,
        /// Why.
        reason: String,
    },
    /// A gateway gave a session description that was not accepted.
    DescriptionRefused {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// A gateway spoke for an endpoint that is not in the inventory.
    UnlistedEndpoint {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
    },
    /// The continuity of a circuit was tested.
    CircuitTested {
        /// The trunk's id.
        trunk: String,
        /// The circuit's code there.
        circuit: Cic,
        /// What came of it.
        result: ContinuityResult,
    },
    /// The name of a gateway is to be looked up; the answer is for
    /// [`Exchange::handle_resolved`](crate::Exchange::handle_resolved).
    Resolve {
        /// The gateway's id.
        gateway: String,
        /// The name, with a port.
        name: String,
    },
    /// A gateway has told which endpoints it has.
    EndpointsListed {
        /// The gateway's id.
        gateway: String,
        /// They, against the inventory.
        endpoints: EndpointsView,
    },
    /// A gateway whose dialect was not configured has shown it.
    DialectDetected {
        /// The gateway's id.
        gateway: String,
        /// The dialect's name.
        dialect: &'static str,
    },
    /// A trunk's peer sent what is no SIP, or not what it must be. It changed nothing.
    MalformedSip {
        /// The trunk.
        trunk: String,
        /// What is wrong with it.
        error: String,
    },
    /// The exchange is about to be stopped, and a trunk's peer has not said in time that nobody is registered with it any more. The stop does
    /// not wait for it.
    FarewellUnheard {
        /// The trunk.
        trunk: String,
    },
    /// A datagram came from an address that is not in the inventory. It was dropped without an answer.
    UnlistedSource {
        /// The address.
        from: SocketAddr,
    },
    /// Connections that belong to no call were found on a gateway and deleted.
    StrayConnections {
        /// The gateway's id.
        gateway: String,
        /// The local endpoint name.
        endpoint: String,
    },
}
