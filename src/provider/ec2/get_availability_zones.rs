//! The zones of a region.

use groundwork_contract::ec2::{GetAvailabilityZones, GetAvailabilityZonesInputs, GetAvailabilityZonesResult};

use super::{filter, parse};
use crate::{
    cx::Cx,
    error::{Result, aws},
    functions::Lookup,
};

impl Lookup for GetAvailabilityZones {
    async fn look_up(cx: &Cx, inputs: &GetAvailabilityZonesInputs) -> Result<GetAvailabilityZonesResult> {
        let mut call = cx
            .ec2()
            .describe_availability_zones()
            .filters(filter("state", "available"));
        if inputs.all {
            call = call.all_availability_zones(true);
        } else {
            call = call
                .filters(filter("opt-in-status", "opt-in-not-required"))
                .filters(filter("zone-type", "availability-zone"));
        }
        let answer = call.send().await.map_err(aws("ec2", "DescribeAvailabilityZones"))?;
        let excluded = inputs.exclude_zone_ids.as_deref().unwrap_or_default();
        let mut zones: Vec<_> = answer
            .availability_zones()
            .iter()
            .filter(|zone| !excluded.iter().any(|id| zone.zone_id() == Some(id)))
            .collect();
        zones.sort_by_key(|zone| zone.zone_name());
        Ok(GetAvailabilityZonesResult {
            names: zones
                .iter()
                .map(|zone| parse(zone.zone_name(), "zoneName"))
                .collect::<Result<_>>()?,
            zone_ids: zones
                .iter()
                .map(|zone| zone.zone_id().unwrap_or_default().to_owned())
                .collect(),
        })
    }
}
