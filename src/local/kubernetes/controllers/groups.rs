//! Managed node groups become ACTIVE with their nodes, or fail for want of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::view::{ClusterView, Instance, Nodegroup};
use super::{Cluster, Outcome, Seen};

/// How long a node may take to join before EKS gives its group up. On EKS that is about 20 minutes; here a node that may join
/// has joined within a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// Since when groups wait for nodes that do not join.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    since: BTreeMap<String, Instant>,
}

/// One pass over the groups that are being created.
pub(crate) async fn pass(
    it: &Cluster,
    view: &ClusterView,
    instances: &[Instance],
    seen: &Seen,
    waiting: &mut Waiting,
) -> Outcome {
    let creating = || view.nodegroups.iter().filter(|group| group.status == "CREATING");
    waiting
        .since
        .retain(|name, _| creating().any(|group| &group.name == name));
    for group in creating() {
        let state = state(group, instances, seen);
        let path = format!("nodegroups/{}/ready", group.name);
        match state {
            State::Ready => {
                waiting.since.remove(&group.name);
                it.tell(&path, &json!({})).await?;
            }
            State::NotJoined(idents) => {
                let since = *waiting.since.entry(group.name.clone()).or_insert_with(Instant::now);
                if since.elapsed() >= PATIENCE {
                    it.tell(&path, &not_joined(&idents)).await?;
                }
            }
            // A node without a network hangs, as on EKS, for longer than anybody here waits.
            State::NotReady => {
                waiting.since.remove(&group.name);
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Ready,
    NotReady,
    NotJoined(Vec<String>),
}

fn state(group: &Nodegroup, instances: &[Instance], seen: &Seen) -> State {
    let own: Vec<_> = instances
        .iter()
        .filter(|one| one.nodegroup.as_ref().is_some_and(|of| of.name == group.name))
        .collect();
    let missing: Vec<_> = own
        .iter()
        .filter(|one| seen.node_of(&one.id).is_none())
        .map(|one| one.id.clone())
        .collect();
    if !missing.is_empty() {
        return State::NotJoined(missing);
    }
    let ready = own
        .iter()
        .filter(|one| seen.node_of(&one.id).is_some_and(super::is_ready))
        .count();
    if ready >= group.scaling_config.desired_size {
        State::Ready
    } else {
        State::NotReady
    }
}

fn not_joined(idents: &[String]) -> Value {
    json!({"issues": [{
        "code": "NodeCreationFailure",
        "message": "Instances failed to join the kubernetes cluster",
        "resourceIds": idents,
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::controllers::nodes;
    use crate::kubernetes::controllers::tests::instance;

    fn group() -> Nodegroup {
        serde_json::from_value(json!({
            "nodegroupName": "system",
            "status": "CREATING",
            "nodeRole": "arn:aws:iam::123456789012:role/nodes",
            "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
        }))
        .unwrap()
    }

    fn seen(nodes: &[Value]) -> Seen {
        Seen {
            nodes: nodes
                .iter()
                .map(|node| serde_json::from_value(node.clone()).unwrap())
                .collect(),
            pods: Vec::new(),
        }
    }

    #[test]
    fn a_group_without_its_instances_is_not_ready() {
        assert_eq!(state(&group(), &[], &seen(&[])), State::NotReady);
    }

    #[test]
    fn a_group_whose_instances_are_no_nodes_names_them() {
        assert_eq!(
            state(&group(), &[instance("i-1")], &seen(&[])),
            State::NotJoined(vec!["i-1".to_owned()])
        );
    }

    #[test]
    fn a_group_is_ready_with_its_nodes() {
        let mut node = nodes::node(&instance("i-1"), 1);
        assert_eq!(
            state(&group(), &[instance("i-1")], &seen(&[node.clone()])),
            State::NotReady
        );
        node["status"]["conditions"][0]["status"] = json!("True");
        assert_eq!(state(&group(), &[instance("i-1")], &seen(&[node])), State::Ready);
    }
}
