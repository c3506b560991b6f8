//! AWS KMS: keys. One file a noun, as in `contract/kms`.
