//! MGCP (RFC 3435): codec, transaction layer, gateway and call-agent roles, packages, digit maps.
