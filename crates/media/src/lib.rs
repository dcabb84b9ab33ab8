//! RTP and RTCP, jitter buffer, G.711, tones, DTMF, mixing.
