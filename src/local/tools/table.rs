//! Every tool there is, with what its build takes.

use std::time::Duration;

use super::{Tool, Version};

/// The Pulumi command line.
pub const PULUMI: Tool = Tool {
    name: "pulumi",
    version: Version(3, 259, 0),
    programs: &[("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")],
    accepted: (Version(3, 255, 0), Version(4, 0, 0)),
    ask_version: &["version"],
    tags: "osusergo,grpcnotrace",
    ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
    env: &[],
    about: Duration::from_mins(4),
};

/// A Kubernetes control plane: etcd, the API server, the controllers, the scheduler; and kubectl.
pub const KUBERNETES: Tool = Tool {
    name: "kubernetes",
    version: Version(1, 35, 4),
    programs: &[
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        (
            "kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
        ),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ],
    accepted: (Version(1, 35, 0), Version(1, 36, 0)),
    ask_version: &["--version"],
    tags: "",
    // Charts ask the API server for its version; unstamped it is v0.0.0-master.
    ldflags: "-s -w \
        -X k8s.io/component-base/version.gitVersion=v1.35.4 -X k8s.io/component-base/version.gitMajor=1 \
        -X k8s.io/component-base/version.gitMinor=35 -X k8s.io/component-base/version.gitTreeState=clean \
        -X k8s.io/client-go/pkg/version.gitVersion=v1.35.4 -X k8s.io/client-go/pkg/version.gitMajor=1 \
        -X k8s.io/client-go/pkg/version.gitMinor=35 -X k8s.io/client-go/pkg/version.gitTreeState=clean",
    env: &[],
    about: Duration::from_mins(5),
};

/// Nodes and pods without machines.
pub const KWOK: Tool = Tool {
    name: "kwok",
    version: Version(0, 8, 0),
    programs: &[("kwok", "sigs.k8s.io/kwok/cmd/kwok")],
    accepted: (Version(0, 8, 0), Version(0, 9, 0)),
    ask_version: &["--version"],
    tags: "",
    ldflags: "-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",
    env: &[],
    about: Duration::from_secs(100),
};

/// The Helm command line.
pub const HELM: Tool = Tool {
    name: "helm",
    version: Version(4, 2, 4),
    programs: &[("helm", "helm.sh/helm/v4/cmd/helm")],
    accepted: (Version(4, 2, 0), Version(5, 0, 0)),
    ask_version: &["version", "--template={{.Version}}"],
    tags: "",
    ldflags: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.2.4",
    env: &[],
    about: Duration::from_secs(90),
};

/// Every tool there is.
pub const TOOLS: &[&Tool] = &[&PULUMI, &KUBERNETES, &KWOK, &HELM];
