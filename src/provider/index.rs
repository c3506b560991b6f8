//! What belongs to no service: the provider's region and partition.

use groundwork_contract::index::{
    GetPartition, GetPartitionInputs, GetPartitionResult, GetRegion, GetRegionInputs, GetRegionResult,
};

use crate::{cx::Cx, error::Result, functions::Lookup};

impl Lookup for GetPartition {
    async fn look_up(cx: &Cx, _inputs: &GetPartitionInputs) -> Result<GetPartitionResult> {
        let partition = cx.aws.partition();
        Ok(GetPartitionResult {
            partition: partition.name().to_owned(),
            dns_suffix: partition.dns_suffix().to_owned(),
            reverse_dns_prefix: partition.reverse_dns_prefix(),
        })
    }
}

impl Lookup for GetRegion {
    async fn look_up(cx: &Cx, _inputs: &GetRegionInputs) -> Result<GetRegionResult> {
        Ok(GetRegionResult {
            region: cx.aws.region.clone(),
        })
    }
}
