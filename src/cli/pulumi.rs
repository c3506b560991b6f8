//! Pulumi's own command line, run on a project of ours against the local cloud.

mod events;
mod project;
mod run;

pub(crate) use project::{Project, Setting};
pub(crate) use run::{Pulumi, Run};
