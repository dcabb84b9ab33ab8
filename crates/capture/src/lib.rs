//! Decoding for people: the ladder model, explained messages, pcapng.
