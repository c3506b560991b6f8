//! Amazon EKS: clusters and what belongs to them.
