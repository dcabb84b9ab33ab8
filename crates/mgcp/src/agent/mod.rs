//! The call-agent role (RFC 3435 section 2.3): commands to many gateways, and what they report.
