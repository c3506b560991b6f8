//! What belongs to no service: the provider's region and partition.

use groundwork_contract_derive::{function, shape};

use crate::Region;

/// The partition of the provider's region: what ARNs and DNS names begin and end with there.
#[function("groundwork:index:getPartition")]
pub struct GetPartition;

/// Nothing.
#[shape]
pub struct GetPartitionInputs {}

/// Source: IAM User Guide, "Amazon Resource Names (ARNs)"; AWS General Reference, "Service endpoints".
#[shape(outputs)]
pub struct GetPartitionResult {
    /// Its name in ARNs: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The suffix of DNS names: `amazonaws.com`.
    pub dns_suffix: String,
    /// The same backwards, as the names of endpoint services begin: `com.amazonaws`.
    pub reverse_dns_prefix: String,
}

/// The provider's region.
#[function("groundwork:index:getRegion")]
pub struct GetRegion;

/// Nothing.
#[shape]
pub struct GetRegionInputs {}

/// Source: EC2 User Guide, "Regions and Zones".
#[shape(outputs)]
pub struct GetRegionResult {
    /// The code, such as `eu-central-1`.
    pub region: Region,
}
