//! What the audit finds when a platform should be gone.

use groundwork_local::cloud::Fault;
use serde_json::json;

use crate::{
    Cloud,
    provider::{Kept, Provider, properties},
    world::World,
};

async fn make(provider: &Provider, token: &str, inputs: serde_json::Value) -> Kept {
    let inputs = provider.checked(token, "one", &properties(inputs)).await;
    provider
        .create(token, "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{token}: {}", status.message()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_stays_while_something_of_the_platform_costs_money() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let stamp = make(&provider, "groundwork:index:Stamp", json!({})).await.id;
    let inputs = json!({"stamp": stamp, "clusterName": "platform"});
    let audit = make(&provider, "groundwork:teardown:Audit", inputs).await;
    let tags = json!({"groundwork:stamp": stamp});
    let address = make(&provider, "groundwork:ec2:Eip", json!({"tags": tags})).await;
    let theirs = make(&provider, "groundwork:ec2:Eip", json!({"tags": {"Name": "theirs"}})).await;

    let error = provider.delete_within(&audit, 2.0).await.unwrap_err();
    let said = error.message();
    assert!(said.contains("1 thing of this platform still stands"), "{said}");
    assert!(said.contains("about $3.65 a month"), "{said}");
    let removal = format!("aws ec2 release-address --allocation-id {}", address.id);
    assert!(said.contains(&removal), "{said}");
    assert!(!said.contains(&theirs.id), "{said}");

    let may_stay = json!({"tags": {"groundwork:stamp": stamp, "groundwork:keep": "until the address is moved"}});
    let may_stay = provider
        .checked("groundwork:ec2:Eip", "one", &properties(may_stay))
        .await;
    let address = provider.update(&address, &may_stay).await.unwrap();
    provider.delete_within(&audit, 10.0).await.unwrap();

    provider.delete(&address).await.unwrap();
    provider.delete_within(&audit, 10.0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_only_remembers_does_not_stand() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let stamp = make(&provider, "groundwork:index:Stamp", json!({})).await.id;
    let audit = make(&provider, "groundwork:teardown:Audit", json!({"stamp": stamp})).await;
    let tags = json!({"groundwork:stamp": stamp});
    let vpc = make(
        &provider,
        "groundwork:ec2:Vpc",
        json!({"cidrBlock": "10.0.0.0/16", "tags": tags}),
    )
    .await;
    let subnet = json!({"vpcId": vpc.id, "cidrBlock": "10.0.0.0/20", "tags": tags});
    let subnet = make(&provider, "groundwork:ec2:Subnet", subnet).await;
    let nat = json!({"subnetId": subnet.id, "connectivityType": "private", "tags": tags});
    let nat = make(&provider, "groundwork:ec2:NatGateway", nat).await;

    let error = provider.delete_within(&audit, 2.0).await.unwrap_err();
    assert!(error.message().contains(&nat.id), "{}", error.message());

    provider.delete(&nat).await.unwrap();
    // The VPC and the subnet still carry the stamp, and cost nothing.
    provider.delete_within(&audit, 10.0).await.unwrap();
    provider.delete(&subnet).await.unwrap();
    provider.delete(&vpc).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_and_this_caller_may_not_see_is_not_in_the_way() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, "groundwork:eks:Cluster", "one").await;
    let theirs = provider
        .create("groundwork:eks:Cluster", "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    let stamp = make(&provider, "groundwork:index:Stamp", json!({})).await.id;
    for operation in ["DescribeCluster", "ListKeys"] {
        let fault = Fault {
            kind: "denied".to_owned(),
            operation: Some(operation.to_owned()),
            ..Fault::default()
        };
        cloud.cloud.set_fault(&fault).await.unwrap();
    }
    let audit = |cluster: &str| json!({"stamp": stamp, "clusterName": cluster});
    let ours = make(&provider, "groundwork:teardown:Audit", audit("platform")).await;
    provider.delete_within(&ours, 10.0).await.unwrap();
    // One of the platform's own name has to be looked at.
    let named = make(&provider, "groundwork:teardown:Audit", audit(&theirs.id)).await;
    let refused = provider.delete_within(&named, 10.0).await.unwrap_err();
    assert!(refused.message().contains("eks:DescribeCluster"), "{refused}");
    cloud.cloud.clear_faults().await.unwrap();
    provider.delete(&theirs).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_balancer_in_a_network_of_others_is_found_by_the_clusters_group() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, "groundwork:eks:Cluster", "one").await;
    cloud.cloud.set_hazard("elb").await.unwrap();
    let cluster = provider
        .create("groundwork:eks:Cluster", "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    // Its VPC is none of this stamp's.
    let stamp = make(&provider, "groundwork:index:Stamp", json!({})).await.id;
    let audit = |cluster: &str| json!({"stamp": stamp, "clusterName": cluster});
    let audited = make(&provider, "groundwork:teardown:Audit", audit(&cluster.id)).await;
    let error = provider.delete_within(&audited, 10.0).await.unwrap_err();
    assert!(error.message().contains("load balancer a"), "{}", error.message());
    let other = make(&provider, "groundwork:teardown:Audit", audit("other")).await;
    provider.delete_within(&other, 10.0).await.unwrap();
}
