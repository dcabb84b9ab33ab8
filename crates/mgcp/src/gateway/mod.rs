//! The gateway role (RFC 3435 sections 2 and 4): endpoints, connections, events, restart.
