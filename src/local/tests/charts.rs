//! The chart repository and the chart that stands in for Cilium's, with a real Helm.

use std::path::{Path, PathBuf};
use std::process::Command;

use groundwork_local::charts::{Charts, Repository};
use groundwork_local::tools::{Cache, HELM};

use super::ui;

/// The platform's values, as far as the chart knows them.
const VALUES: &str = r#"{
    "cluster": {"name": "demo"},
    "eni": {"enabled": true, "iamRole": "arn:aws:iam::123456789012:role/demo-cilium"},
    "ipam": {"mode": "eni"},
    "routingMode": "native",
    "enableIPv4Masquerade": false,
    "kubeProxyReplacement": "true",
    "k8sServiceHost": "0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
    "k8sServicePort": 443,
    "loadBalancer": {"algorithm": "maglev"},
    "defaultLBServiceIPAM": "none",
    "ingressController": {
        "enabled": true, "default": false, "loadbalancerMode": "shared",
        "service": {"type": "ClusterIP", "externalTrafficPolicy": ""}
    },
    "hubble": {
        "relay": {"enabled": true}, "ui": {"enabled": true},
        "tls": {"auto": {"enabled": true, "method": "cronJob"}}
    },
    "operator": {
        "replicas": 2, "removeNodeTaints": true, "setNodeTaints": false, "podDisruptionBudget": {"enabled": true}
    }
}"#;

struct Helm {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Helm {
    async fn obtain() -> Self {
        let installed = HELM.obtain(&Cache::find().unwrap(), &ui()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("values.json"), VALUES).unwrap();
        Self {
            program: installed.folder.join("helm"),
            folder,
        }
    }

    async fn repository(&self, charts: &Charts) -> String {
        let folder = self.folder.path().join("charts");
        let opened = Repository::open(charts, &self.program, &folder, 0).await;
        let repository = opened.unwrap_or_else(|error| panic!("{}", error.explain()));
        let url = repository.url.clone();
        tokio::spawn(repository.serve());
        url
    }

    /// What the chart of this repository renders to, or helm's error.
    async fn template(&self, url: &str, sets: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command
            .args(["template", "cilium-cni", "cilium", "--namespace", "kube-system"])
            .args(["--version", "1.19.6", "--repo", url, "--values"])
            .arg(self.folder.path().join("values.json"));
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(name, self.folder.path().join("home"));
        }
        for name in ["HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        for set in sets {
            command.args(["--set", set]);
        }
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }
}

fn objects(rendered: &str) -> Vec<String> {
    let of = |document: &str| {
        let value = |prefix: &str| {
            document
                .lines()
                .find_map(|line| line.strip_prefix(prefix))
                .map(str::to_owned)
        };
        Some(format!("{} {}", value("kind: ")?, value("  name: ")?))
    };
    rendered.split("\n---\n").filter_map(of).collect()
}

#[tokio::test]
async fn the_stand_in_for_cilium_has_its_objects_and_renders_the_same_twice() {
    let helm = Helm::obtain().await;
    let url = helm.repository(&Charts::StandIns).await;
    let rendered = helm.template(&url, &[]).await.unwrap();
    let made = objects(&rendered);
    for expected in [
        "ConfigMap cilium-config",
        "CronJob hubble-generate-certs",
        "DaemonSet cilium",
        "DaemonSet cilium-envoy",
        "Deployment cilium-operator",
        "Deployment hubble-relay",
        "Deployment hubble-ui",
        "IngressClass cilium",
        "Job hubble-generate-certs",
        "Namespace cilium-secrets",
        "PodDisruptionBudget cilium-operator",
        "Service cilium-ingress",
        "ServiceAccount cilium-operator",
    ] {
        assert!(made.iter().any(|one| one == expected), "no {expected} in {made:#?}");
    }
    for line in [
        "  ipam: \"eni\"",
        "  routing-mode: \"native\"",
        "  enable-endpoint-routes: \"true\"",
        "  enable-ipv4-masquerade: \"false\"",
        "  kube-proxy-replacement: \"true\"",
        "  bpf-lb-algorithm: \"maglev\"",
        "  agent-not-ready-taint-key: \"node.cilium.io/agent-not-ready\"",
        "    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/demo-cilium",
    ] {
        assert!(rendered.lines().any(|one| one == line), "no {line}");
    }
    assert!(!rendered.contains("externalTrafficPolicy"));
    assert_eq!(rendered, helm.template(&url, &[]).await.unwrap());
}

#[tokio::test]
async fn the_stand_in_for_cilium_refuses_and_traps_as_the_chart_does() {
    let helm = Helm::obtain().await;
    let url = helm.repository(&Charts::StandIns).await;
    for (set, expected) in [
        (
            "tunnel=disabled",
            "tunnel was deprecated in v1.14 and has been removed in v1.15",
        ),
        (
            "kubeProxyReplacement=strict",
            "kubeProxyReplacement must be true or false",
        ),
        (
            "hubble.relay.enabled=false",
            "Hubble UI requires .Values.hubble.relay.enabled=true",
        ),
    ] {
        let refused = helm.template(&url, &[set]).await.unwrap_err();
        assert!(refused.contains(expected), "{set}: {refused}");
    }
    let trap = "ingressController.service.externalTrafficPolicy=Cluster";
    assert!(
        helm.template(&url, &[trap])
            .await
            .unwrap()
            .contains("externalTrafficPolicy: Cluster")
    );
    let certificates = "hubble.tls.auto.method=helm";
    let renders = [
        helm.template(&url, &[certificates]).await,
        helm.template(&url, &[certificates]).await,
    ];
    assert_ne!(renders[0], renders[1], "certificates that are made anew are the same");
}

#[tokio::test]
async fn a_folder_of_charts_takes_the_place_of_the_stand_ins() {
    let helm = Helm::obtain().await;
    let folder = tempfile::tempdir().unwrap();
    let chart = |path: &Path| {
        std::fs::create_dir_all(path.join("templates")).unwrap();
        std::fs::write(
            path.join("Chart.yaml"),
            "apiVersion: v2\nname: cilium\nversion: 1.19.6\n",
        )
        .unwrap();
        let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: the-real-one\n";
        std::fs::write(path.join("templates/map.yaml"), object).unwrap();
    };
    chart(&folder.path().join("cilium"));
    let url = helm.repository(&Charts::Folder(folder.path().to_owned())).await;
    assert_eq!(
        objects(&helm.template(&url, &[]).await.unwrap()),
        ["ConfigMap the-real-one"]
    );
}
