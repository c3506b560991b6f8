import http.client
import json
import subprocess
import sys
import threading
import time
import urllib.error

import botocore.exceptions
import pytest
from conftest import ROOT


def test_the_journal_tells_every_call(cloud, ec2, refused):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    refused(ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])
    cloud.client("iam").list_roles()
    first, second, third = cloud.admin("GET", "journal")
    assert (first["service"], first["operation"], first["status"]) == ("ec2", "CreateVpc", 200)
    assert (first["account"], first["region"], first["params"]["CidrBlock"]) == ("123456789012", "eu-north-1", "10.0.0.0/16")
    assert first["caller"] == "arn:aws:iam::123456789012:user/groundwork"
    assert first["acted"]
    assert first["answered"]
    assert abs(first["time"] - time.time()) < 10
    assert second["error_code"] == "InvalidVpcID.NotFound"
    assert third["operation"] == "ListRoles"
    assert [entry["n"] for entry in cloud.admin("GET", f"journal?since={second['n']}")] == [third["n"]]
    cloud.admin("DELETE", "journal")
    ec2.delete_vpc(VpcId=vpc)
    (entry,) = cloud.admin("GET", "journal")
    assert entry["n"] == third["n"] + 1


def test_the_journal_tells_when_what_a_call_began_came_true(cloud, ec2, network):
    cloud.admin("DELETE", "journal")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    at_once, begun = cloud.admin("GET", "journal")
    assert (at_once["subject"], at_once["settled"]) == (None, None)
    assert (begun["subject"], begun["settled"]) == (nat, None)
    cloud.admin("POST", "clock", {"advance": 3600})  # nobody looks for an hour
    entry = cloud.admin("GET", "journal")[1]
    assert entry["settled"] < time.time() - 3000


def test_a_fault_strikes_at_the_nth_call(cloud, ec2, refused):
    cloud.admin("POST", "faults", {"service": "ec2", "operation": "DescribeV*", "nth": 2, "kind": "throttle"})
    ec2.describe_vpcs()
    assert refused(ec2.describe_vpcs) == "RequestLimitExceeded"
    ec2.describe_vpcs()
    (fault,) = cloud.admin("GET", "faults")
    assert (fault["met"], fault["struck"]) == (3, 1)
    cloud.admin("DELETE", "faults")
    assert cloud.admin("GET", "faults") == []


def test_each_protocol_has_its_own_words(cloud, refused):
    cloud.admin("POST", "faults", {"kind": "throttle"})
    assert refused(cloud.client("ec2").describe_vpcs) == "RequestLimitExceeded"
    assert refused(cloud.client("iam").list_roles) == "Throttling"
    assert refused(cloud.client("logs").describe_log_groups) == "ThrottlingException"
    assert refused(cloud.client("eks").list_clusters) == "ThrottlingException"
    cloud.admin("DELETE", "faults")
    cloud.admin("POST", "faults", {"kind": "denied"})
    assert refused(cloud.client("ec2").describe_vpcs) == "UnauthorizedOperation"
    assert refused(cloud.client("iam").list_roles) == "AccessDenied"
    assert refused(cloud.client("eks").list_clusters) == "AccessDeniedException"


def test_an_error_is_what_was_asked_for(cloud, ec2):
    cloud.admin("POST", "faults", {"kind": "error", "code": "InternalError", "status": 503, "message": "later"})
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        ec2.describe_vpcs()
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == ("InternalError", "later")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503


