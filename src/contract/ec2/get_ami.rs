//! The newest image of a kind.

use std::collections::BTreeMap;

use groundwork_contract_derive::{function, shape};

use super::ImageId;

/// The newest image that fits, such as the newest Bottlerocket for a version of Kubernetes.
///
/// A program that asks at every `up` moves with what the owner publishes; give an id to stay.
#[function("groundwork:ec2:getAmi")]
pub struct GetAmi;

/// Source: EC2 API Reference, `DescribeImages`.
#[shape]
pub struct GetAmiInputs {
    /// Whose images: accounts, `amazon`, `aws-marketplace` or `self`. Anybody may publish an image under any name, so one at least
    /// is given.
    pub owners: Vec<String>,
    /// The processor. Any when absent.
    pub architecture: Option<ImageArchitecture>,
    /// A pattern for the name, such as `bottlerocket-aws-k8s-1.35-aarch64-*`.
    pub name: Option<String>,
    /// Further filters of `DescribeImages`, each with its values.
    pub filters: Option<BTreeMap<String, Vec<String>>>,
}

/// The processor that an image is for.
#[shape]
pub enum ImageArchitecture {
    /// Intel and AMD.
    #[word("x86_64")]
    X8664,
    /// Graviton.
    #[word("arm64")]
    Arm64,
}

/// The image.
#[shape(outputs)]
pub struct GetAmiResult {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: String,
    /// When it was made, as AWS writes it: `2026-10-15T00:00:00.000Z`.
    pub creation_date: String,
    /// The account that owns it.
    pub owner_id: String,
    /// The processor that it is for.
    pub architecture: String,
    /// The device that it starts from, such as `/dev/xvda`.
    pub root_device_name: Option<String>,
}
