//! AWS KMS: keys and their names.

mod alias;
mod key;

pub use alias::*;
pub use key::*;
