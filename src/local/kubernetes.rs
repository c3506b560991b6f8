//! Kubernetes beside the local AWS: a control plane for each EKS cluster, born with it and gone with it.

pub(crate) mod controllers;
pub(crate) mod eks;
