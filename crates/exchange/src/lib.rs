//! The switch: legs, calls, routing, access adapters, records.
