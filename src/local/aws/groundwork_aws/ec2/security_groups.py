"""Security groups and their rules, each rule with an id, tags and a description of its own."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.models.security_groups import SecurityGroupRule

from groundwork_aws.ec2.interfaces import groups as groups_of
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, depends, refuse, tags_of
from groundwork_aws.ec2.prefix_lists import PREFIX_LIST
from groundwork_aws.ec2.vpcs import VPC

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
RULES_PER_GROUP = 60
SPECIAL = r"a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*"


def all_groups(backend: Any) -> list[Any]:
    """Every security group."""
    return [group for groups in list(backend.groups.values()) for group in list(groups.values())]


def rules_of(group: Any) -> list[Any]:
    """The rules of a group, both directions."""
    return [*group.ingress_rules, *group.egress_rules]


def peer(rule: Any) -> tuple[str, str]:
    """What a rule lets in or out, under the name that AWS gives it."""
    if "CidrIp" in rule.ip_range:
        return "CidrIpv4", rule.ip_range["CidrIp"]
    if "CidrIpv6" in rule.ip_range:
        return "CidrIpv6", rule.ip_range["CidrIpv6"]
    if rule.prefix_list_id:
        return "PrefixListId", rule.prefix_list_id
    return "ReferencedGroupId", rule.source_group.get("GroupId", "")


def key(rule: Any) -> tuple[Any, ...]:
    """What makes two rules of one group the same."""
    return (rule.is_egress, rule.ip_protocol, rule.from_port, rule.to_port, *peer(rule))


def text(rule: Any) -> str | None:
    """A rule's description."""
    own: str | None = getattr(rule, "text", None)
    return own if own is not None else rule.ip_range.get("Description") or rule.source_group.get("Description")


def arn(backend: Any, kind: str, ident: str) -> str:
    """The ARN of something in EC2."""
    return f"arn:{backend.partition}:ec2:{backend.region_name}:{backend.account_id}:{kind}/{ident}"


def rule_view(rule: Any) -> View:
    """A rule as DescribeSecurityGroupRules shows it."""
    kind, value = peer(rule)
    backend = rule.ec2_backend
    shown: View = {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": arn(backend, "security-group-rule", rule.id),
        "GroupId": rule.group_id,
        "GroupOwnerId": backend.account_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "Description": text(rule),
        "Tags": tags_of(rule),
    }
    if kind == "ReferencedGroupId":
        shown["ReferencedGroupInfo"] = {"GroupId": value, "UserId": rule.source_group.get("UserId", backend.account_id)}
    else:
        shown[kind] = value
    return shown


def permissions(rules: list[Any]) -> list[View]:
    """Rules as DescribeSecurityGroups shows them: by protocol and ports."""
    grouped: dict[tuple[Any, ...], View] = {}
    for rule in rules:
        ports = (rule.ip_protocol, rule.from_port, rule.to_port)
        entry = grouped.setdefault(
            ports,
            {
                "IpProtocol": rule.ip_protocol,
                "FromPort": rule.from_port,
                "ToPort": rule.to_port,
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            },
        )
        kind, value = peer(rule)
        member, name = {
            "CidrIpv4": ("IpRanges", "CidrIp"),
            "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
            "PrefixListId": ("PrefixListIds", "PrefixListId"),
            "ReferencedGroupId": ("UserIdGroupPairs", "GroupId"),
        }[kind]
        one = {name: value, "Description": text(rule)}
        if kind == "ReferencedGroupId":
            one["UserId"] = rule.source_group.get("UserId", rule.ec2_backend.account_id)
        entry[member].append(one)
    return list(grouped.values())


def view(group: Any) -> View:
    """A group as DescribeSecurityGroups shows it."""
    backend = group.ec2_backend
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "VpcId": group.vpc_id,
        "SecurityGroupArn": arn(backend, "security-group", group.id),
        "IpPermissions": permissions(group.ingress_rules),
        "IpPermissionsEgress": permissions(group.egress_rules),
        "Tags": tags_of(group),
    }


def _permission_filters() -> dict[str, str]:
    inner = {
        "cidr": "IpRanges.CidrIp",
        "from-port": "FromPort",
        "group-id": "UserIdGroupPairs.GroupId",
        "ipv6-cidr": "Ipv6Ranges.CidrIpv6",
        "prefix-list-id": "PrefixListIds.PrefixListId",
        "protocol": "IpProtocol",
        "to-port": "ToPort",
        "user-id": "UserIdGroupPairs.UserId",
    }
    ways = {"ip-permission": "IpPermissions", "egress.ip-permission": "IpPermissionsEgress"}
    return {f"{way}.{name}": f"{member}.{path}" for way, member in ways.items() for name, path in inner.items()}


