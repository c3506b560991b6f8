//! The real thing, started for real: Python, moto, and our extension of it.
fn main() {}
