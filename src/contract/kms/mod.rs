//! AWS KMS: keys.
