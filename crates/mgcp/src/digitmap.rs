//! Digit maps (RFC 3435 section 2.1.5), compiled to a bounded automaton.
