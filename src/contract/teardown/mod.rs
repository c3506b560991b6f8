//! What a platform leaves behind, and how that is told.

mod audit;

pub use audit::*;
