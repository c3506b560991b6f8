//! What the shown architectures are made of, item by item, and that preset `demo` has it: part 1 (Fargate) and part 2
//! (Cilium), each item in both where both have it. `the_list_is_whole` prints the list.

use std::{fs, path::Path, sync::LazyLock};

use groundwork_program::{
    sample,
    sdk::mock::{Recording, Registration},
};
use serde_json::{Value as Json, json};

use crate::{order::after, say::say};

/// The zones of the sample.
const ZONES: [&str; 2] = ["eu-central-1a", "eu-central-1b"];

/// What the shown Karpenter may do.
const KARPENTER: [&str; 17] = [
    "ec2:CreateLaunchTemplate",
    "ec2:CreateFleet",
    "ec2:RunInstances",
    "ec2:CreateTags",
    "iam:PassRole",
    "ec2:TerminateInstances",
    "ec2:DeleteLaunchTemplate",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeSpotPriceHistory",
    "ssm:GetParameter",
    "pricing:GetProducts",
];

/// One of the two architectures, as it is registered.
struct Part {
    number: u8,
    /// The cluster's name, which most other names begin with.
    c: &'static str,
    recording: Recording,
}

static PARTS: LazyLock<[Part; 2]> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    [(1, "demo-k8s", "demo-1"), (2, "demo-k8s-cilium", "demo")].map(|(number, c, preset)| {
        let recording = runtime.block_on(sample::record(&sample::preset(preset))).unwrap();
        assert_eq!(recording.errors(), Vec::<&str>::new());
        Part { number, c, recording }
    })
});

impl Part {
    fn registration(&self, name: &str) -> &Registration {
        let found = self.recording.resource(name);
        found.unwrap_or_else(|| panic!("part {} has no {name}", self.number))
    }

    /// The inputs of a resource of this type.
    fn inputs(&self, kind: &str, name: &str) -> Json {
        let registration = self.registration(name);
        assert_eq!(registration.token, format!("groundwork:{kind}"), "{name}");
        registration.to_json()["inputs"].clone()
    }

    fn all(&self, kind: &str) -> Vec<&Registration> {
        let token = format!("groundwork:{kind}");
        let all = self.recording.registrations.iter();
        all.filter(|registration| registration.token == token).collect()
    }

    fn has_not(&self, name: &str) {
        assert!(
            self.recording.resource(name).is_none(),
            "part {} has {name}",
            self.number
        );
    }

    fn comes_after(&self, later: &str, earlier: &str) {
        let after = after(&self.recording, later);
        assert!(
            after.contains(earlier),
            "part {}: {later} before {earlier}",
            self.number
        );
    }

    fn exports(&self, name: &str) -> Json {
        self.recording.to_json()["exports"][name].clone()
    }

    fn name(&self, words: &str) -> String {
        format!("{}-{words}", self.c)
    }

    fn cluster(&self) -> Json {
        self.inputs("eks:Cluster", &format!("eks-{}", self.c))
    }

    fn managed(&self, role: &str) -> Vec<String> {
        (0..)
            .map_while(|index| self.recording.resource(&format!("{role}-policy-{index}")))
            .map(|attachment| attachment.to_json()["inputs"]["policyArn"].as_str().unwrap().to_owned())
            .map(|arn| arn.rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    fn trust(&self, role: &str) -> Json {
        let trust = self.inputs("iam:Role", role)["assumeRolePolicy"].clone();
        let statement = &trust["Statement"][0];
        statement.clone()
    }

    fn subnets(tier: &str) -> Json {
        ZONES
            .map(|zone| format!("demo-{tier}-subnet-{zone}-id"))
            .to_vec()
            .into()
    }

    fn warns(&self, id: &str) {
        let mut said = self.recording.messages.iter().map(|message| message.text.as_str());
        let begin = format!("[{id},");
        assert!(
            said.any(|text| text.starts_with(&begin)),
            "part {} does not warn of {id}",
            self.number
        );
    }
}

fn both(hold: impl Fn(&Part)) {
    PARTS.iter().for_each(hold);
}

fn part(number: u8, hold: impl Fn(&Part)) {
    hold(PARTS.iter().find(|part| part.number == number).unwrap());
}

/// A file of the repository.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tag(inputs: &Json, key: &str) -> String {
    inputs["tags"][key].as_str().unwrap_or_default().to_owned()
}

fn has(inputs: &Json, expected: &Json) {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&inputs[key], value, "{key}");
    }
}

