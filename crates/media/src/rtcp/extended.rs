//! Extended reports: RFC 3611, the blocks that telephony uses.
//!
//! - receiver reference time (section 4.4) and its echo, DLRR (section 4.5): the round trip as an end measures it that only listens;
//! - VoIP metrics (section 4.7): loss and discard in bursts and gaps, delays, and ratings.
//!
//! Limits: the other blocks are passed over.

use super::NtpTime;

/// Packet type of an extended report.
pub const EXTENDED_REPORT: u8 = 207;

const RECEIVER_TIME: u8 = 4;
const DELAY_SINCE: u8 = 5;
const VOIP_METRICS: u8 = 7;
/// Words after the header of a block of VoIP metrics.
const VOIP_WORDS: u16 = 8;

/// A block of an extended report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedBlock {
    /// The reporter's wall clock (section 4.4).
    ReceiverTime(NtpTime),
    /// The echo of another's wall clock (section 4.5).
    DelaySince {
        /// Whose.
        ssrc: u32,
        /// The middle of that clock.
        last: u32,
        /// The time since it came, in units of 1/65536 s.
        delay: u32,
    },
    /// The quality of a stream (section 4.7).
    VoipMetrics(VoipMetrics),
}

/// The quality of a received stream (section 4.7). 127 stands for what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The stream.
    pub ssrc: u32,
    /// Packets lost, in 256ths.
    pub loss_rate: u8,
    /// Packets discarded by the play-out, in 256ths.
    pub discard_rate: u8,
    /// The part that was lost or discarded within bursts, in 256ths.
    pub burst_density: u8,
    /// The part that was lost or discarded within gaps, in 256ths.
    pub gap_density: u8,
    /// The mean length of a burst in milliseconds.
    pub burst_duration: u16,
    /// The mean length of a gap in milliseconds.
    pub gap_duration: u16,
    /// The round trip in milliseconds; 0 when it is not known.
    pub round_trip: u16,
    /// What the end itself adds to the delay, in milliseconds.
    pub end_system_delay: u16,
    /// The level of speech in dBm.
    pub signal_level: i8,
    /// The level of its noise in dBm.
    pub noise_level: i8,
    /// The loss of echo on the way back, in dB.
    pub residual_echo_return_loss: u8,
    /// The least packets in a row that make a gap.
    pub gap_threshold: u8,
    /// The rating factor of the E-model.
    pub r_factor: u8,
    /// The rating of another network that the voice came from.
    pub external_r_factor: u8,
    /// Ten times the mean opinion of who listens.
    pub mos_listening: u8,
    /// Ten times the mean opinion of who talks, too.
    pub mos_conversation: u8,
    /// Concealment and the kind of play-out.
    pub receiver_configuration: u8,
    /// The play-out delay in milliseconds: as it is, the most that it may become, and the most that it can.
    pub playout: [u16; 3],
}

/// What the fields of eight bits hold that nobody knows.
pub const UNKNOWN: u8 = 127;

impl ExtendedBlock {
    /// Appends the block.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut begin = |kind: u8, words: u16| {
            out.extend_from_slice(&[kind, 0]);
            out.extend_from_slice(&words.to_be_bytes());
        };
        match self {
            Self::ReceiverTime(time) => {
                begin(RECEIVER_TIME, 2);
                out.extend_from_slice(&time.0.to_be_bytes());
            }
            Self::DelaySince { ssrc, last, delay } => {
                begin(DELAY_SINCE, 3);
                for word in [ssrc, last, delay] {
                    out.extend_from_slice(&word.to_be_bytes());
                }
            }
            Self::VoipMetrics(metrics) => {
                begin(VOIP_METRICS, VOIP_WORDS);
                metrics.encode(out);
            }
        }
    }

    /// The known blocks of a report, from the octets behind its source. A block that does not lie inside ends it.
    pub fn decode_all(body: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let mut rest = body;
        let mut echoes: &[u8] = &[];
        std::iter::from_fn(move || {
            loop {
                if let Some((echo, after)) = echoes.split_first_chunk::<12>() {
                    echoes = after;
                    let words = echo.as_chunks::<4>().0;
                    let word = |place: usize| words.get(place).map_or(0, |word| u32::from_be_bytes(*word));
                    return Some(Self::DelaySince { ssrc: word(0), last: word(1), delay: word(2) });
                }
                let ([kind, _, high, low], after) = rest.split_first_chunk::<4>()?;
                let octets = usize::from(u16::from_be_bytes([*high, *low])) * 4;
                let (block, after) = after.split_at_checked(octets)?;
                rest = after;
                match *kind {
                    RECEIVER_TIME => {
                        if let Ok(time) = <[u8; 8]>::try_from(block) {
                            return Some(Self::ReceiverTime(NtpTime(u64::from_be_bytes(time))));
                        }
                    }
                    DELAY_SINCE => echoes = block,
                    VOIP_METRICS => {
                        if let Ok(block) = <&[u8; 32]>::try_from(block) {
                            return Some(Self::VoipMetrics(VoipMetrics::decode(block)));
                        }
                    }
                    _ => {}
                }
            }
        })
    }
}

