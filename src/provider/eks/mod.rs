//! Amazon EKS: clusters and what belongs to them. One file a noun, as in `contract/eks`.
