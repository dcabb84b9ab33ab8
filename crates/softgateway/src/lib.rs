//! The software media gateway: virtual lines and relays under MGCP, without input or output.
