//! The command line of Strowger.

fn main() {}
