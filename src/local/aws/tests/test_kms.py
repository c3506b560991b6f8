import pytest


@pytest.fixture
def kms(cloud):
    return cloud.client("kms")


def test_a_key_on_its_way_out_can_be_used_for_nothing(cloud, kms, refused):
    key = kms.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/logs", TargetKeyId=key)
    assert kms.describe_key(KeyId="alias/logs")["KeyMetadata"]["KeyId"] == key
    shown = cloud.admin("GET", "dump")
    assert shown[f"kms/123456789012/eu-north-1/keys/{key}"]["tags"] == {"a": "b"}
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert refused(kms.schedule_key_deletion, KeyId=key) == "KMSInvalidStateException"
    assert refused(kms.enable_key_rotation, KeyId=key) == "KMSInvalidStateException"
    assert refused(kms.tag_resource, KeyId=key, Tags=[]) == "KMSInvalidStateException"
    assert cloud.admin("GET", "dump")[f"kms/123456789012/eu-north-1/keys/{key}"]["gone"]


def test_a_rotation_has_a_period(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 180


def test_a_log_group_has_a_class_and_two_arns(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="flow", logGroupClass="INFREQUENT_ACCESS")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="flow")["logGroups"]
    assert group["logGroupClass"] == "INFREQUENT_ACCESS"
    assert group["arn"] == f"{group['logGroupArn']}:*"
