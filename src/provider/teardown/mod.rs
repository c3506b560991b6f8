//! What a platform leaves behind, and how that is told. As in `contract/teardown`.

mod audit;
mod standing;
mod standing_ec2;
mod standing_elsewhere;
