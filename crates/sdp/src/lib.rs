//! Lossless SDP with the wildcards that MGCP and Megaco need.
