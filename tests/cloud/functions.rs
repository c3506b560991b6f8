//! What the provider's functions answer.

use groundwork_contract::check::check;
use groundwork_wire::PropertyMap;
use serde_json::json;

use crate::{Cloud, provider::Provider, world::World};

fn texts(answer: &PropertyMap, key: &str) -> Vec<String> {
    let items = answer[key].as_array().unwrap();
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_answers_as_its_contract_says() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let inputs = World::new().inputs(&provider, "groundwork:eks:Cluster", "asked").await;
    let cluster = provider
        .create("groundwork:eks:Cluster", "asked", &inputs)
        .await
        .unwrap();
    for function in groundwork_contract::all_functions() {
        let args = match function.token {
            "groundwork:eks:getCluster" | "groundwork:eks:getClusterAuth" => json!({"name": cluster.id}),
            "groundwork:eks:getAddonVersions" => json!({"addonName": "coredns", "kubernetesVersion": "1.35"}),
            "groundwork:ec2:getAmi" => json!({"owners": ["amazon"], "architecture": "arm64"}),
            "groundwork:iam:getRole" => {
                let arn = inputs["roleArn"].as_str().unwrap();
                json!({"name": arn.rsplit('/').next().unwrap()})
            }
            _ => json!({}),
        };
        let answer = provider
            .invoke(function.token, args)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", function.token));
        assert_eq!(
            check(&function.result, &answer),
            Vec::new(),
            "{}: {answer:?}",
            function.token
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_that_need_an_opt_in_or_that_eks_refuses_are_left_out() {
    let cloud = Cloud::up().await;
    let mut env = cloud.cloud.env();
    env.insert("AWS_REGION".to_owned(), "us-east-1".to_owned());
    let provider = Provider::start_in(env);
    provider.configure(json!({})).await.unwrap();
    let zones = "groundwork:ec2:getAvailabilityZones";
    let all = provider.invoke(zones, json!({"all": true})).await.unwrap();
    let usual = provider.invoke(zones, json!({})).await.unwrap();
    let accepted = provider
        .invoke(zones, json!({"excludeZoneIds": ["use1-az3"]}))
        .await
        .unwrap();
    assert!(
        texts(&all, "names").len() > texts(&usual, "names").len(),
        "Local Zones are among all of them"
    );
    assert!(texts(&usual, "zoneIds").contains(&"use1-az3".to_owned()));
    assert_eq!(texts(&accepted, "names").len() + 1, texts(&usual, "names").len());
    assert!(!texts(&accepted, "zoneIds").contains(&"use1-az3".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn services_tell_in_which_zones_they_are() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let zones = texts(
        &provider
            .invoke("groundwork:ec2:getAvailabilityZones", json!({}))
            .await
            .unwrap(),
        "names",
    );
    let args = json!({"serviceNames": ["sts", "email-smtp"]});
    let answer = provider
        .invoke("groundwork:ec2:getVpcEndpointServices", args)
        .await
        .unwrap();
    let services = answer["services"].as_array().unwrap();
    assert_eq!(services.len(), 2);
    for service in services.iter().map(|service| service.as_object().unwrap()) {
        let everywhere = texts(service, "availabilityZones").len() == zones.len();
        let name = service["serviceName"].as_str().unwrap();
        assert_eq!(everywhere, name.rsplit('.').next() == Some("sts"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_arguments_is_told_and_aws_is_not_asked() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let before = cloud.cloud.journal(0).await.unwrap().len();
    let failures = provider
        .invoke_failures("groundwork:ec2:getAvailabilityZones", json!({"al": true}))
        .await;
    assert_eq!(failures.len(), 1);
    assert!(failures[0].reason.contains("did you mean \"all\"?"), "{failures:?}");
    assert_eq!(cloud.cloud.journal(0).await.unwrap().len(), before);
    let error = provider.invoke("groundwork:ec2:getZones", json!({})).await.unwrap_err();
    assert!(error.message().contains("no function"), "{error}");
}
