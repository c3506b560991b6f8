//! The story: what a platform is made of, told by types; and the SDK that tells it to Pulumi.

pub mod sdk;
