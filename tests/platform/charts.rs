//! The same platform on the real charts, where somebody has them: `GROUNDWORK_CHARTS=<folder>`.

use std::env;

use crate::{
    platform::{CLUSTER, QUICK, cloud, get, platform},
    say::say,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_runs_on_the_charts_of_a_folder() {
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let config = get(&cloud, CLUSTER, &["--namespace=kube-system", "configmap/cilium-config"]);
    let data = &config["data"];
    for (key, value) in [
        ("ipam", "eni"),
        ("routing-mode", "native"),
        ("kube-proxy-replacement", "true"),
        ("enable-ipv4-masquerade", "false"),
        ("bpf-lb-algorithm", "maglev"),
    ] {
        assert_eq!(data[key], value, "{key} in {data}");
    }
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    if env::var_os("GROUNDWORK_CHARTS").is_none() {
        // It ran, on the stand-in; only on the real chart it says more.
        say("on the real Cilium chart: not run (GROUNDWORK_CHARTS names no folder)\n");
    }
}
