//! MGCP messages as types (RFC 3435 section 3.2).
