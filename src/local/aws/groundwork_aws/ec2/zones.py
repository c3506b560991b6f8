"""Zones: availability zones with their ids, and local zones that nobody has opted in to."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone

from groundwork_aws.ec2.nouns import Operations, View, matches, read, refuse

# Local zones ("Available Local Zones"): the zone, its id, its group, its parent zone.
LOCAL_ZONES = {
    "us-east-1": [
        ("us-east-1-atl-2a", "use1-atl2-az1", "us-east-1-atl-2", "us-east-1a"),
        ("us-east-1-bos-1a", "use1-bos1-az1", "us-east-1-bos-1", "us-east-1b"),
        ("us-east-1-mia-2a", "use1-mia2-az1", "us-east-1-mia-2", "us-east-1d"),
    ],
    "us-west-2": [
        ("us-west-2-lax-1a", "usw2-lax1-az1", "us-west-2-lax-1", "us-west-2a"),
        ("us-west-2-lax-1b", "usw2-lax1-az2", "us-west-2-lax-1", "us-west-2b"),
        ("us-west-2-den-1a", "usw2-den1-az1", "us-west-2-den-1", "us-west-2c"),
    ],
}
# moto leaves out the zone of ca-central-1 that EKS refuses.
MISSING_ZONE = Zone(region_name="ca-central-1", name="ca-central-1c", zone_id="cac1-az3")

FILTERS = {
    "group-name": "GroupName",
    "message": "Messages.Message",
    "opt-in-status": "OptInStatus",
    "parent-zone-id": "ParentZoneId",
    "parent-zone-name": "ParentZoneName",
    "region-name": "RegionName",
    "state": "State",
    "zone-id": "ZoneId",
    "zone-name": "ZoneName",
    "zone-type": "ZoneType",
}


def zones_of(region: str) -> list[View]:
    """Every zone of a region as DescribeAvailabilityZones shows it."""
    plain = sorted((zone.name, zone.zone_id) for zone in RegionsAndZonesBackend.zones.get(region, []))
    group = {"GroupLongName": region, "GroupName": f"{region}-zg-1", "NetworkBorderGroup": region}
    common = {"State": "available", "Messages": [], "RegionName": region}
    zones: list[View] = [
        {
            **common,
            **group,
            "ZoneName": name,
            "ZoneId": ident,
            "ZoneType": "availability-zone",
            "OptInStatus": "opt-in-not-required",
        }
        for name, ident in plain
    ]
    ids = dict(plain)
    zones += [
        {
            **common,
            "ZoneName": name,
            "ZoneId": ident,
            "GroupName": local,
            "GroupLongName": local,
            "NetworkBorderGroup": local,
            "ZoneType": "local-zone",
            "OptInStatus": "not-opted-in",
            "ParentZoneName": parent,
            "ParentZoneId": ids.get(parent),
        }
        for name, ident, local, parent in LOCAL_ZONES.get(region, [])
    ]
    return zones


def register() -> None:
    """Complete moto's table of zones."""
    zones = RegionsAndZonesBackend.zones["ca-central-1"]
    if MISSING_ZONE not in zones:
        zones.append(MISSING_ZONE)


class Zones(Operations):
    """DescribeAvailabilityZones."""

    def describe_availability_zones(self) -> ActionResult:
        zones = zones_of(self.region)
        if not self.params.get("AllAvailabilityZones"):
            zones = [zone for zone in zones if zone["OptInStatus"] != "not-opted-in"]
        for asked, member in (("ZoneNames", "ZoneName"), ("ZoneIds", "ZoneId")):
            if names := self.params.get(asked) or []:
                unknown = set(names) - {zone[member] for zone in zones}
                refuse(unknown, "InvalidParameterValue", f"Invalid availability zone: [{', '.join(sorted(unknown))}]")
                zones = [zone for zone in zones if zone[member] in names]
        for each in self.params.get("Filters") or []:
            refuse(each["Name"] not in FILTERS, "InvalidParameterValue", f"The filter '{each['Name']}' is invalid")
            path, values = FILTERS[each["Name"]], each.get("Values", [])
            zones = [zone for zone in zones if any(matches(value, values) for value in read(zone, path))]
        return ActionResult({"AvailabilityZones": zones})