GROUP = define(
    Noun(
        type="security-group",
        prefix="sg",
        id="GroupId",
        not_found="InvalidGroup.NotFound",
        malformed="InvalidGroupId.Malformed",
        says="The security group '{}' does not exist",
        all=all_groups,
        view=view,
        filters={
            "description": "Description",
            "group-id": "GroupId",
            "group-name": "GroupName",
            "owner-id": "OwnerId",
            "vpc-id": "VpcId",
            **_permission_filters(),
        },
    )
)

RULE = define(
    Noun(
        type="security-group-rule",
        prefix="sgr",
        id="SecurityGroupRuleId",
        not_found="InvalidSecurityGroupRuleId.NotFound",
        malformed="InvalidSecurityGroupRuleId.Malformed",
        says="The security group rule ID '{}' does not exist",
        all=lambda backend: [rule for group in all_groups(backend) for rule in rules_of(group)],
        view=rule_view,
        filters={"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"},
    )
)


def in_use(backend: Any, group: Any) -> bool:
    """Whether something stands in the way of deleting a group ("Delete a security group")."""
    if any(one.id == group.id for eni in backend.enis.values() for one in groups_of(eni)):
        return True
    return any(
        rule.source_group.get("GroupId") == group.id
        for other in all_groups(backend)
        if other.id != group.id
        for rule in rules_of(other)
    )


def _cidr(asked: str, version: int) -> str:
    try:
        block = ipaddress.ip_network(asked, strict=False)
    except ValueError:
        block = None
    refuse(
        block is None or block.version != version or "/" not in asked,
        "InvalidParameterValue",
        f"CIDR block {asked} is malformed",
    )
    return str(block)


