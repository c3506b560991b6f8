//! The zones of a region.

use groundwork_contract_derive::{function, shape};

use crate::ZoneName;

/// The Availability Zones of the provider's region.
///
/// By default the zones that every account can use: neither Local Zones nor Wavelength Zones, nor zones to opt in to.
#[function("groundwork:ec2:getAvailabilityZones")]
pub struct GetAvailabilityZones;

/// Source: EC2 API Reference, `DescribeAvailabilityZones`.
#[shape]
pub struct GetAvailabilityZonesInputs {
    /// Zones by id that are left out, such as `use1-az3`.
    pub exclude_zone_ids: Option<Vec<String>>,
    /// Whether Local Zones, Wavelength Zones and zones to opt in to are named as well.
    #[default(false)]
    pub all: bool,
}

/// The zones, in the order of their names.
#[shape(outputs)]
pub struct GetAvailabilityZonesResult {
    /// The names, such as `eu-central-1a`.
    pub names: Vec<ZoneName>,
    /// The ids, such as `euc1-az2`: the same physical zone in every account.
    pub zone_ids: Vec<String>,
}
