//! Kubernetes: objects of a cluster. One file a noun, as in `contract/kubernetes`.

#[expect(dead_code, reason = "the kinds that use it follow")]
mod connect;
mod fault;
pub mod token;

pub(crate) use connect::Sessions;
pub(crate) use fault::KubernetesFault;
