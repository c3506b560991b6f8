"""Puts CoreDNS into a cluster that has no node, and prints what EKS says of it once it says more than CREATING."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def main() -> None:
    """Make the cluster, add CoreDNS, and look for a while."""
    ec2: Any = boto3.client("ec2")
    eks: Any = boto3.client("eks")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"][:2]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(zones)
    ]
    role = boto3.client("iam").create_role(RoleName="first", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    eks.create_cluster(name="first", roleArn=role, resourcesVpcConfig={"subnetIds": subnets}, bootstrapSelfManagedAddons=False)
    eks.get_waiter("cluster_active").wait(name="first", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    eks.create_addon(clusterName="first", addonName="coredns")
    addon: dict[str, Any] = {"status": "CREATING"}
    for _ in range(120):
        addon = eks.describe_addon(clusterName="first", addonName="coredns")["addon"]
        if addon["status"] != "CREATING":
            break
        time.sleep(0.5)
    print(json.dumps({"status": addon["status"], "issues": addon["health"]["issues"]}))


if __name__ == "__main__":
    main()
