//! Bounds on what one datagram may make the codec do.
