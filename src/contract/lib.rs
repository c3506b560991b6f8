//! What exists: every resource's inputs and outputs, and all that follows from them. No I/O.
//!
//! A resource's contract is a pair of annotated structs. Schema, Check, Diff, secret marking, typed arguments for
//! programs and the published documentation are all read from it, so nothing is written twice.

// The macros name this crate by its name, so that they serve other crates as well.
extern crate self as groundwork_contract;

mod aws;
pub mod check;
mod cidr;
mod config;
pub mod descriptor;
pub mod diff;
mod document;
pub mod ec2;
pub mod eks;
pub mod findings;
pub mod flux;
pub mod helm;
pub mod iam;
pub mod index;
pub mod json_schema;
pub mod kms;
pub mod kubernetes;
pub mod logs;
mod output;
pub mod prices;
pub mod schema;
pub mod shape;
mod stamp;
pub mod sts;
pub mod tags;
pub mod teardown;
pub mod text;
mod traits;

pub use aws::{AccountId, Arn, Partition, Region, ZoneName};
pub use check::Failure;
pub use cidr::{Ipv4Address, Ipv4Cidr, Ipv6Cidr};
pub use config::{AssumeRole, ProviderConfig, ProviderConfigArgs};
pub use document::Document;
pub use output::{Input, InputNode, Output, OutputError, Resolved, Text, collect_dependencies};
pub use stamp::*;
pub use tags::Tags;
pub use traits::{Contract, Example, FromOutputs, FromProperties, Function};

/// Calls a macro with every resource type: the one place where a resource is registered.
#[macro_export]
macro_rules! resources {
    ($call:ident) => {
        $call! {
            $crate::Stamp,
            $crate::ec2::SecurityGroup,
            $crate::ec2::SecurityGroupRule,
            $crate::ec2::DefaultSecurityGroup,
            $crate::ec2::VpcEndpoint,
            $crate::ec2::FlowLog,
            $crate::ec2::EgressOnlyInternetGateway,
            $crate::ec2::Eip,
            $crate::ec2::InternetGateway,
            $crate::ec2::LaunchTemplate,
            $crate::ec2::NatGateway,
            $crate::ec2::Route,
            $crate::ec2::RouteTable,
            $crate::ec2::RouteTableAssociation,
            $crate::ec2::Subnet,
            $crate::ec2::Vpc,
            $crate::eks::AccessEntry,
            $crate::eks::Addon,
            $crate::eks::Cluster,
            $crate::eks::FargateProfile,
            $crate::eks::NodeGroup,
            $crate::eks::PodIdentityAssociation,
            $crate::flux::Bootstrap,
            $crate::teardown::Audit,
            $crate::helm::Release,
            $crate::kubernetes::Gate,
            $crate::kubernetes::Manifest,
            $crate::kubernetes::Patch,
            $crate::iam::InstanceProfile,
            $crate::iam::OpenIdConnectProvider,
            $crate::iam::Policy,
            $crate::iam::Role,
            $crate::iam::RolePolicyAttachment,
            $crate::kms::Alias,
            $crate::kms::Key,
            $crate::logs::LogGroup,
        }
    };
}

/// Calls a macro with every function.
#[macro_export]
macro_rules! functions {
    ($call:ident) => {
        $call! {
            $crate::ec2::GetAmi,
            $crate::ec2::GetAvailabilityZones,
            $crate::sts::GetCallerIdentity,
            $crate::iam::GetRole,
            $crate::index::GetRegion,
            $crate::index::GetPartition,
            $crate::ec2::GetVpcEndpointServices,
            $crate::eks::GetCluster,
            $crate::eks::GetClusterAuth,
            $crate::eks::GetClusterVersions,
            $crate::eks::GetAddonVersions,
        }
    };
}

macro_rules! descriptors {
    ($($resource:ty),+ $(,)?) => { vec![$(descriptor::Descriptor::of::<$resource>()),+] };
}

macro_rules! function_descriptors {
    ($($function:ty),+ $(,)?) => { vec![$(descriptor::FunctionDescriptor::of::<$function>()),+] };
}

/// Every resource type, as data.
#[must_use]
pub fn all() -> Vec<descriptor::Descriptor> {
    resources!(descriptors)
}

/// Every function, as data.
#[must_use]
pub fn all_functions() -> Vec<descriptor::FunctionDescriptor> {
    functions!(function_descriptors)
}

/// The Pulumi package schema.
#[must_use]
pub fn package_schema() -> serde_json::Value {
    let version = env!("CARGO_PKG_VERSION");
    schema::package(
        version,
        &descriptor::object::<ProviderConfig>(),
        &all(),
        &all_functions(),
    )
}