def vpcs(ec2):
    return len(ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.7.0.0/16"]}])["Vpcs"])


def test_a_reset_before_leaves_nothing(cloud, ec2):
    cloud.admin("POST", "faults", {"operation": "CreateVpc", "kind": "reset_before", "count": 1})
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.7.0.0/16")
    (entry,) = cloud.admin("GET", "journal")
    assert (entry["acted"], entry["answered"], entry["status"]) == (False, False, None)
    assert vpcs(ec2) == 0


def test_a_reset_after_leaves_what_was_done(cloud, ec2):
    cloud.admin("POST", "faults", {"operation": "CreateVpc", "kind": "reset_after", "count": 1})
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.7.0.0/16")
    entry = cloud.admin("GET", "journal")[0]
    assert (entry["acted"], entry["answered"], entry["status"]) == (True, False, 200)
    assert vpcs(ec2) == 1


def test_a_held_answer_is_acted_on_before(cloud, ec2):
    cloud.admin("POST", "faults", {"operation": "CreateVpc", "kind": "delay_response", "seconds": 2, "count": 1})
    thread = threading.Thread(target=ec2.create_vpc, kwargs={"CidrBlock": "10.7.0.0/16"})
    thread.start()
    entry = cloud.until(lambda: [one for one in cloud.admin("GET", "journal") if one["acted"]])[0]
    assert entry["answered"] is False
    assert vpcs(ec2) == 1
    thread.join()
    assert cloud.admin("GET", "journal")[0]["answered"] is True


def test_a_delay_waits_before(cloud, ec2):
    cloud.admin("POST", "faults", {"operation": "DescribeVpcs", "kind": "delay", "seconds": 0.2})
    started = time.monotonic()
    ec2.describe_vpcs()
    assert time.monotonic() - started >= 0.2


def test_what_was_created_is_seen_later(cloud, ec2, refused):
    cloud.admin("POST", "faults", {"operation": "Create*", "kind": "not_found_after_create", "seconds": 30})
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert refused(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    assert refused(ec2.delete_vpc, VpcId=vpc) == "InvalidVpcID.NotFound"
    assert refused(ec2.create_tags, Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}]) == "InvalidVpcID.NotFound"
    assert vpcs(ec2) == 0
    cloud.settle()
    assert vpcs(ec2) == 1
    ec2.delete_vpc(VpcId=vpc)


def test_accounts_are_apart(cloud, ec2):
    ec2.create_vpc(CidrBlock="10.7.0.0/16")
    other = "ACCOUNT210987654321"
    identity = cloud.client("sts", key=other).get_caller_identity()
    assert identity["Account"] == "210987654321"
    assert identity["Arn"] == "arn:aws:iam::210987654321:user/groundwork"
    assert vpcs(cloud.client("ec2", key=other)) == 0
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_bad_credentials(cloud, refused):
    assert refused(cloud.client("ec2", key="EXPIRED").describe_vpcs) == "RequestExpired"
    assert refused(cloud.client("sts", key="EXPIRED").get_caller_identity) == "ExpiredToken"
    assert refused(cloud.client("eks", key="EXPIRED").list_clusters) == "ExpiredTokenException"
    assert refused(cloud.client("ec2", key="INVALID").describe_vpcs) == "AuthFailure"
    assert refused(cloud.client("sts", key="INVALID").get_caller_identity) == "InvalidClientTokenId"


def test_a_presigned_call_is_known(cloud):
    url = cloud.client("sts").generate_presigned_url("get_caller_identity")
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
    for _ in range(2):  # on one connection
        connection.request("GET", "/" + url.split("/", 3)[3])
        assert b"<Account>123456789012</Account>" in connection.getresponse().read()
    connection.close()


def test_the_dump_of_an_untouched_cloud_is_empty(cloud):
    cloud.client("iam").list_policies(Scope="AWS")
    cloud.client("ec2").describe_images()
    cloud.client("sqs").list_queues()
    cloud.client("events").list_rules()
    cloud.client("kms").list_keys()
    cloud.client("kms").list_aliases()
    cloud.client("logs").describe_log_groups()
    cloud.client("s3").list_buckets()
    cloud.client("autoscaling").describe_auto_scaling_groups()
    cloud.client("ssm").describe_parameters()
    cloud.client("resourcegroupstaggingapi").get_resources()
    assert cloud.admin("GET", "dump") == {}


