//! AWS IAM: roles, policies and identity providers. One file a noun, as in `contract/iam`.
