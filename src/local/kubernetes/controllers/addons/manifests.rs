//! The objects of addons: what tells them from one another, and nothing that would only be for show.

use serde_json::{Map, Value, json};

use super::Choice;

/// The addons that have objects here.
pub(super) const NAMES: &[&str] = &["coredns", "kube-proxy", "vpc-cni", "eks-pod-identity-agent"];

/// What an addon consists of.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What its health is read from.
    pub(super) workload: Option<Workload>,
    /// The workload, and then the rest.
    pub(super) objects: Vec<Value>,
}

/// What runs an addon's pods, by name.
#[derive(Debug)]
pub(super) enum Workload {
    DaemonSet(&'static str),
    Deployment(&'static str),
}

/// The objects of an addon; none for an addon that is not known here.
pub(super) fn of(addon: &str, choice: &Choice) -> Parts {
    match addon {
        "coredns" => coredns(choice),
        "kube-proxy" => daemon_set("kube-proxy", "kube-proxy", "eks/kube-proxy", choice),
        "vpc-cni" => daemon_set("aws-node", "aws-node", "amazon-k8s-cni", choice),
        "eks-pod-identity-agent" => daemon_set(
            "eks-pod-identity-agent",
            "eks-pod-identity-agent",
            "eks/eks-pod-identity-agent",
            choice,
        ),
        _ => Parts::default(),
    }
}

fn image(repository: &str, choice: &Choice) -> String {
    let version = choice.version.as_deref().unwrap_or("v0-self-managed");
    format!("602401143452.dkr.ecr.eu-central-1.amazonaws.com/{repository}:{version}")
}

fn account(name: &str, choice: &Choice) -> Value {
    let mut metadata = Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("namespace".to_owned(), json!("kube-system")),
    ]);
    if let Some(role) = &choice.role {
        metadata.insert("annotations".to_owned(), json!({"eks.amazonaws.com/role-arn": role}));
    }
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
}

fn daemon_set(name: &'static str, account_name: &str, repository: &str, choice: &Choice) -> Parts {
    let labels = json!({"k8s-app": name, "app.kubernetes.io/name": name});
    let workload = json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"k8s-app": name}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": account_name,
                    "priorityClassName": "system-node-critical",
                    "hostNetwork": true,
                    "tolerations": [{"operator": "Exists"}],
                    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [{"matchExpressions": [
                            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                            {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate", "hybrid", "auto"]},
                        ]}],
                    }}},
                    "containers": [{"name": name, "image": image(repository, choice)}],
                },
            },
        },
    });
    Parts {
        workload: Some(Workload::DaemonSet(name)),
        objects: vec![workload, account(account_name, choice)],
    }
}

fn coredns(choice: &Choice) -> Parts {
    let labels = json!({"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"});
    let compute = if choice.on_fargate { "fargate" } else { "ec2" };
    let mut tolerations = vec![
        json!({"key": "CriticalAddonsOnly", "operator": "Exists"}),
        json!({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}),
    ];
    if choice.on_fargate {
        tolerations.push(json!({"key": "eks.amazonaws.com/compute-type", "operator": "Equal", "value": "fargate"}));
    }
    tolerations.extend(choice.tolerations.clone());
    let workload = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": labels},
        "spec": {
            "replicas": choice.replicas.unwrap_or(2),
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": labels, "annotations": {"eks.amazonaws.com/compute-type": compute}},
                "spec": {
                    "serviceAccountName": "coredns",
                    "priorityClassName": "system-cluster-critical",
                    "dnsPolicy": "Default",
                    "tolerations": tolerations,
                    "containers": [{
                        "name": "coredns",
                        "image": image("eks/coredns", choice),
                        "args": ["-conf", "/etc/coredns/Corefile"],
                        "ports": [
                            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
                        ],
                        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}},
                    }],
                },
            },
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
        "spec": {
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
            ],
        },
    });
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": labels},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
    });
    Parts {
        workload: Some(Workload::Deployment("coredns")),
        objects: vec![workload, account("coredns", choice), service, budget],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_addon_has_a_workload_and_its_account() {
        for name in NAMES {
            let parts = of(name, &Choice::default());
            assert!(parts.workload.is_some(), "{name}");
            let accounts = parts.objects.iter().filter(|object| object["kind"] == "ServiceAccount");
            assert_eq!(accounts.count(), 1, "{name}");
        }
        assert!(of("aws-ebs-csi-driver", &Choice::default()).objects.is_empty());
    }

    #[test]
    fn coredns_stays_on_ec2_unless_it_is_sent_to_fargate() {
        let compute = |on_fargate| {
            let choice = Choice {
                on_fargate,
                ..Choice::default()
            };
            of("coredns", &choice).objects[0]["spec"]["template"]["metadata"]["annotations"].clone()
        };
        assert_eq!(compute(false), json!({"eks.amazonaws.com/compute-type": "ec2"}));
        assert_eq!(compute(true), json!({"eks.amazonaws.com/compute-type": "fargate"}));
    }

    #[test]
    fn a_role_is_an_annotation_of_the_service_account() {
        let choice = Choice {
            role: Some("arn:aws:iam::123456789012:role/aws-node".to_owned()),
            ..Choice::default()
        };
        let account = &of("vpc-cni", &choice).objects[1];
        assert_eq!(
            account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
            "arn:aws:iam::123456789012:role/aws-node"
        );
    }
}
