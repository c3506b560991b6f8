//! What happens: the provider's engine and the resources' verbs. The only crate that talks to AWS.
