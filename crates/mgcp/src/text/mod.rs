//! The text codec (RFC 3435 section 3 and Appendix A): bytes to messages and back.