/// Each item is a test of its own, or says where it can be seen.
macro_rules! items {
    ($($number:literal $test:ident $title:literal $(elsewhere $where:literal)? $($body:block)?)+) => {
        const ITEMS: &[(u8, &str, &str)] = &[$(($number, $title, items!(@seen $($where)?))),+];
        $($(#[test] fn $test() $body)?)+
    };
    (@seen) => { "registrations" };
    (@seen $where:literal) => { $where };
}

items! {
    1 item_01_a_project_for_each_part "a project for each part" {
        for name in ["part1", "part2"] {
            let project = file(&format!("examples/{name}/Pulumi.yaml"));
            assert!(project.contains(&format!("name: {name}\n")) && project.contains("name: rust\n"), "{project}");
        }
    }
    2 item_02_the_region_is_a_setting "the region: us-east-1, eu-central-1" {
        for (name, region) in [("part1", "us-east-1"), ("part2", "eu-central-1")] {
            let stack = file(&format!("examples/{name}/Pulumi.dev.yaml"));
            assert!(stack.contains(&format!("groundwork:region: {region}\n")), "{stack}");
        }
    }
    3 item_03_the_profile_is_a_setting "the profile of the AWS CLI" {
        let options = sample::options().config("aws:profile", "mine");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let recording = runtime
            .block_on(groundwork_program::sdk::mock::run(options, groundwork_program::platform))
            .unwrap();
        assert_eq!(recording.resource("aws").unwrap().inputs["profile"].as_str(), Some("mine"));
        let kubeconfig = recording.to_json()["exports"]["kubeconfig"]["<secret>"].clone();
        let kubeconfig: Json = serde_json::from_str(kubeconfig.as_str().unwrap()).unwrap();
        let args = kubeconfig["users"][0]["user"]["exec"]["args"].as_array().unwrap().clone();
        assert!(args.ends_with(&["--profile".into(), "mine".into()]), "{args:?}");
    }
    4 item_04_the_repository_is_required "the repository's name, required" { refused("repository"); }
    5 item_05_the_owner_is_required "the repository's owner, required" { refused("owner"); }
    6 item_06_the_token_is_required_and_secret "the token, required and secret" {
        refused("token");
        both(|part| {
            let job = part.inputs("kubernetes:Manifest", "flux-bootstrap-job");
            assert!(job["manifest"].get("<secret>").is_some(), "{job}");
        });
    }
    7 item_07_tags "the general tags, on whatever the architectures tag" {
        let taggable: Vec<&str> = groundwork_contract::all()
            .iter()
            .filter(|contract| contract.has_tags())
            .map(|contract| contract.token)
            .collect();
        both(|part| {
            let mut tagged = 0;
            for registration in &part.recording.registrations {
                let inputs = registration.to_json()["inputs"].clone();
                let name = &registration.name;
                // Rules of groups carry no name either, but the stamp; the others carry no tags at all.
                if taggable.contains(&registration.token.as_str()) && !registration.token.ends_with("SecurityGroupRule") {
                    assert_eq!(tag(&inputs, "stack:name"), "demo-eks-stack", "{name}");
                    assert_eq!(tag(&inputs, "stack:pulumi"), "dev", "{name}");
                    tagged += 1;
                } else {
                    assert_eq!(inputs["tags"].get("stack:name"), None, "{name}");
                }
            }
            assert!(tagged > 40, "{tagged}");
        });
    }
    8 item_08_the_vpcs_range "10.200.0.0/16" {
        both(|part| has(&part.inputs("ec2:Vpc", "demo-vpc"), &json!({"cidrBlock": "10.200.0.0/16"})));
    }
    9 item_09_public_ranges "10.200.0.0/20, 10.200.16.0/20" { ranges("public", ["10.200.0.0/20", "10.200.16.0/20"]); }
    10 item_10_private_ranges "10.200.32.0/20, 10.200.48.0/20" { ranges("private", ["10.200.32.0/20", "10.200.48.0/20"]); }
    11 item_11_control_plane_ranges "10.200.64.0/24, 10.200.65.0/24" {
        ranges("eks-cp", ["10.200.64.0/24", "10.200.65.0/24"]);
    }
    12 item_12_eight_endpoint_services "eight services with endpoints" {
        both(|part| {
            let mut services: Vec<String> = part
                .all("ec2:VpcEndpoint")
                .iter()
                .map(|endpoint| endpoint.inputs["serviceName"].as_str().unwrap().replace("com.amazonaws.eu-central-1.", ""))
                .collect();
            services.sort();
            let expected = ["cloudformation", "ec2", "ecr.api", "ecr.dkr", "email-smtp", "logs", "s3", "sts"];
            assert_eq!(services, expected);
        });
    }
    13 item_13_the_clusters_name "demo-k8s, demo-k8s-cilium" {
        both(|part| assert_eq!(part.cluster()["name"], part.c));
    }
    14 item_14_flux_on_a_version_that_still_runs "the version of Flux' command line" {
        both(|part| {
            let image = job(part)["spec"]["template"]["spec"]["containers"][0]["image"].clone();
            assert_eq!(image, "ghcr.io/fluxcd/flux-cli:v2.9.4");
        });
    }
    15 item_15_cilium_on_a_version_that_still_runs "the version of Cilium's chart" {
        part(2, |part| assert_eq!(part.inputs("helm:Release", "cilium-cni")["version"], "1.19.6"));
    }
    16 item_16_one_provider_does_the_work_of_three "Pulumi's AWS, EKS and Kubernetes packages: here one provider" {
        both(|part| {
            for registration in &part.recording.registrations {
                let package = registration.token.split(':').next().unwrap();
                assert!(["groundwork", "pulumi"].contains(&package), "{}", registration.token);
            }
        });
    }
    17 item_17_neither_the_aws_cli_nor_kubectl "the aws and kubectl commands are not needed" {
        both(|part| {
            let kubeconfig = kubeconfig(part);
            assert_eq!(kubeconfig["users"][0]["user"]["exec"]["command"], "groundwork");
        });
    }
    18 item_18 "a button that deploys" elsewhere "a web page: nothing of it is registered"

    19 item_19_the_vpc "the VPC, with names" {
        both(|part| {
            let vpc = part.inputs("ec2:Vpc", "demo-vpc");
            has(&vpc, &json!({"enableDnsHostnames": true, "enableDnsSupport": true}));
            assert_eq!(tag(&vpc, "Name"), "demo-vpc-eu-central-1");
        });
    }
    20 item_20_the_internet_gateway "the internet gateway" {
        both(|part| {
            let gateway = part.inputs("ec2:InternetGateway", "demo-igw");
            assert_eq!(tag(&gateway, "Name"), "demo-igw-eu-central-1");
            assert_eq!(part.registration("demo-igw").parent.as_ref().unwrap().name(), "demo-vpc");
        });
    }
    21 item_21_the_any_any_group_is_attached_to_nothing "the group that admits everything" {
        both(|part| {
            let group = part.inputs("ec2:SecurityGroup", "demo-security-group");
            assert_eq!(group["description"], "Allow any-any");
            assert_eq!(tag(&group, "Name"), "demo-sg-eu-central-1");
            for way in ["ingress", "egress"] {
                let rules = group[way].as_array().unwrap();
                assert_eq!(rules.len(), 2);
                assert!(rules.iter().all(|rule| rule["protocol"] == "-1" && rule["description"] == "Any"));
            }
            for registration in &part.recording.registrations {
                let named = registration.dependencies.iter().any(|urn| urn.name() == "demo-security-group");
                assert!(!named, "{}", registration.name);
            }
            part.warns("S6");
        });
    }
    22 item_22_the_first_two_zones "the first two zones" {
        both(|part| {
            let mut zones: Vec<String> = part
                .all("ec2:Subnet")
                .iter()
                .map(|subnet| subnet.inputs["availabilityZone"].as_str().unwrap().to_owned())
                .collect();
            zones.sort();
            assert_eq!(zones, [ZONES[0], ZONES[0], ZONES[0], ZONES[1], ZONES[1], ZONES[1]]);
        });
    }
    23 item_23_public_subnets "public subnets give no address and carry no tag of load balancers" {
        each_zone(|part, zone| {
            let subnet = part.inputs("ec2:Subnet", &format!("demo-public-subnet-{zone}"));
            assert_eq!(subnet.get("mapPublicIpOnLaunch"), None);
            assert_eq!(subnet["tags"].get("kubernetes.io/role/elb"), None);
        });
    }
    24 item_24_public_route_tables "public route tables" { tables("public"); }
    25 item_25_public_associations "public associations" { associations("public"); }
    26 item_26_public_routes "0.0.0.0/0 to the internet gateway" {
        each_zone(|part, zone| {
            let route = part.inputs("ec2:Route", &format!("demo-public-wan-route-{zone}"));
            has(&route, &json!({"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "demo-igw-id"}));
        });
    }
    27 item_27_addresses "an address for each zone" {
        each_zone(|part, zone| {
            let name = format!("demo-eip-{zone}");
            assert_eq!(tag(&part.inputs("ec2:Eip", &name), "Name"), name);
            assert_eq!(part.registration(&name).parent.as_ref().unwrap().name(), "demo-vpc");
            let nat = part.inputs("ec2:NatGateway", &format!("demo-nat-gateway-{zone}"));
            assert_eq!(nat["allocationId"], format!("{name}-id"));
        });
    }
    28 item_28_nat_gateways "a NAT gateway in each public subnet, after the way to the internet" {
        each_zone(|part, zone| {
            let name = format!("demo-nat-gateway-{zone}");
            let nat = part.inputs("ec2:NatGateway", &name);
            assert_eq!(tag(&nat, "Name"), format!("demo-nat-{zone}"));
            assert_eq!(nat["subnetId"], format!("demo-public-subnet-{zone}-id"));
            part.comes_after(&name, "demo-igw");
        });
    }
    29 item_29_private_subnets "private subnets, found by Karpenter" {
        each_zone(|part, zone| {
            let subnet = part.inputs("ec2:Subnet", &format!("demo-private-subnet-{zone}"));
            assert_eq!(tag(&subnet, "karpenter.sh/discovery"), part.c);
        });
    }
    30 item_30_private_route_tables "private route tables" { tables("private"); }
    31 item_31_private_associations "private associations" { associations("private"); }
    32 item_32_private_routes "0.0.0.0/0 to the NAT gateway" { ways_out("private"); }
    33 item_33_control_plane_subnets "subnets of the control plane" {
        ranges("eks-cp", ["10.200.64.0/24", "10.200.65.0/24"]);
        each_zone(|part, zone| {
            let name = format!("demo-eks-cp-subnet-{zone}");
            let subnet = part.inputs("ec2:Subnet", &name);
            assert_eq!(tag(&subnet, "Name"), name);
            assert_eq!(subnet["vpcId"], "demo-vpc-id");
            // Neither load balancers nor Karpenter's nodes have anything to do there.
            for key in ["kubernetes.io/role/internal-elb", "karpenter.sh/discovery"] {
                assert_eq!(subnet["tags"].get(key), None);
            }
        });
    }
    34 item_34_control_plane_route_tables "route tables of the control plane" { tables("eks-cp"); }
    35 item_35_control_plane_associations "associations of the control plane" { associations("eks-cp"); }
    36 item_36_control_plane_routes "0.0.0.0/0 to the NAT gateway" { ways_out("eks-cp"); }
    37 item_37_parents "subnets below the VPC, the rest of a tier below its subnet" {
        each_zone(|part, zone| {
            for tier in ["public", "private", "eks-cp"] {
                let subnet = format!("demo-{tier}-subnet-{zone}");
                assert_eq!(part.registration(&subnet).parent.as_ref().unwrap().name(), "demo-vpc");
                for child in ["rt", "rt-association", "wan-route"] {
                    let child = part.registration(&format!("demo-{tier}-{child}-{zone}"));
                    assert_eq!(child.parent.as_ref().unwrap().name(), subnet);
                }
            }
        });
    }
    38 item_38_thirty_one_resources "31 resources of the network" {
        both(|part| {
            let mut total = 0;
            for (kind, count) in [
                ("Vpc", 1),
                ("InternetGateway", 1),
                ("Subnet", 6),
                ("RouteTable", 6),
                ("RouteTableAssociation", 6),
                ("Route", 6),
                ("Eip", 2),
                ("NatGateway", 2),
            ] {
                let all = part.all(&format!("ec2:{kind}"));
                assert_eq!(all.len(), count, "{kind}");
                for one in all {
                    let tags = one.to_json()["inputs"]["tags"].clone();
                    let untagged = ["Route", "RouteTableAssociation"].contains(&kind);
                    assert_eq!(tags.get("Name").is_none(), untagged, "{}", one.name);
                    assert_eq!(tags.get("stack:name").is_none(), untagged, "{}", one.name);
                }
                total += count;
            }
            assert_eq!(total + 1, 31, "with the group of item 21");
        });
    }
    39 item_39_the_endpoints_group "the endpoints' group" {
        both(|part| {
            let group = part.inputs("ec2:SecurityGroup", "aws-vpc-endpoints-sg");
            assert_eq!(group["description"], "Shared security groups for AWS services VPC endpoints");
        });
    }
    40 item_40_the_endpoints_ingress "443 from everywhere" {
        both(|part| {
            let rule = part.inputs("ec2:SecurityGroupRule", "inbound-vpc-endpoint-cidrs");
            has(&rule, &json!({"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}));
            part.warns("S7");
        });
    }
    41 item_41_the_endpoints_egress "everything to everywhere" {
        both(|part| {
            let rule = part.inputs("ec2:SecurityGroupRule", "outbound-vpc-endpoint-cidrs");
            has(&rule, &json!({"protocol": "-1", "cidrIpv4": "0.0.0.0/0", "direction": "egress"}));
            part.warns("S8");
        });
    }
    42 item_42_interface_endpoints "eight interface endpoints, S3's without private names" {
        both(|part| {
            for endpoint in part.all("ec2:VpcEndpoint") {
                let inputs = endpoint.to_json()["inputs"].clone();
                let s3 = endpoint.name == "s3-vpc-endpoint";
                has(&inputs, &json!({"vpcEndpointType": "Interface", "privateDnsEnabled": !s3}));
                assert_eq!(inputs["securityGroupIds"], json!(["aws-vpc-endpoints-sg-id"]));
                // Mail is not offered in every zone.
                let mut subnets = Part::subnets("private");
                if endpoint.name == "email-smtp-vpc-endpoint" {
                    subnets.as_array_mut().unwrap().truncate(1);
                }
                assert_eq!(inputs["subnetIds"], subnets, "{}", endpoint.name);
                assert_eq!(endpoint.parent.as_ref().unwrap().name(), "demo-vpc");
            }
            assert_eq!(part.all("ec2:VpcEndpoint").len(), 8);
        });
    }

    43 item_43_roles_of_services "roles of services: fixed names, a named statement, numbered attachments" {
        both(|part| {
            let role = part.name("eks-role");
            assert_eq!(part.inputs("iam:Role", &role)["name"], role.as_str());
            assert_eq!(part.trust(&role)["Sid"], "AllowAssumeRole");
            assert_eq!(part.trust(&role)["Action"], "sts:AssumeRole");
            part.registration(&format!("{role}-policy-0"));
        });
    }
    44 item_44_roles_of_service_accounts "roles of service accounts: by subject alone" {
        both(|part| {
            let statement = part.trust(&part.name("karpenter"));
            assert_eq!(statement["Action"], "sts:AssumeRoleWithWebIdentity");
            let issuer = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF";
            let subject = "system:serviceaccount:karpenter:karpenter";
            assert_eq!(statement["Condition"], json!({"StringEquals": {format!("{issuer}:sub"): subject}}));
            part.warns("S5");
        });
    }
    45 item_45_policies_are_files "policies from files" {
        both(|part| {
            let document: Json = serde_json::from_str(&file("policies/iam/karpenter_oidc_role_policy.json")).unwrap();
            assert_eq!(document["Statement"].as_array().unwrap().len(), 1);
            assert_eq!(document["Statement"][0]["Action"], json!(KARPENTER));
            let policy = part.inputs("iam:Policy", &part.name("karpenter-policy"));
            assert_eq!(policy["policy"]["Statement"], document["Statement"]);
        });
    }
    46 item_46_the_control_planes_role "the control plane's role" {
        both(|part| {
            let role = part.name("eks-role");
            assert_eq!(part.managed(&role), ["AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController"]);
            assert_eq!(part.trust(&role)["Principal"]["Service"], "eks.amazonaws.com");
        });
    }
    47 item_47_the_nodes_role "the nodes' role" {
        both(|part| {
            let role = format!("KarpenterNodeRole-{}", part.c);
            assert_eq!(part.managed(&role), [
                "AmazonEKSWorkerNodePolicy",
                "AmazonEC2ContainerRegistryReadOnly",
                "AmazonSSMManagedInstanceCore",
                "AmazonEKS_CNI_Policy",
            ]);
            assert_eq!(part.trust(&role)["Principal"]["Service"], "ec2.amazonaws.com");
            part.warns("S9");
            part.warns("S24");
        });
    }
    48 item_48_the_instance_profile "the instance profile" {
        both(|part| {
            let name = format!("KarpenterNodeInstanceProfile-{}", part.c);
            let profile = part.inputs("iam:InstanceProfile", &name);
            has(&profile, &json!({"name": name, "role": format!("KarpenterNodeRole-{}", part.c)}));
        });
    }
    49 item_49_the_role_of_pods_on_fargate "the role of pods on Fargate" {
        part(1, |part| {
            let role = part.name("fargate-role");
            assert_eq!(part.managed(&role), ["AmazonEKSFargatePodExecutionRolePolicy"]);
            assert_eq!(part.trust(&role)["Principal"]["Service"], "eks-fargate-pods.amazonaws.com");
        });
    }
    50 item_50_the_vpc_cnis_role "the VPC CNI's role" {
        part(1, |part| {
            let role = part.name("aws-node");
            assert_eq!(part.managed(&role), ["AmazonEKS_CNI_Policy"]);
            assert!(part.trust(&role).to_string().contains("system:serviceaccount:kube-system:aws-node"));
        });
    }
    51 item_51_ciliums_role "Cilium's role, exported" {
        part(2, |part| {
            let role = part.name("cilium");
            assert_eq!(part.managed(&role), ["AmazonEKS_CNI_Policy", "AmazonEKSWorkerNodePolicy"]);
            assert!(part.trust(&role).to_string().contains("system:serviceaccount:kube-system:cilium-operator"));
            let arn = part.exports("cilium-oidc-role-arn");
            assert_eq!(arn, "arn:aws:iam::111122223333:role/demo-k8s-cilium-cilium");
            part.warns("S19");
        });
    }
    52 item_52_karpenters_role "Karpenter's role, exported" {
        both(|part| {
            assert_eq!(part.managed(&part.name("karpenter"))[0], part.name("karpenter-policy"));
            let arn = part.exports("karpenter-oidc-role-arn");
            assert_eq!(arn, format!("arn:aws:iam::111122223333:role/{}-karpenter", part.c));
        });
    }
    53 item_53_karpenters_policy "seventeen actions on everything, and a document of ours for what a current one needs" {
        both(|part| {
            let policy = part.inputs("iam:Policy", &part.name("karpenter-policy"));
            let statement = &policy["policy"]["Statement"][0];
            assert_eq!(statement["Resource"], "*");
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Action"], json!(KARPENTER));
            part.inputs("iam:Policy", &part.name("karpenter-policy-additions"));
            part.warns("S4");
        });
    }

    54 item_54_the_nodes_group "the nodes' group" {
        both(|part| {
            let group = part.inputs("ec2:SecurityGroup", &format!("custom-node-attach-{}", part.c));
            assert_eq!(group["description"], format!("{} custom node security group", part.c));
            assert_eq!(tag(&group, "karpenter.sh/discovery"), part.c);
        });
    }
    55 item_55_the_nodes_ingress "443 from everywhere" { ingress("eks-node"); }
    56 item_56_the_nodes_egress "everything to everywhere" { egress("eks-node"); }
    57 item_57_the_control_planes_group "the control plane's group" {
        both(|part| {
            let group = part.inputs("ec2:SecurityGroup", &format!("custom-cluster-attach-{}", part.c));
            assert_eq!(group["description"], format!("{} custom security group", part.c));
        });
    }
    58 item_58_the_control_planes_ingress "443 from everywhere" { ingress("eks-cp"); }
    59 item_59_the_control_planes_egress "everything to everywhere" { egress("eks-cp"); }

    60 item_60_the_log_group "a log group, kept for a day, before the cluster" {
        both(|part| {
            let group = part.inputs("logs:LogGroup", "demo-eks-loggroup");
            has(&group, &json!({"name": format!("/aws/eks/{}/cluster", part.c), "retentionInDays": 1}));
            part.comes_after(&format!("eks-{}", part.c), "demo-eks-loggroup");
            part.warns("S13");
        });
    }
    61 item_61_the_cluster "the cluster, on a version that still runs" {
        both(|part| has(&part.cluster(), &json!({"name": part.c, "version": "1.35"})));
    }
    62 item_62_the_clusters_role "with its role" {
        both(|part| assert_eq!(part.cluster()["roleArn"], format!("arn:aws:iam::111122223333:role/{}-eks-role", part.c)));
    }
    63 item_63_nodes_may_join "the nodes' role may join" { nodes_may_join(); }
    64 item_64_the_clusters_group "with the control plane's group" {
        both(|part| {
            let groups = part.cluster()["resourcesVpcConfig"]["securityGroupIds"].clone();
            assert_eq!(groups, json!([format!("custom-cluster-attach-{}-id", part.c)]));
        });
    }
    65 item_65_an_identity_provider "with an identity provider" { identity_provider(); }
    66 item_66_no_default_nodes "without default nodes" {
        part(1, |part| assert!(part.all("eks:NodeGroup").is_empty()));
        part(2, |part| assert_eq!(part.all("eks:NodeGroup").len(), 1));
    }
    67 item_67_the_instance_profile_by_name "the instance profile by its name, not as a resource" {
        both(|part| {
            let name = part.exports("karpenterNodeInstanceProfile");
            assert_eq!(name, format!("KarpenterNodeInstanceProfile-{}", part.c));
        });
    }
    68 item_68_the_kubeconfigs_credentials "the kubeconfig's credentials" {
        both(|part| {
            let exec = kubeconfig(part)["users"][0]["user"]["exec"].clone();
            assert_eq!(exec["args"], json!(["token", "--cluster", part.c, "--region", "eu-central-1"]));
        });
    }
    69 item_69_a_public_api "an API that everybody may call" {
        both(|part| {
            has(&part.cluster()["resourcesVpcConfig"], &json!({
                "endpointPrivateAccess": true, "endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"],
            }));
            part.warns("S1");
        });
    }
    70 item_70_all_five_logs "all five logs" {
        both(|part| {
            let types = part.cluster()["enabledClusterLogTypes"].clone();
            assert_eq!(types, json!(["api", "audit", "authenticator", "controllerManager", "scheduler"]));
        });
    }
    71 item_71_in_its_own_subnets "in the subnets of the control plane" {
        both(|part| assert_eq!(part.cluster()["resourcesVpcConfig"]["subnetIds"], Part::subnets("eks-cp")));
    }
    72 item_72_the_clusters_tags "tagged" { both(|part| assert_eq!(tag(&part.cluster(), "Name"), part.c)); }
    73 item_73_after_group_role_and_logs "after the nodes' group, its role and its logs" {
        both(|part| {
            let cluster = format!("eks-{}", part.c);
            for earlier in [
                format!("custom-node-attach-{}", part.c),
                part.name("eks-role"),
                "demo-eks-loggroup".to_owned(),
            ] {
                part.comes_after(&cluster, &earlier);
            }
        });
    }
    74 item_74_the_fargate_profile "the Fargate profile of three namespaces" {
        part(1, |part| {
            let profile = part.inputs("eks:FargateProfile", &format!("eks_{}fargateProfile", part.c));
            let namespaces: Vec<&str> = profile["selectors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|selector| selector["namespace"].as_str().unwrap())
                .collect();
            assert_eq!(namespaces, ["karpenter", "flux-system", "kube-system"]);
            assert_eq!(profile["podExecutionRoleArn"], "arn:aws:iam::111122223333:role/demo-k8s-fargate-role");
        });
        part(2, |part| assert!(part.all("eks:FargateProfile").is_empty()));
    }
    75 item_75_no_addons_of_ekss_own "no addons but our own" {
        both(|part| assert_eq!(part.cluster()["bootstrapSelfManagedAddons"], false));
        part(2, |part| assert_eq!(part.all("eks:Addon").len(), 1));
    }
    76 item_76_server_side_apply "objects go by one connection, from the cluster's own outputs" {
        both(|part| {
            for registration in &part.recording.registrations {
                if registration.token.starts_with("groundwork:kubernetes:") {
                    let inputs = registration.to_json()["inputs"].clone();
                    assert_eq!(inputs["connection"]["clusterName"], part.c);
                    part.comes_after(&registration.name, &format!("eks-{}", part.c));
                }
            }
        });
    }

    77 item_77_three_addons_in_a_chain "VPC CNI, kube-proxy and CoreDNS in a chain, overwriting" {
        part(1, |part| {
            for (addon, name) in [("vpc-cni", "demo-vpc-cni"), ("kube-proxy", "demo-kube-proxy"), ("coredns", "demo-coredns")] {
                has(&part.inputs("eks:Addon", name), &json!({
                    "addonName": addon, "resolveConflictsOnCreate": "OVERWRITE", "resolveConflictsOnUpdate": "OVERWRITE",
                }));
            }
            let role = part.inputs("eks:Addon", "demo-vpc-cni")["serviceAccountRoleArn"].clone();
            assert_eq!(role, "arn:aws:iam::111122223333:role/demo-k8s-aws-node");
            part.comes_after("demo-kube-proxy", "demo-vpc-cni");
            part.comes_after("demo-coredns", "demo-kube-proxy");
        });
    }
    78 item_78_no_aws_node_to_keep_away "aws-node is not there, so that nothing keeps it away" {
        part(2, |part| {
            assert_eq!(part.cluster()["bootstrapSelfManagedAddons"], false);
            part.has_not("demo-vpc-cni");
            assert!(part.all("kubernetes:Patch").is_empty());
        });
    }
    79 item_79_ciliums_release "Cilium's release, its values in today's words" {
        part(2, |part| {
            let release = part.inputs("helm:Release", "cilium-cni");
            has(&release, &json!({
                "name": "cilium-cni", "chart": "cilium", "repository": "https://helm.cilium.io", "namespace": "kube-system",
            }));
            let values = &release["values"];
            has(values, &json!({
                "ipam": {"mode": "eni"},
                "egressMasqueradeInterfaces": "eth0",
                // With ENIs its charts do not masquerade any more, whatever interfaces are named.
                "enableIPv4Masquerade": false,
                "routingMode": "native",
                "loadBalancer": {"algorithm": "maglev"},
                "kubeProxyReplacement": "true",
                "k8sServiceHost": "0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
                "k8sServicePort": 443,
            }));
            assert_eq!(values["eni"]["enabled"], true);
            assert_eq!(values["eni"]["iamRole"], "arn:aws:iam::111122223333:role/demo-k8s-cilium-cilium");
            assert_eq!(values["ingressController"]["enabled"], true);
            assert_eq!(values["hubble"]["relay"]["enabled"], true);
            assert_eq!(values["hubble"]["ui"]["enabled"], true);
        });
    }
    80 item_80_the_first_nodes "the first nodes, tainted, after Cilium's objects" {
        part(2, |part| {
            let group = part.inputs("eks:NodeGroup", "cilium-initial-nodegroup");
            has(&group, &json!({
                "nodegroupName": "initial-nodegroup",
                "nodeRole": "arn:aws:iam::111122223333:role/KarpenterNodeRole-demo-k8s-cilium",
                "subnets": Part::subnets("private"),
                "forceUpdateVersion": true,
                "amiType": "BOTTLEROCKET_ARM_64",
                "instanceTypes": ["t4g.medium"],
                "scalingConfig": {"desiredSize": 2, "maxSize": 2, "minSize": 2},
                "capacityType": "ON_DEMAND",
                "taints": [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}],
            }));
            assert_eq!(tag(&group, "Name"), "cilium-initial-nodegroup");
            part.comes_after("cilium-initial-nodegroup", "cilium-cni");
            part.warns("S10");
        });
    }
    81 item_81_coredns_after_both "CoreDNS after Cilium and nodes; neither VPC CNI nor kube-proxy" {
        part(2, |part| {
            let coredns = part.inputs("eks:Addon", "demo-coredns");
            has(&coredns, &json!({"addonName": "coredns", "resolveConflictsOnCreate": "OVERWRITE"}));
            part.comes_after("demo-coredns", "cilium-cni");
            part.comes_after("demo-coredns", "cilium-initial-nodegroup");
            part.has_not("demo-vpc-cni");
            part.has_not("demo-kube-proxy");
        });
    }
    82 item_82_karpenters_namespace "the namespace of Karpenter" {
        both(|part| {
            let manifest = part.inputs("kubernetes:Manifest", "karpenter-namespace")["manifest"].clone();
            has(&manifest, &json!({"kind": "Namespace", "metadata": {"name": "karpenter"}}));
        });
    }

    83 item_83_fluxs_service_account "the service account of the bootstrap" {
        both(|part| {
            let manifest = part.inputs("kubernetes:Manifest", "flux-controller-service-account")["manifest"].clone();
            has(&manifest, &json!({
                "kind": "ServiceAccount", "metadata": {"name": "flux-controller", "namespace": "kube-system"},
            }));
        });
    }
    84 item_84_it_is_cluster_admin "it is cluster-admin, for good" {
        both(|part| {
            let manifest = part.inputs("kubernetes:Manifest", "flux-controller-cluster-role-binding")["manifest"].clone();
            assert_eq!(manifest["roleRef"]["name"], "cluster-admin");
            assert_eq!(manifest["subjects"][0]["name"], "flux-controller");
            part.warns("S3");
        });
    }
    85 item_85_the_bootstrap_job "the Job, with the token in its environment" {
        both(|part| {
            let job = job(part);
            has(&job["metadata"], &json!({
                "name": "flux-bootstrap-job", "namespace": "kube-system",
                "annotations": {"pulumi.com/replaceUnready": "true"},
            }));
            assert_eq!(job["spec"]["backoffLimit"], 3);
            let pod = &job["spec"]["template"]["spec"];
            has(pod, &json!({"restartPolicy": "OnFailure", "serviceAccountName": "flux-controller"}));
            let container = &pod["containers"][0];
            assert_eq!(container["name"], "flux-bootstrap");
            assert_eq!(container["env"], json!([{"name": "GITHUB_TOKEN", "value": "sample"}]));
            assert_eq!(container["command"], json!([
                "flux", "bootstrap", "github", "--owner=sample", "--repository=fleet",
                format!("--path=./clusters/{}", part.c), "--private=false", "--personal=true",
            ]));
            for finding in ["S2", "S11", "S12", "S20"] {
                part.warns(finding);
            }
        });
    }
    86 item_86_the_job_comes_after_its_rights_and_dns "the Job after its rights, and after DNS in both parts" {
        both(|part| {
            for earlier in [
                "flux-controller-service-account",
                "flux-controller-cluster-role-binding",
                "demo-coredns",
            ] {
                part.comes_after("flux-bootstrap-job", earlier);
            }
        });
    }

    87 item_87 "Flux' components, patched for Fargate" elsewhere "files of the Git repository that Flux follows"
    88 item_88 "part 1's manifests for Karpenter" elsewhere "files of the Git repository that Flux follows"
    89 item_89 "part 2's Kustomizations for Karpenter" elsewhere "files of the Git repository that Flux follows"
    90 item_90 "Karpenter's chart and release" elsewhere "files of the Git repository that Flux follows; what they name is exported (item 52)"
    91 item_91 "Karpenter's nodes" elsewhere "files of the Git repository that Flux follows; what they select is items 29 and 54"
    92 item_92 "a deployment to grow by" elsewhere "a file of the Git repository that Flux follows"

    93 item_93_an_access_entry_for_the_nodes "what aws-auth said, by an access entry" {
        nodes_may_join();
        both(|part| {
            part.warns("S14");
            part.warns("S15");
        });
    }
    94 item_94_every_node_reaches_what_it_must "nodes, control plane and pods reach each other" {
        both(|part| {
            let node = format!("custom-node-attach-{}-id", part.c);
            let eks = "sg-0123456789abcdef0";
            for (words, expected) in [
                ("node-from-node", json!({"securityGroupId": node, "self": true})),
                ("node-from-cluster", json!({"securityGroupId": node, "referencedSecurityGroupId": eks})),
                ("cluster-from-node", json!({"securityGroupId": eks, "referencedSecurityGroupId": node})),
            ] {
                let rule = part.inputs("ec2:SecurityGroupRule", &part.name(words));
                has(&rule, &expected);
                has(&rule, &json!({"direction": "ingress", "protocol": "-1"}));
            }
        });
    }
    95 item_95_the_identity_providers_audience "the identity provider's audience" { identity_provider(); }
    96 item_96_nothing_puts_aws_node_there "nothing puts aws-node into part 2" {
        part(2, |part| {
            for manifest in part.all("kubernetes:Manifest") {
                assert!(!manifest.to_json()["inputs"].to_string().contains("aws-node"), "{}", manifest.name);
            }
        });
    }
    97 item_97_pods_in_private_subnets "the profile's name, and its subnets as asked for; CoreDNS on Fargate by the addon" {
        part(1, |part| {
            let profile = part.inputs("eks:FargateProfile", &format!("eks_{}fargateProfile", part.c));
            assert_eq!(profile["subnets"], Part::subnets("private"));
            let coredns = part.inputs("eks:Addon", "demo-coredns");
            assert_eq!(coredns["configurationValues"], json!({"computeType": "Fargate"}));
        });
    }
    98 item_98_the_kubeconfig_is_an_output "the kubeconfig is an output, and secret; the wait for the API is no resource, but whoever needs the API waits" {
        both(|part| {
            assert!(part.exports("kubeconfig").get("<secret>").is_some());
            let server = kubeconfig(part)["clusters"][0]["cluster"]["server"].clone();
            assert_eq!(server, "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com");
            part.warns("S21");
            part.warns("S23");
        });
    }
}

#[test]
fn the_list_is_whole() {
    let numbers: Vec<u8> = ITEMS.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=98).collect::<Vec<u8>>());
    let lines = ITEMS
        .iter()
        .map(|(number, title, seen)| format!("{number:>3}  {title}  [{seen}]\n"));
    say(&format!(
        "\nwhat the shown architectures have, and preset demo as well:\n{}",
        lines.collect::<String>()
    ));
}

fn refused(key: &str) {
    let mut flux = json!({"owner": "sample", "repository": "fleet", "token": "sample"});
    flux.as_object_mut().unwrap().remove(key);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let flux = flux.to_string();
    let recording = runtime
        .block_on(sample::record(&[("preset", "demo"), ("flux", flux.as_str())]))
        .unwrap();
    let told = recording.errors().concat();
    assert!(told.contains(&format!("platform:flux.{key}: is required")), "{told}");
}

fn ranges(tier: &str, expected: [&str; 2]) {
    both(|part| {
        for (zone, range) in ZONES.iter().zip(expected) {
            let subnet = part.inputs("ec2:Subnet", &format!("demo-{tier}-subnet-{zone}"));
            has(&subnet, &json!({"cidrBlock": range, "availabilityZone": zone}));
        }
    });
}

fn each_zone(hold: impl Fn(&Part, &str)) {
    both(|part| ZONES.iter().for_each(|zone| hold(part, zone)));
}

fn tables(tier: &str) {
    each_zone(|part, zone| {
        let table = part.inputs("ec2:RouteTable", &format!("demo-{tier}-rt-{zone}"));
        assert_eq!(table["vpcId"], "demo-vpc-id");
    });
}

fn associations(tier: &str) {
    each_zone(|part, zone| {
        let association = part.inputs(
            "ec2:RouteTableAssociation",
            &format!("demo-{tier}-rt-association-{zone}"),
        );
        let (subnet, table) = (
            format!("demo-{tier}-subnet-{zone}-id"),
            format!("demo-{tier}-rt-{zone}-id"),
        );
        has(&association, &json!({"subnetId": subnet, "routeTableId": table}));
    });
}

fn ways_out(tier: &str) {
    each_zone(|part, zone| {
        let route = part.inputs("ec2:Route", &format!("demo-{tier}-wan-route-{zone}"));
        let nat = format!("demo-nat-gateway-{zone}-id");
        has(
            &route,
            &json!({"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat}),
        );
    });
}

fn ingress(word: &str) {
    both(|part| {
        let rule = part.inputs("ec2:SecurityGroupRule", &format!("inbound-{word}-{}", part.c));
        has(
            &rule,
            &json!({"direction": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}),
        );
        part.warns("S7");
    });
}

fn egress(word: &str) {
    both(|part| {
        let rule = part.inputs("ec2:SecurityGroupRule", &format!("outbound-{word}-{}", part.c));
        has(
            &rule,
            &json!({"direction": "egress", "protocol": "-1", "cidrIpv4": "0.0.0.0/0"}),
        );
        part.warns("S8");
    });
}

fn nodes_may_join() {
    both(|part| {
        let entry = part.inputs("eks:AccessEntry", &part.name("karpenter-node-access"));
        let role = format!("arn:aws:iam::111122223333:role/KarpenterNodeRole-{}", part.c);
        has(&entry, &json!({"type": "EC2_LINUX", "principalArn": role}));
        assert_eq!(entry.get("policies"), None);
        has(
            &part.cluster()["accessConfig"],
            &json!({
                "authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": true,
            }),
        );
    });
}

fn identity_provider() {
    both(|part| {
        let provider = part.inputs("iam:OpenIdConnectProvider", &part.name("oidc-provider"));
        has(
            &provider,
            &json!({
                "url": "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF",
                "clientIdList": ["sts.amazonaws.com"],
            }),
        );
    });
}

/// The Job's manifest, which is a secret as a whole.
fn job(part: &Part) -> Json {
    part.inputs("kubernetes:Manifest", "flux-bootstrap-job")["manifest"]["<secret>"].clone()
}

fn kubeconfig(part: &Part) -> Json {
    serde_json::from_str(part.exports("kubeconfig")["<secret>"].as_str().unwrap()).unwrap()
}
