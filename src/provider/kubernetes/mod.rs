//! Kubernetes: objects of a cluster. One file a noun, as in `contract/kubernetes`.
