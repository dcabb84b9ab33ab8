//! How deployed peers differ from RFC 3435, as data.
