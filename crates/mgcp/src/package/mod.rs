//! Event packages (RFC 3660) as one data table.
