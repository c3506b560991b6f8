"""One server for all tests, wiped before each; transitions take `SETTLE` seconds of its clock."""

import functools
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).parents[1]
SETTLE = 60  # nobody waits for it: the clock is put forward


@functools.cache
def _client(url, service, region, key):
    """boto3 takes a second to read a service's model."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Cloud:
    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service, region="eu-north-1", key="AKIAIOSFODNN7EXAMPLE"):
        return _client(self.url, service, region, key)

    def admin(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/groundwork-api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def settle(self, times=1):
        for _ in range(times):
            self.admin("POST", "clock", {"advance": SETTLE})

    def until(self, condition, within=5.0):
        deadline = time.monotonic() + within
        while not (result := condition()):
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)
        return result


@pytest.fixture(scope="session")
def server():
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwork_aws", "--port", "0", "--settle", str(SETTLE)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Cloud(int(process.stdout.readline().rpartition(":")[2]))
    process.terminate()
    assert process.wait(timeout=5) == 0
    process.stdout.close()


@pytest.fixture
def cloud(server):
    server.admin("POST", "reset")
    server.admin("POST", "settings", {"settle": SETTLE, "external_control_plane": False})
    return server


@pytest.fixture
def ec2(cloud):
    return cloud.client("ec2")


@pytest.fixture
def refused():
    """Assert that AWS refuses, and give its code."""
    from botocore.exceptions import ClientError

    def call(function, **params):
        with pytest.raises(ClientError) as caught:
            function(**params)
        return caught.value.response["Error"]["Code"]

    return call


class Network:
    """A VPC with an internet gateway and two subnets."""

    def __init__(self, cloud, ec2):
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.igw, VpcId=self.vpc)
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{16 * index}.0/20", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for index, zone in enumerate(zones[:2])
        ]
        cloud.settle()


@pytest.fixture
def network(cloud, ec2):
    return Network(cloud, ec2)
