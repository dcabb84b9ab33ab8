//! Benches of codecs, transactions, calls and relay.