impl VoipMetrics {
    /// Whether the reporter has rated the conversation, with values that there are.
    #[must_use]
    pub fn is_rated(&self) -> bool {
        self.r_factor <= 100 && (10..=50).contains(&self.mos_conversation)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&[self.loss_rate, self.discard_rate, self.burst_density, self.gap_density]);
        for millis in [self.burst_duration, self.gap_duration, self.round_trip, self.end_system_delay] {
            out.extend_from_slice(&millis.to_be_bytes());
        }
        out.extend_from_slice(&[
            self.signal_level.cast_unsigned(),
            self.noise_level.cast_unsigned(),
            self.residual_echo_return_loss,
            self.gap_threshold,
            self.r_factor,
            self.external_r_factor,
            self.mos_listening,
            self.mos_conversation,
            self.receiver_configuration,
            0,
        ]);
        for millis in self.playout {
            out.extend_from_slice(&millis.to_be_bytes());
        }
    }

    fn decode(block: &[u8; 32]) -> Self {
        let [
            s0,
            s1,
            s2,
            s3,
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            b0,
            b1,
            g0,
            g1,
            t0,
            t1,
            e0,
            e1,
            signal,
            noise,
            residual_echo_return_loss,
            gap_threshold,
            r_factor,
            external_r_factor,
            mos_listening,
            mos_conversation,
            receiver_configuration,
            _,
            n0,
            n1,
            m0,
            m1,
            x0,
            x1,
        ] = *block;
        Self {
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_duration: u16::from_be_bytes([b0, b1]),
            gap_duration: u16::from_be_bytes([g0, g1]),
            round_trip: u16::from_be_bytes([t0, t1]),
            end_system_delay: u16::from_be_bytes([e0, e1]),
            signal_level: signal.cast_signed(),
            noise_level: noise.cast_signed(),
            residual_echo_return_loss,
            gap_threshold,
            r_factor,
            external_r_factor,
            mos_listening,
            mos_conversation,
            receiver_configuration,
            playout: [[n0, n1], [m0, m1], [x0, x1]].map(u16::from_be_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: VoipMetrics = VoipMetrics {
        ssrc: 0x0102_0304,
        loss_rate: 5,
        discard_rate: 6,
        burst_density: 7,
        gap_density: 8,
        burst_duration: 0x0910,
        gap_duration: 0x1112,
        round_trip: 0x1314,
        end_system_delay: 0x1516,
        signal_level: -20,
        noise_level: -70,
        residual_echo_return_loss: UNKNOWN,
        gap_threshold: 16,
        r_factor: 92,
        external_r_factor: UNKNOWN,
        mos_listening: 44,
        mos_conversation: 43,
        receiver_configuration: 0xF0,
        playout: [40, 60, 200],
    };

    #[test]
    fn extended_blocks_read_back_as_they_were_written() {
        let blocks = [
            ExtendedBlock::ReceiverTime(NtpTime(0xB44D_B705_2000_0000)),
            ExtendedBlock::DelaySince { ssrc: 9, last: 0xB705_2000, delay: 0x0005_4000 },
            ExtendedBlock::VoipMetrics(METRICS),
        ];
        let mut bytes = Vec::new();
        blocks.iter().for_each(|block| block.encode(&mut bytes));
        assert_eq!(bytes.len(), 12 + 16 + 36);
        assert_eq!(ExtendedBlock::decode_all(&bytes).collect::<Vec<_>>(), blocks);
        // The layout of section 4.7, octet by octet.
        assert_eq!(
            bytes[28..52],
            [7, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21, 22, 236, 186, 127, 16]
        );
        assert_eq!(bytes[52..], [92, 127, 44, 43, 0xF0, 0, 0, 40, 0, 60, 0, 200]);
    }

    #[test]
    fn unknown_and_broken_blocks_are_passed_over() {
        let mut bytes = vec![1, 0, 0, 1, 9, 9, 9, 9, 4, 0, 0, 1, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0];
        let echo = ExtendedBlock::DelaySince { ssrc: 1, last: 2, delay: 3 };
        let mut two = Vec::new();
        echo.encode(&mut two);
        two[3] = 6;
        bytes.extend(&two);
        bytes.extend(&two[4..16]);
        assert_eq!(ExtendedBlock::decode_all(&bytes).collect::<Vec<_>>(), [echo, echo]);
        for end in 0..bytes.len() {
            assert!(ExtendedBlock::decode_all(&bytes[..end]).count() <= 2);
        }
        assert_eq!(ExtendedBlock::decode_all(&[4, 0, 0xFF, 0xFF, 0, 0]).count(), 0);
    }
}
