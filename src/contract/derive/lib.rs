//! The macro behind `contract`.
