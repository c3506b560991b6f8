//! Flux: the hand-over to Git. One file a noun, as in `contract/flux`.
