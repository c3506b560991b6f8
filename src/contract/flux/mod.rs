//! Flux: the hand-over to Git.
