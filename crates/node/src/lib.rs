//! Sockets, timers, store, configuration, metrics: the input and output around the engines.
