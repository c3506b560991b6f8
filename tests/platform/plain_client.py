"""Makes a cluster and takes it away in the order of its graph, as a client does that knows nothing of what AWS leaves behind.

It deletes what refers to something before the thing itself, waits for each deletion as boto3's own waiters do, and goes on
after an error, which it tells. It takes region, credentials and endpoint from the environment. The last line is JSON: error
codes by what could not be deleted.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

NAME = "plain"
LOG_GROUP = f"/aws/eks/{NAME}/cluster"
PATIENCE = {"Delay": 1, "MaxAttempts": 300}
IMPATIENCE = {"Delay": 1, "MaxAttempts": 8}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["eks.amazonaws.com", "ec2.amazonaws.com", "eks-fargate-pods.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Plain:
    """A client and what it has made."""

    def __init__(self) -> None:
        self.ec2: Any = boto3.client("ec2")
        self.eks: Any = boto3.client("eks")
        self.iam: Any = boto3.client("iam")
        self.logs: Any = boto3.client("logs")
        self.errors: dict[str, str] = {}

    def make(self, parts: set[str]) -> dict[str, Any]:
        """Make a network and a cluster, and of its parts those that are asked for."""
        ec2, eks = self.ec2, self.eks
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        zones = ec2.describe_availability_zones()["AvailabilityZones"][:2]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index * 16}.0/20", AvailabilityZone=zone["ZoneName"])["Subnet"][
                "SubnetId"
            ]
            for index, zone in enumerate(zones)
        ]
        group = ec2.create_security_group(VpcId=vpc, GroupName="plain", Description="of the program")["GroupId"]
        role = self.iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.logs.create_log_group(logGroupName=LOG_GROUP)
        eks.create_cluster(
            name=NAME,
            roleArn=role,
            resourcesVpcConfig={"subnetIds": subnets},
            accessConfig={"authenticationMode": "API"},
            logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        )
        eks.get_waiter("cluster_active").wait(name=NAME, WaiterConfig=PATIENCE)
        if "reference" in parts:
            # Its own group admits the program's, as a controller's rule does.
            own = eks.describe_cluster(name=NAME)["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"]
            pair = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
            ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=pair)
        if "nodes" in parts:
            eks.create_nodegroup(clusterName=NAME, nodegroupName="nodes", subnets=subnets, nodeRole=role)
            eks.get_waiter("nodegroup_active").wait(clusterName=NAME, nodegroupName="nodes", WaiterConfig=PATIENCE)
        if "fargate" in parts:
            for profile in ("one", "two"):
                eks.create_fargate_profile(
                    clusterName=NAME,
                    fargateProfileName=profile,
                    podExecutionRoleArn=role,
                    subnets=subnets,
                    selectors=[{"namespace": profile}],
                )
                waiter = eks.get_waiter("fargate_profile_active")
                waiter.wait(clusterName=NAME, fargateProfileName=profile, WaiterConfig=PATIENCE)
        return {"vpc": vpc, "subnets": subnets, "group": group}

    def tell(self, what: str, call: Any, **arguments: Any) -> bool:
        """Make a call that may fail; whether it did not."""
        try:
            call(**arguments)
        except ClientError as error:
            self.errors[what] = error.response["Error"]["Code"]
        except WaiterError as error:
            self.errors[what] = str(error)
        return what not in self.errors

    def take_away(self, made: dict[str, Any], parts: set[str]) -> None:
        """Delete everything, what refers to something before the thing itself."""
        eks, ec2 = self.eks, self.ec2
        if "fargate" in parts:
            # Nothing in the graph orders the two.
            taken = [
                profile
                for profile in ("one", "two")
                if self.tell(f"profile {profile}", eks.delete_fargate_profile, clusterName=NAME, fargateProfileName=profile)
            ]
            wait = eks.get_waiter("fargate_profile_deleted").wait
            for profile in taken:
                self.tell(f"profile {profile}", wait, clusterName=NAME, fargateProfileName=profile, WaiterConfig=PATIENCE)
        if "nodes" in parts and self.tell("nodes", eks.delete_nodegroup, clusterName=NAME, nodegroupName="nodes"):
            patience = IMPATIENCE if "impatient" in parts else PATIENCE
            wait = eks.get_waiter("nodegroup_deleted").wait
            self.tell("nodes", wait, clusterName=NAME, nodegroupName="nodes", WaiterConfig=patience)
        # Nothing refers to the log group but a name.
        if self.tell("cluster", eks.delete_cluster, name=NAME):
            self.tell("cluster", eks.get_waiter("cluster_deleted").wait, name=NAME, WaiterConfig=PATIENCE)
        self.tell("log group", self.logs.delete_log_group, logGroupName=LOG_GROUP)
        self.tell("role", self.iam.delete_role, RoleName=NAME)
        for subnet in made["subnets"]:
            self.tell("subnet", ec2.delete_subnet, SubnetId=subnet)
        self.tell("group", ec2.delete_security_group, GroupId=made["group"])
        self.tell("vpc", ec2.delete_vpc, VpcId=made["vpc"])


def main() -> None:
    """Make, take away, tell."""
    parts = set(sys.argv[1:])
    plain = Plain()
    made = plain.make(parts)
    plain.take_away(made, parts)
    print(json.dumps(plain.errors))


if __name__ == "__main__":
    main()
