//! What a platform leaves behind, and how that is told. One file a noun, as in `contract/teardown`.