class SecurityGroups(Operations):
    """Operations on security groups."""

    def create_security_group(self) -> ActionResult:
        name, description = self.need("GroupName", "Description")
        for member, value in (("groupName", name), ("groupDescription", description)):
            refuse(
                not re.fullmatch(rf"[{SPECIAL}]{{1,255}}", value),
                "InvalidParameterValue",
                f"Value ({value}) for parameter {member} is invalid. Character sets beyond ASCII are not supported.",
            )
        refuse(
            name.startswith("sg-"),
            "InvalidParameterValue",
            f"Invalid group name '{name}': group names may not be in the format sg-*.",
        )
        refuse(name == "default", "InvalidParameterValue", "Cannot use reserved security group name: default")
        backend = self.ec2_backend
        vpc = VPC.find(backend, self.params.get("VpcId") or backend.default_vpc.id)
        refuse(
            any(group.name == name for group in backend.groups[vpc.id].values()),
            "InvalidGroup.Duplicate",
            f"The security group '{name}' already exists for VPC '{vpc.id}'",
        )
        group = backend.create_security_group(name, description, vpc_id=vpc.id, tags=self.tags_for("security-group"), force=True)
        shown = view(group)
        return ActionResult({name: shown[name] for name in ("GroupId", "SecurityGroupArn", "Tags")})

    def describe_security_groups(self) -> ActionResult:
        views = GROUP.select(self.ec2_backend, self.params.get("GroupIds") or [], self.params.get("Filters") or [])
        if names := self.params.get("GroupNames"):
            for name in names:
                known = any(one["GroupName"] == name for one in views)
                refuse(not known, "InvalidGroup.NotFound", f"The security group '{name}' does not exist")
            views = [one for one in views if one["GroupName"] in names]
        return self.page("SecurityGroups", views)

    def delete_security_group(self) -> ActionResult:
        group = self._group()
        refuse(
            group.is_default,
            "CannotDelete",
            f'the specified group: "{group.id}" name: "default" cannot be deleted by a user',
        )
        depends(in_use(self.ec2_backend, group), f"resource {group.id} has a dependent object")
        self.ec2_backend.groups[group.vpc_id].pop(group.id)
        return ActionResult({"Return": True, "GroupId": group.id})

    def _group(self) -> Any:
        if ident := self.params.get("GroupId"):
            return GROUP.find(self.ec2_backend, ident)
        name = self.need("GroupName")[0]
        for group in GROUP.visible(self.ec2_backend):
            if group.name == name and group.vpc_id == self.ec2_backend.default_vpc.id:
                return group
        refuse(True, "InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC")
        raise AssertionError

    def _asked(self, group: Any, *, egress: bool) -> Iterator[Any]:
        """The rules that the parameters speak of, made but not added."""
        asked = list(self.params.get("IpPermissions") or [])
        if not asked:
            single = {name: self.params.get(name) for name in ("IpProtocol", "FromPort", "ToPort")}
            if cidr := self.params.get("CidrIp"):
                asked.append({**single, "IpRanges": [{"CidrIp": cidr}]})
            elif name := self.params.get("SourceSecurityGroupName"):
                asked.append({**single, "IpProtocol": "-1", "UserIdGroupPairs": [{"GroupName": name}]})
        refuse(not asked, "MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
        for permission in asked:
            ports = self._ports(permission)
            peers = [
                *({"CidrIpv4": one["CidrIp"], **one} for one in permission.get("IpRanges") or []),
                *(dict(one) for one in permission.get("Ipv6Ranges") or []),
                *(dict(one) for one in permission.get("PrefixListIds") or []),
                *({"ReferencedGroupId": self._referenced(one), **one} for one in permission.get("UserIdGroupPairs") or []),
            ]
            refuse(not peers, "MissingParameter", "The request must contain a source or destination for the rule.")
            for one in peers:
                yield self._rule(group, ports, one, egress=egress)

    def _referenced(self, pair: View) -> str:
        if pair.get("GroupId"):
            return str(pair["GroupId"])
        name = pair.get("GroupName")
        found = next((group.id for group in GROUP.visible(self.ec2_backend) if group.name == name), None)
        refuse(found is None, "InvalidGroup.NotFound", f"The security group '{name}' does not exist")
        return str(found)

    @staticmethod
    def _ports(permission: View) -> tuple[str, int | None, int | None]:
        asked = str(permission.get("IpProtocol") or "")
        refuse(
            not asked,
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
        )
        protocol = PROTOCOLS.get(asked.lower(), asked.lower())
        known = protocol in ("tcp", "udp", "icmp", "icmpv6", "-1") or (protocol.isdigit() and int(protocol) < 256)
        refuse(
            not known,
            "InvalidPermission.Malformed",
            f'Unsupported IP protocol "{asked}"  - supported: [tcp, udp, icmp]',
        )
        if protocol not in ("tcp", "udp", "icmp", "icmpv6"):
            return protocol, None, None
        first, last = permission.get("FromPort"), permission.get("ToPort")
        if protocol in ("icmp", "icmpv6"):
            return protocol, -1 if first is None else int(first), -1 if last is None else int(last)
        refuse(
            first is None or last is None,
            "InvalidParameterValue",
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        )
        first, last = int(first), int(last)  # type: ignore[arg-type]
        refuse(not 0 <= first <= 65535 or not 0 <= last <= 65535, "InvalidParameterValue", "Invalid value for portRange.")
        refuse(first > last, "InvalidParameterValue", f"Invalid value '{first}-{last}' for portRange.")
        return protocol, first, last

    def _rule(self, group: Any, ports: tuple[str, int | None, int | None], one: View, *, egress: bool) -> Any:
        backend = self.ec2_backend
        protocol, first, last = ports
        ip_range, source, prefix_list = None, None, None
        if cidr := one.get("CidrIpv4"):
            ip_range = {"CidrIp": _cidr(cidr, 4)}
        elif cidr := one.get("CidrIpv6"):
            ip_range = {"CidrIpv6": _cidr(cidr, 6)}
        elif ident := one.get("PrefixListId"):
            PREFIX_LIST.find(backend, ident)
            prefix_list = {"PrefixListId": ident}
        else:
            source = {"GroupId": GROUP.find(backend, one["ReferencedGroupId"]).id, "UserId": backend.account_id}
        rule = SecurityGroupRule(
            backend, protocol, group.id, first or 0, last or 0, ip_range, source, prefix_list, is_egress=egress
        )
        rule.ip_protocol, rule.from_port, rule.to_port = protocol, first, last
        rule.text = one.get("Description")
        return rule

    def authorize_security_group_ingress(self) -> ActionResult:
        return self._authorize(egress=False)

    def authorize_security_group_egress(self) -> ActionResult:
        return self._authorize(egress=True)

    def _authorize(self, *, egress: bool) -> ActionResult:
        group = self._group()
        tags = self.tags_for("security-group-rule")
        held = group.egress_rules if egress else group.ingress_rules
        known = {key(rule) for rule in held}
        added = list(self._asked(group, egress=egress))
        for rule in added:
            ports = "" if rule.ip_protocol == "-1" else f", from port: {rule.from_port}, to port: {rule.to_port}"
            protocol = "ALL" if rule.ip_protocol == "-1" else rule.ip_protocol.upper()
            refuse(
                key(rule) in known,
                "InvalidPermission.Duplicate",
                f'the specified rule "peer: {peer(rule)[1]}, {protocol}{ports}, ALLOW" already exists',
            )
            known.add(key(rule))
        refuse(
            len(known) > RULES_PER_GROUP,
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        )
        for rule in added:
            rule.add_tags(tags)
            held.append(rule)
        return ActionResult({"Return": True, "SecurityGroupRules": [rule_view(rule) for rule in added]})

    def revoke_security_group_ingress(self) -> ActionResult:
        return self._revoke(egress=False)

    def revoke_security_group_egress(self) -> ActionResult:
        return self._revoke(egress=True)

    def _held(self, group: Any, idents: list[str], *, egress: bool | None = None) -> list[Any]:
        """Rules of a group by their ids."""
        found = []
        for ident in idents:
            RULE.check(ident)
            rule = next((one for one in rules_of(group) if one.id == ident and egress in (None, one.is_egress)), None)
            if rule is None:
                raise RULE.missing(ident)
            found.append(rule)
        return found

    def _revoke(self, *, egress: bool) -> ActionResult:
        group = self._group()
        held = group.egress_rules if egress else group.ingress_rules
        if idents := self.params.get("SecurityGroupRuleIds"):
            revoked = self._held(group, idents, egress=egress)
        else:
            by_key = {key(rule): rule for rule in held}
            revoked = []
            for rule in self._asked(group, egress=egress):
                refuse(
                    key(rule) not in by_key,
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
                revoked.append(by_key[key(rule)])
        for rule in revoked:
            if rule in held:
                held[:] = [one for one in held if one.id != rule.id]
        shown = []
        for one in map(rule_view, revoked):
            referenced = one.pop("ReferencedGroupInfo", None)
            shown.append(one | ({"ReferencedGroupId": referenced["GroupId"]} if referenced else {}))
        return ActionResult({"Return": True, "RevokedSecurityGroupRules": shown})

    def modify_security_group_rules(self) -> ActionResult:
        group = GROUP.find(self.ec2_backend, self.params["GroupId"])
        asked = self.params.get("SecurityGroupRules") or []
        held = self._held(group, [one["SecurityGroupRuleId"] for one in asked])
        changed = []
        for rule, one in zip(held, asked, strict=True):
            new = one.get("SecurityGroupRule") or {}
            kinds = [kind for kind in ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId") if new.get(kind)]
            refuse(
                len(kinds) != 1,
                "InvalidParameterCombination" if kinds else "MissingParameter",
                "Exactly one of cidrIpv4, cidrIpv6, prefixListId, or referencedGroupId must be specified",
            )
            refuse(
                kinds != [peer(rule)[0]],
                "InvalidParameterValue",
                f"Invalid rule type for security group rule '{rule.id}'. "
                f"You may not specify {kinds[0] if kinds else None} for an existing {peer(rule)[0]} rule.",
            )
            changed.append(self._rule(group, self._ports(new), new, egress=rule.is_egress))
        others = {key(rule) for rule in rules_of(group) if rule not in held or rule.id not in {one.id for one in held}}
        for new in changed:
            refuse(key(new) in others, "InvalidPermission.Duplicate", "The specified rule already exists")
        for rule, new in zip(held, changed, strict=True):
            for name in ("ip_protocol", "from_port", "to_port", "ip_range", "source_group", "prefix_list_id", "text"):
                setattr(rule, name, getattr(new, name))
        return ActionResult({"Return": True})

    def update_security_group_rule_descriptions_ingress(self) -> ActionResult:
        return self._describe_rules(egress=False)

    def update_security_group_rule_descriptions_egress(self) -> ActionResult:
        return self._describe_rules(egress=True)

    def _describe_rules(self, *, egress: bool) -> ActionResult:
        group = self._group()
        if by_id := self.params.get("SecurityGroupRuleDescriptions"):
            held = self._held(group, [one["SecurityGroupRuleId"] for one in by_id], egress=egress)
            for rule, one in zip(held, by_id, strict=True):
                rule.text = one.get("Description") or ""
            return ActionResult({"Return": True})
        known = {key(rule): rule for rule in (group.egress_rules if egress else group.ingress_rules)}
        asked = list(self._asked(group, egress=egress))
        for rule in asked:
            refuse(
                key(rule) not in known,
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            )
        for rule in asked:
            known[key(rule)].text = rule.text or ""
        return ActionResult({"Return": True})

    def describe_security_group_rules(self) -> ActionResult:
        for each in self.params.get("Filters") or []:
            if each["Name"] == "group-id":
                for ident in each.get("Values", []):
                    GROUP.check(ident)
        return self.describe(RULE, "SecurityGroupRules", "SecurityGroupRuleIds")

    def describe_stale_security_groups(self) -> ActionResult:
        return ActionResult({"StaleSecurityGroupSet": []})

    def describe_security_group_references(self) -> ActionResult:
        return ActionResult({"SecurityGroupReferenceSet": []})
