//! Media: what carries, makes and recognises sound between a line and a packet network.
//!
//! Everything here is sans-IO: bytes and frames in, bytes and frames out, time and randomness as arguments. Sound
//! is 8 kHz linear PCM in [`Frame`]s of 10 ms.
//!
//! How sound flows through the rooms, from the network to a subscriber's ear and back:
//!
//! ```text
//!  datagram -> rtp -> session (source check, reception, jitter, codec) -> mixer -> telephone (earpiece, hearing)
//!  datagram <- rtp <- session (packetiser, telephone events)           <- mixer <- telephone (mouthpiece)
//! ```
//!
//! - [`frame`]: the unit of sound, and levels in dBm0.
//! - [`g711`]: A-law and mu-law (ITU-T G.711). [`g722`]: wideband speech at 64 kbit/s. [`coding`]: either, as a stream.
//! - [`rtp`]: RTP packets and reception statistics (RFC 3550).
//! - [`rtcp`]: RTCP reports and their timing.
//! - [`jitter`]: the adaptive play-out buffer and loss concealment.
//! - [`session`]: one connection's stream both ways.
//! - [`mixer`]: which stream is heard where, from the modes of the connections of one endpoint.
//! - [`analysis`]: which tone or frequency is heard, and whether it is what was said.
//! - [`wav`]: sound in files.
//! - [`limits`]: every bound in one place.
//! - [`port_pool`]: RTP port pairs, opened ahead and rested between calls.
//! - [`telephone_event`]: digits and other events as packets (RFC 4733).
//! - [`comfort_noise`]: what is heard while nothing is sent (RFC 3389).
//! - [`data_tone`]: fax and modem, by the signals with which they begin.
//! - [`dtmf`]: the sixteen digits, made and found.
//! - [`fsk`]: the caller's number on its way to a telephone.
//! - [`mf`]: the digits that exchanges send each other.
//! - [`quality`]: what a listener will think of it (the E-model of ITU-T G.107).
//! - [`speech`]: noise that is like speech.
//! - [`tone`]: call progress tones and ringing by country.
//! - [`telephone`]: a virtual analogue telephone set for scripted subscribers.
//!
//! Two telephones that talk, with the network left out:
//!
//! ```
//! use std::net::SocketAddr;
//! use strowger_media::{FRAME_TIME, Payload, RtpSession, SessionConfig, Telephone, TelephoneConfig, Utterance};
//! use strowger_sansio::{Rng, Time};
//!
//! let (here, there) = (SocketAddr::from(([192, 0, 2, 1], 4000)), SocketAddr::from(([192, 0, 2, 2], 4000)));
//! let toward = |remote| SessionConfig::new(&[Payload::PCMU, Payload::telephone_event(101)]).toward(remote);
//! let mut sender = RtpSession::new(Time::ZERO, &toward(there), Rng::from_number(1));
//! let mut receiver = RtpSession::new(Time::ZERO, &toward(here), Rng::from_number(2));
//! let (mut caller, mut called) = (Telephone::new(&TelephoneConfig::default()), Telephone::new(&TelephoneConfig::default()));
//!
//! let mut now = Time::ZERO;
//! caller.lift(now);
//! called.lift(now);
//! called.watch_frequency(1000.0);
//! caller.say(Utterance::Tone { hertz: 1000.0, level: -12.0, duration: None });
//! for _ in 0..200 {
//!     now += FRAME_TIME;
//!     if let Some(packet) = sender.send_frame(now, &caller.speak(now)) {
//!         receiver.receive(now, here, &packet);
//!     }
//!     called.hear(now, &receiver.play_frame(now));
//! }
//! assert!(called.frequency_present_for(1000.0).as_millis() > 1500);
//! assert_eq!(receiver.statistics(now).packets_received, 100);
//! ```

pub mod analysis;
pub mod coding;
pub mod comfort_noise;
pub mod data_tone;
pub mod dtmf;
pub mod frame;
pub mod fsk;
pub mod g711;
pub mod g722;
pub mod jitter;
pub mod limits;
pub mod mf;
pub mod mixer;
pub mod port_pool;
pub mod quality;
pub mod rtcp;
pub mod rtp;
pub mod session;
pub mod speech;
pub mod telephone;
pub mod telephone_event;
pub mod tone;
pub mod wav;

pub use coding::Coding;
pub use data_tone::{DataTone, DataToneDetector};
pub use frame::{FRAME_SAMPLES, FRAME_TIME, Frame, SAMPLE_RATE, SILENCE};
pub use limits::Limits;
pub use mixer::{EndpointShape, Mixer, StreamMode};
pub use port_pool::{MediaPort, PortPool};
pub use session::{
    DigitChange, DigitOrigin, Discard, EventPlayout, ExtendedReports, PacketTime, Payload, PayloadFormat,
    Received, Relayed, RemoteReport, RtpSession, SessionConfig, SessionEvent, SessionStatistics,
    SilenceSuppression, SourcePolicy, relay,
};
pub use telephone::{HookTiming, LineEvent, Telephone, TelephoneConfig, TelephoneEvent, Utterance};

// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
