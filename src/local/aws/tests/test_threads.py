from concurrent.futures import ThreadPoolExecutor


def story(ec2, number):
    """What one deployment does to the network, there and back."""
    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.0.0/20")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc)["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": f"10.{number}.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    eni = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    found = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkInterfaces"]
    assert [one["NetworkInterfaceId"] for one in found] == [eni]
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    return vpc


def test_many_at_once(cloud, ec2):
    with ThreadPoolExecutor(24) as pool:
        assert len(set(pool.map(lambda number: story(ec2, number), range(24)))) == 24
    assert cloud.admin("GET", "dump") == {}
    entries = cloud.admin("GET", "journal")
    assert [entry["n"] for entry in entries] == list(range(entries[0]["n"], entries[0]["n"] + 24 * 10))
    assert {entry["status"] for entry in entries} == {200}
