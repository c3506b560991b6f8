import pytest


@pytest.fixture
def group(ec2, network):
    return ec2.create_security_group(GroupName="own", Description="own", VpcId=network.vpc)["GroupId"]


def permission(port=443, **peers):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}


HTTPS = permission(IpRanges=[{"CidrIp": "10.0.0.5/16", "Description": "inside"}])


def test_the_default_group(ec2, network, refused):
    filters = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert default["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == default["GroupId"]
    assert default["IpPermissionsEgress"][0]["IpRanges"][0]["CidrIp"] == "0.0.0.0/0"
    assert refused(ec2.delete_security_group, GroupId=default["GroupId"]) == "CannotDelete"


def test_names_and_duplicates(ec2, network, group, refused):
    assert refused(ec2.create_security_group, GroupName="own", Description="x", VpcId=network.vpc) == "InvalidGroup.Duplicate"
    assert refused(ec2.create_security_group, GroupName="sg-own", Description="x", VpcId=network.vpc) == "InvalidParameterValue"
    assert refused(ec2.describe_security_groups, GroupIds=["sg-x"]) == "InvalidGroupId.Malformed"
    assert refused(ec2.delete_security_group, GroupId="sg-0123456789abcdef0") == "InvalidGroup.NotFound"


def test_rules_have_ids_tags_and_descriptions(ec2, group, refused):
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "Name", "Value": "https"}]}]
    (rule,) = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[HTTPS], TagSpecifications=tags)[
        "SecurityGroupRules"
    ]
    assert rule["CidrIpv4"] == "10.0.0.0/16"
    assert rule["Description"] == "inside"
    assert rule["Tags"] == [{"Key": "Name", "Value": "https"}]
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[HTTPS]) == "InvalidPermission.Duplicate"

    ident = rule["SecurityGroupRuleId"]
    by_tag = ec2.describe_security_group_rules(Filters=[{"Name": "tag:Name", "Values": ["https"]}])["SecurityGroupRules"]
    assert [one["SecurityGroupRuleId"] for one in by_tag] == [ident]
    found = ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["security-group-rule"]}])["Tags"]
    assert [(one["ResourceId"], one["Value"]) for one in found] == [(ident, "https")]

    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": ident, "Description": "better"}]
    )
    new = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "CidrIpv4": "10.1.0.0/16", "Description": "best"}
    assert ec2.describe_security_group_rules(SecurityGroupRuleIds=[ident])["SecurityGroupRules"][0]["Description"] == "better"
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": ident, "SecurityGroupRule": new}])
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[ident])["SecurityGroupRules"]
    assert (rule["FromPort"], rule["CidrIpv4"], rule["Description"]) == (8443, "10.1.0.0/16", "best")
    wrong = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIpv6": "::/0"}
    asked = [{"SecurityGroupRuleId": ident, "SecurityGroupRule": wrong}]
    assert refused(ec2.modify_security_group_rules, GroupId=group, SecurityGroupRules=asked) == "InvalidParameterValue"

    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[ident])
    gone = {"GroupId": group, "SecurityGroupRuleIds": [ident]}
    assert refused(ec2.revoke_security_group_ingress, **gone) == "InvalidSecurityGroupRuleId.NotFound"
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [ident]}])["Tags"] == []


def test_every_kind_of_peer(ec2, group, network):
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    pl = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-north-1.s3"]}])[
        "PrefixLists"
    ][0]["PrefixListId"]
    added = ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[
            permission(
                Ipv6Ranges=[{"CidrIpv6": "::/0"}],
                PrefixListIds=[{"PrefixListId": pl, "Description": "s3"}],
                UserIdGroupPairs=[{"GroupId": other}],
            )
        ],
    )["SecurityGroupRules"]
    assert [one.get("CidrIpv6") or one.get("PrefixListId") or one["ReferencedGroupInfo"]["GroupId"] for one in added] == [
        "::/0",
        pl,
        other,
    ]
    assert all(one["IsEgress"] for one in added)
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission(UserIdGroupPairs=[{"GroupId": other}])])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    left = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert len(left) == 2


def test_a_group_in_use_stays(ec2, network, group, refused):
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    pair = [permission(UserIdGroupPairs=[{"GroupId": group}])]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=pair)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=pair)
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=pair)
    eni = ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_security_group(GroupId=group)


def test_interfaces_are_found(ec2, network, group):
    tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "cluster", "Value": "demo"}]}]
    eni = ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[group], TagSpecifications=tags)["NetworkInterface"]
    for name, value in {
        "vpc-id": network.vpc,
        "subnet-id": network.subnets[0],
        "group-id": group,
        "tag:cluster": "de*",
        "tag-key": "cluster",
    }.items():
        filters = [{"Name": name, "Values": [value]}, {"Name": "status", "Values": ["available"]}]
        (found,) = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        assert found["NetworkInterfaceId"] == eni["NetworkInterfaceId"]


def test_malformed_rules(ec2, group, refused):
    def code(**asked):
        return refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[asked])

    assert code(IpProtocol="tcp", IpRanges=[{"CidrIp": "10.0.0.0/8"}]) == "InvalidParameterValue"
    assert code(**permission(IpRanges=[{"CidrIp": "10.0.0.0/33"}])) == "InvalidParameterValue"
    assert code(**permission(UserIdGroupPairs=[{"GroupId": "sg-0123456789abcdef0"}])) == "InvalidGroup.NotFound"
    assert code(**permission(PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}])) == "InvalidPrefixListID.NotFound"
