//! Flux: the hand-over of a cluster to a Git repository. As in `contract/flux`.

mod bootstrap;
mod objects;
mod pod;
mod record;
mod steps;
mod suspend;
