//! The transaction layer (RFC 3435 section 3.5): at-most-once execution, retransmission, acknowledgement.
