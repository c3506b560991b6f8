use aws_sdk_eks::types::{LaunchTemplateSpecification, NodegroupScalingConfig};
use groundwork_contract::eks::TaintEffect;

use super::*;

fn group(desired: i32) -> Nodegroup {
    let sizes = NodegroupScalingConfig::builder()
        .min_size(1)
        .max_size(5)
        .desired_size(desired)
        .build();
    Nodegroup::builder()
        .cluster_name("a")
        .nodegroup_name("b")
        .node_role("arn:aws:iam::111122223333:role/nodes")
        .subnets("subnet-1")
        .scaling_config(sizes)
        .launch_template(
            LaunchTemplateSpecification::builder()
                .id("lt-1")
                .name("b")
                .version("3")
                .build(),
        )
        .version("1.35")
        .release_version("1.35.4-20261015")
        .build()
}

#[test]
fn how_many_nodes_there_are_is_told_only_where_the_user_says_it() {
    let imported = inputs(&group(4), None).unwrap();
    assert_eq!(imported.scaling_config.desired_size, Some(4));
    let mut given = imported;
    given.scaling_config.desired_size = None;
    let refreshed = inputs(&group(3), Some(&given)).unwrap();
    assert_eq!(refreshed, given, "an autoscaler has changed nothing of ours");
}

#[test]
fn a_size_that_is_not_given_stays_within_the_bounds() {
    let wanted = |min_size, max_size, desired_size| ScalingConfig {
        min_size,
        max_size,
        desired_size,
    };
    assert_eq!(desired(&group(4), &wanted(1, 5, None)), 4);
    assert_eq!(desired(&group(4), &wanted(1, 3, None)), 3);
    assert_eq!(desired(&group(1), &wanted(2, 3, None)), 2);
    assert_eq!(desired(&group(4), &wanted(1, 5, Some(2))), 2);
}

#[test]
fn a_template_is_told_as_it_was_named() {
    let mut given = inputs(&group(1), None).unwrap();
    let template = given.launch_template.clone().unwrap();
    assert_eq!(
        (template.id.unwrap().as_str(), template.name, template.version),
        ("lt-1", None, Some(3))
    );
    given.launch_template = Some(NodeLaunchTemplate {
        id: None,
        name: Some("b".to_owned()),
        version: None,
    });
    assert_eq!(inputs(&group(1), Some(&given)).unwrap(), given);
}

#[test]
fn a_version_that_is_not_given_is_kept() {
    let now = inputs(&group(1), None).unwrap();
    let mut new = now.clone();
    (new.version, new.release_version) = (None, None);
    assert!(image(&now, &new));
    new.version = Some("1.36".parse().unwrap());
    assert!(!image(&now, &new));
    new.launch_template.as_mut().unwrap().version = Some(4);
    assert!(!rolled_out(&now, &new));
}

#[test]
fn labels_and_taints_are_brought_from_one_set_to_another() {
    let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let payload = differing_labels(Some(&labels(&[("a", "1"), ("b", "1")])), Some(&labels(&[("a", "2")]))).unwrap();
    assert_eq!(payload.add_or_update_labels().unwrap()["a"], "2");
    assert_eq!(payload.remove_labels(), ["b"]);
    assert!(differing_labels(Some(&labels(&[("a", "1")])), Some(&labels(&[("a", "1")]))).is_none());
    assert!(differing_labels(None, Some(&labels(&[]))).is_none());

    let taint = |key: &str, value: &str, effect| Taint {
        key: key.to_owned(),
        value: Some(value.to_owned()),
        effect,
    };
    let now = [
        taint("a", "1", TaintEffect::NoExecute),
        taint("b", "1", TaintEffect::NoExecute),
    ]
    .into();
    let new = [
        taint("a", "2", TaintEffect::NoExecute),
        taint("b", "1", TaintEffect::NoSchedule),
    ]
    .into();
    let payload = differing_taints(Some(&now), Some(&new)).unwrap();
    assert_eq!(payload.add_or_update_taints().len(), 2);
    let [removed] = payload.remove_taints() else {
        panic!("one: {payload:?}")
    };
    assert_eq!(
        (removed.key(), removed.effect()),
        (Some("b"), Some(&AwsTaintEffect::NoExecute))
    );
}
