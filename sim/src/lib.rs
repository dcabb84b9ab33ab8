//! The deterministic simulator: exchange, gateways and subscribers from one seed.
