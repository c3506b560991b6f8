//! The network of preset `demo`, resource by resource: 31 and 11; and the cluster's security groups, 9.

use std::collections::BTreeMap;

use groundwork_program::{
    sample,
    sdk::mock::{Recording, Registration},
};
use groundwork_wire::PropertyValue;

async fn demo() -> Recording {
    sample::record(&sample::preset("demo")).await.unwrap()
}

fn of<'a>(recording: &'a Recording, kind: &str) -> Vec<&'a Registration> {
    let token = format!("groundwork:ec2:{kind}");
    recording
        .registrations
        .iter()
        .filter(|registration| registration.token == token)
        .collect()
}

#[tokio::test]
async fn the_network_has_31_resources_the_endpoints_11_and_the_clusters_groups_9() {
    let demo = demo().await;
    let counts: BTreeMap<&str, usize> = [
        ("Vpc", 1),
        ("InternetGateway", 1),
        // The unattached group, and the endpoints' one; and the two around the cluster.
        ("SecurityGroup", 2 + 2),
        ("Subnet", 6),
        ("RouteTable", 6),
        ("RouteTableAssociation", 6),
        ("Route", 6),
        ("Eip", 2),
        ("NatGateway", 2),
        ("SecurityGroupRule", 2 + 7),
        ("VpcEndpoint", 8),
    ]
    .into();
    let mut total = 0;
    for (kind, count) in &counts {
        assert_eq!(of(&demo, kind).len(), *count, "{kind}");
        total += count;
    }
    assert_eq!(total, 31 + 11 + 9);
    let ec2 = demo
        .registrations
        .iter()
        .filter(|registration| registration.token.starts_with("groundwork:ec2:"));
    assert_eq!(ec2.count(), 31 + 11 + 9, "and no more");
}

#[tokio::test]
async fn names_ranges_and_parents_are_those_of_the_architectures() {
    let demo = demo().await;
    let zones = ["eu-central-1a", "eu-central-1b"];
    let ranges = [
        ("public-subnet", ["10.200.0.0/20", "10.200.16.0/20"]),
        ("private-subnet", ["10.200.32.0/20", "10.200.48.0/20"]),
        ("eks-cp-subnet", ["10.200.64.0/24", "10.200.65.0/24"]),
    ];
    for (tier, ranges) in ranges {
        for (zone, range) in zones.iter().zip(ranges) {
            let subnet = demo.resource(&format!("demo-{tier}-{zone}")).unwrap();
            assert_eq!(subnet.inputs["cidrBlock"].as_str(), Some(range));
            assert_eq!(subnet.inputs["availabilityZone"].as_str(), Some(*zone));
            assert_eq!(subnet.parent.as_ref().unwrap().name(), "demo-vpc");
        }
    }
    for zone in zones {
        for tier in ["public", "private", "eks-cp"] {
            let subnet = format!("demo-{tier}-subnet-{zone}");
            for child in ["rt", "rt-association", "wan-route"] {
                let child = demo.resource(&format!("demo-{tier}-{child}-{zone}")).unwrap();
                assert_eq!(child.parent.as_ref().unwrap().name(), subnet);
            }
        }
        assert_eq!(
            demo.resource(&format!("demo-eip-{zone}"))
                .unwrap()
                .parent
                .as_ref()
                .unwrap()
                .name(),
            "demo-vpc"
        );
        assert!(demo.resource(&format!("demo-nat-gateway-{zone}")).is_some());
    }
    for name in ["demo-igw", "demo-security-group"] {
        assert_eq!(demo.resource(name).unwrap().parent.as_ref().unwrap().name(), "demo-vpc");
    }
    for service in [
        "ecr-api",
        "ecr-dkr",
        "ec2",
        "sts",
        "logs",
        "s3",
        "email-smtp",
        "cloudformation",
    ] {
        let endpoint = demo.resource(&format!("{service}-vpc-endpoint")).unwrap();
        assert_eq!(endpoint.inputs["vpcEndpointType"].as_str(), Some("Interface"));
        assert_eq!(
            endpoint.inputs["privateDnsEnabled"],
            PropertyValue::Bool(service != "s3")
        );
        assert_eq!(endpoint.parent.as_ref().unwrap().name(), "demo-vpc");
    }
    assert!(demo.resource("aws-vpc-endpoints-sg").is_some());
    for (rule, protocol) in [
        ("inbound-vpc-endpoint-cidrs", "tcp"),
        ("outbound-vpc-endpoint-cidrs", "-1"),
    ] {
        let rule = demo.resource(rule).unwrap();
        assert_eq!(rule.inputs["protocol"].as_str(), Some(protocol));
        assert_eq!(rule.inputs["cidrIpv4"].as_str(), Some("0.0.0.0/0"));
    }
}

#[tokio::test]
async fn tags_are_those_of_the_architectures_and_everything_carries_the_stamp() {
    let demo = demo().await;
    let tag = |registration: &Registration, key: &str| {
        let tags = registration.inputs.get("tags")?.as_object()?.clone();
        tags.get(key).and_then(PropertyValue::as_str).map(str::to_owned)
    };
    for (resource, name) in [
        ("demo-vpc", "demo-vpc-eu-central-1"),
        ("demo-igw", "demo-igw-eu-central-1"),
        ("demo-security-group", "demo-sg-eu-central-1"),
        ("demo-nat-gateway-eu-central-1a", "demo-nat-eu-central-1a"),
    ] {
        let resource = demo.resource(resource).unwrap();
        assert_eq!(tag(resource, "Name").as_deref(), Some(name));
        assert_eq!(tag(resource, "stack:name").as_deref(), Some("demo-eks-stack"));
        assert_eq!(tag(resource, "stack:pulumi").as_deref(), Some("dev"));
    }
    let private = demo.resource("demo-private-subnet-eu-central-1a").unwrap();
    assert_eq!(
        tag(private, "karpenter.sh/discovery").as_deref(),
        Some("demo-k8s-cilium")
    );
    let public = demo.resource("demo-public-subnet-eu-central-1a").unwrap();
    assert_eq!(tag(public, "kubernetes.io/role/elb"), None);
    for preset in ["demo", "standard", "private"] {
        let recording = sample::record(&sample::preset(preset)).await.unwrap();
        let taggable: std::collections::BTreeSet<&str> = groundwork_contract::all()
            .iter()
            .filter(|contract| contract.has_tags())
            .map(|contract| contract.token)
            .collect();
        for registration in &recording.registrations {
            if !taggable.contains(registration.token.as_str()) {
                continue;
            }
            assert!(
                tag(registration, "groundwork:stamp").is_some(),
                "{preset}: {}",
                registration.name
            );
        }
    }
}

#[tokio::test]
async fn ways_out_stand_before_what_needs_them() {
    let standard = sample::record(&[]).await.unwrap();
    let nat = standard.resource("main-nat-gateway-eu-central-1a").unwrap();
    let depends: Vec<&str> = nat.dependencies.iter().map(groundwork_wire::Urn::name).collect();
    assert!(depends.contains(&"main-public-wan-route-eu-central-1a"), "{depends:?}");
    let address = standard.resource("main-eip-eu-central-1a").unwrap();
    assert!(address.dependencies.iter().any(|urn| urn.name() == "main-igw"));
}