def test_the_dump_tells_everything(cloud, ec2):
    cloud.client("ec2", region="us-west-2").create_vpc(CidrBlock="10.7.0.0/16")
    cloud.client("sqs").create_queue(QueueName="demo")
    cloud.client("logs").create_log_group(logGroupName="/aws/eks/demo/cluster")
    cloud.client("events").put_rule(Name="demo", EventPattern='{"source": ["aws.ec2"]}')
    allow = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    cloud.client("iam").create_role(RoleName="demo", AssumeRolePolicyDocument=trust)
    dump = cloud.admin("GET", "dump")
    assert dump == cloud.admin("GET", "dump")
    found = {"/".join(key.split("/")[:3]) for key in dump}
    assert found >= {
        "ec2/123456789012/us-west-2",
        "sqs/123456789012/eu-north-1",
        "logs/123456789012/eu-north-1",
        "events/123456789012/eu-north-1",
        "iam/123456789012/aws",
    }


def test_settings(cloud):
    expected = {"settle": None, "speed": 60.0, "external_control_plane": False}
    assert cloud.admin("POST", "settings", {"settle": None, "speed": 60}) == expected
    assert cloud.admin("GET", "settings") == expected
    cloud.admin("POST", "settings", {"speed": 1})
    for wrong in ({"speed": 0}, {"colour": 1}):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            cloud.admin("POST", "settings", wrong)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        cloud.admin("GET", "nonsense")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        cloud.admin("POST", "faults", {"kind": "nonsense"})


def test_it_listens_on_loopback_only(tmp_path):
    command = [sys.executable, "-m", "groundwork_aws", "--port", "0"]
    assert subprocess.run([*command, "--host", "0.0.0.0"], cwd=ROOT, capture_output=True, check=False).returncode == 2
    process = subprocess.Popen([*command, "--port-file", str(tmp_path / "port")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"listening on 127.0.0.1:{(tmp_path / 'port').read_text().strip()}\n"
    process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()


def presigned_for(cluster, secret, key="local"):
    """An EKS token's request, as `aws eks get-token` makes it."""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(
        "GET",
        "https://sts.eu-north-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-k8s-aws-id": cluster},
    )
    SigV4QueryAuth(Credentials(key, secret), "sts", "eu-north-1", expires=60).add_auth(request)
    return request.url


def test_who_is_behind_a_presigned_request_is_told_if_it_is_what_was_signed(cloud):
    from urllib.error import HTTPError

    def ask(url, cluster):
        return cloud.admin("POST", "identity", {"url": url, "headers": {"x-k8s-aws-id": cluster}})

    def refused(url, cluster):
        with pytest.raises(HTTPError) as caught:
            ask(url, cluster)
        return json.load(caught.value)["error"].partition(":")[0]

    user = "arn:aws:iam::123456789012:user/groundwork"
    assert ask(presigned_for("demo", "local"), "demo") == {"arn": user, "account": "123456789012"}
    assert refused(presigned_for("demo", "local"), "other") == "SignatureDoesNotMatch"
    assert refused(presigned_for("demo", "wrong"), "demo") == "SignatureDoesNotMatch"
    assert refused("https://sts.eu-north-1.amazonaws.com/?Action=GetCallerIdentity", "demo") == "IncompleteSignature"
    assert refused(presigned_for("demo", "x", "EXPIRED1"), "demo") == "ExpiredToken"

    iam, sts = cloud.client("iam"), cloud.client("sts")
    trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    session = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    url = presigned_for("demo", session["SecretAccessKey"], session["AccessKeyId"])
    assert ask(url, "demo")["arn"] == "arn:aws:sts::123456789012:assumed-role/deployer/me"
    assert refused(url, "other") == "SignatureDoesNotMatch"


def test_the_dump_passes_over_sessions(cloud):
    before = cloud.admin("GET", "dump")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}'
    role = cloud.client("iam").create_role(RoleName="assumed", AssumeRolePolicyDocument=trust)["Role"]
    session = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="one")
    assert session["Credentials"]["AccessKeyId"].startswith("ASIA")
    (new,) = set(cloud.admin("GET", "dump")) - set(before)
    assert "/roles/" in new
