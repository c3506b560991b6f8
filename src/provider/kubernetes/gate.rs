//! A wait for a state of a cluster: it exists in the engine's state alone.

use groundwork_contract::kubernetes::{
    Gate, GateArgs, GateCondition, GateId, GateInputs, GateOutputs, NodesCondition, ObjectCondition, ObjectName,
    WorkloadName,
};
use serde_json::Value as Json;

use super::{
    Cluster,
    object::{Object, encoded, items, number, text},
    out_of_reach,
    readiness::{Readiness, condition, daemon_set, deployment},
};
use crate::{
    cx::Cx,
    error::{Error, Result},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
};

impl Resource for Gate {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;

    async fn create(cx: &Cx, inputs: &GateInputs) -> Result<Created<Self>> {
        format!("{}/{}", inputs.connection.cluster_name, cx.urn.name())
            .parse()
            .map(Created::new)
            .map_err(|error| Error::Invalid(format!("{error}")))
    }

    async fn read(cx: &Cx, _id: &GateId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(last) = last else {
            return Err(Error::Invalid(
                "a gate exists in the state alone, and cannot be imported: let the program make it".to_owned(),
            ));
        };
        let inputs = last.inputs.clone();
        // Passed is passed: a refresh asks nothing.
        if let Some(outputs) = &last.outputs
            && outputs.missing.is_empty()
            && outputs.passed == inputs.conditions
            && outputs.passed_triggers == inputs.triggers
        {
            return Ok(Some(Live {
                inputs,
                outputs: outputs.clone(),
                pending_mark: false,
            }));
        }
        let cluster = cx.cluster(&inputs.connection);
        let mut missing = Vec::new();
        for condition in &inputs.conditions {
            missing.extend(lacking(&cluster, condition).await?);
        }
        let passed = if missing.is_empty() {
            inputs.conditions.clone()
        } else {
            Vec::new()
        };
        let outputs = GateOutputs {
            missing,
            passed,
            passed_triggers: inputs.triggers.clone(),
        };
        Ok(Some(Live {
            inputs,
            outputs,
            pending_mark: false,
        }))
    }

    async fn update(_cx: &Cx, _id: &GateId, _old: &State<Self>, _new: &GateInputs) -> Result<()> {
        // What is looked at next are the new conditions.
        Ok(())
    }

    async fn delete(_cx: &Cx, _id: &GateId, _state: &State<Self>) -> Result<()> {
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.missing.as_slice() {
            [] => Phase::Ready,
            missing => Phase::Pending(format!("waiting: {}", missing.join("; "))),
        }
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        // There is nothing to look at.
        true
    }

    async fn foresee(cx: &Cx, inputs: &GateArgs) -> Result<Vec<Finding>> {
        Ok(out_of_reach(cx, &inputs.connection).await)
    }
}

/// What a condition still lacks, in words; nothing when it is met.
async fn lacking(cluster: &Cluster<'_>, condition: &GateCondition) -> Result<Option<String>> {
    if let Some(WorkloadName { namespace, name }) = &condition.daemon_set {
        let live = object(cluster, "apps/v1", "DaemonSet", Some(namespace), name).await?;
        return Ok(without_daemons(live.as_ref()).map(|what| format!("DaemonSet {namespace}/{name}: {what}")));
    }
    if let Some(WorkloadName { namespace, name }) = &condition.deployment {
        let live = object(cluster, "apps/v1", "Deployment", Some(namespace), name).await?;
        let lacks = match live.as_ref().map(deployment) {
            None => Some("it does not exist yet".to_owned()),
            Some(Readiness::Ready) => None,
            Some(Readiness::Waiting(words) | Readiness::Failed(words)) => Some(words),
        };
        return Ok(lacks.map(|what| format!("Deployment {namespace}/{name}: {what}")));
    }
    if let Some(nodes) = &condition.nodes {
        let labels = nodes.labels.iter().flatten();
        let selector: Vec<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
        let path = format!("/api/v1/nodes?labelSelector={}", encoded(&selector.join(",")));
        let live = cluster.get(&path).await?.unwrap_or_default();
        return Ok(too_few_nodes(nodes, items(&live, "/items")));
    }
    if let Some(ObjectName {
        api_version,
        kind,
        namespace,
        name,
    }) = &condition.exists
    {
        let live = object(cluster, api_version, kind, namespace.as_deref(), name).await?;
        return Ok(live.is_none().then(|| format!("{kind} {name} does not exist yet")));
    }
    if let Some(wanted) = &condition.condition {
        let ObjectName {
            api_version,
            kind,
            namespace,
            name,
        } = &wanted.object;
        let live = object(cluster, api_version, kind, namespace.as_deref(), name).await?;
        return Ok(otherwise(wanted, live.as_ref()).map(|what| format!("{kind} {name}: {what}")));
    }
    Ok(None)
}

async fn object(
    cluster: &Cluster<'_>,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<Json>> {
    let object = Object {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    object.live(cluster).await
}

/// A `DaemonSet` that should run nowhere is no way through.
fn without_daemons(live: Option<&Json>) -> Option<String> {
    let Some(live) = live else {
        return Some("it does not exist yet".to_owned());
    };
    if number(live, "/status/desiredNumberScheduled") == 0 {
        return Some("there is no node for it yet".to_owned());
    }
    match daemon_set(live) {
        Readiness::Ready => None,
        Readiness::Waiting(words) | Readiness::Failed(words) => Some(words),
    }
}

fn too_few_nodes(wanted: &NodesCondition, nodes: &[Json]) -> Option<String> {
    let NodesCondition {
        minimum,
        without_taint,
        labels: _,
    } = wanted;
    let ready = |node: &&Json| condition(node, "Ready").is_some_and(|ready| text(ready, "/status") == "True");
    let tainted = |node: &&Json| {
        without_taint.as_ref().is_some_and(|key| {
            items(node, "/spec/taints")
                .iter()
                .any(|taint| text(taint, "/key") == key)
        })
    };
    let good = nodes.iter().filter(ready).filter(|node| !tainted(node)).count();
    let minimum = usize::try_from(*minimum).unwrap_or(usize::MAX);
    (good < minimum).then(|| {
        let held: Vec<&str> = nodes
            .iter()
            .filter(tainted)
            .map(|node| text(node, "/metadata/name"))
            .collect();
        let taint = match without_taint {
            Some(key) if !held.is_empty() => format!(", and {} carry the taint {key}", held.join(", ")),
            _ => String::new(),
        };
        format!("{good} of {minimum} nodes are ready ({} there{taint})", nodes.len())
    })
}

fn otherwise(wanted: &ObjectCondition, live: Option<&Json>) -> Option<String> {
    let ObjectCondition {
        object: _,
        condition_type,
        status,
    } = wanted;
    let Some(live) = live else {
        return Some("it does not exist yet".to_owned());
    };
    match condition(live, condition_type) {
        Some(found) if text(found, "/status") == status => None,
        Some(found) => Some(format!(
            "{condition_type} is {}, not {status}: {}",
            text(found, "/status"),
            text(found, "/message")
        )),
        None => Some(format!("it has no condition {condition_type} yet")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_daemon_set_without_nodes_is_no_way_through() {
        let daemons = |wanted: i64, ready: i64| json!({"status": {"desiredNumberScheduled": wanted, "numberReady": ready, "updatedNumberScheduled": wanted}});
        assert!(without_daemons(None).is_some());
        assert_eq!(
            without_daemons(Some(&daemons(0, 0))).unwrap(),
            "there is no node for it yet"
        );
        assert_eq!(without_daemons(Some(&daemons(2, 1))).unwrap(), "1 of 2 nodes run it");
        assert_eq!(without_daemons(Some(&daemons(2, 2))), None);
    }

    #[test]
    fn nodes_that_carry_the_taint_do_not_count() {
        let wanted = NodesCondition {
            minimum: 2,
            without_taint: Some("node.cilium.io/agent-not-ready".to_owned()),
            labels: None,
        };
        let node = |name: &str, ready: &str, taints: Json| {
            json!({"metadata": {"name": name}, "spec": {"taints": taints},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        let held = json!([{"key": "node.cilium.io/agent-not-ready"}]);
        let nodes = [
            node("a", "True", json!([])),
            node("b", "True", held),
            node("c", "False", json!([])),
        ];
        let words = too_few_nodes(&wanted, &nodes).unwrap();
        assert_eq!(
            words,
            "1 of 2 nodes are ready (3 there, and b carry the taint node.cilium.io/agent-not-ready)"
        );
        let good = [node("a", "True", json!([])), node("d", "True", json!([]))];
        assert_eq!(too_few_nodes(&wanted, &good), None);
    }

    #[test]
    fn a_condition_says_how_it_stands() {
        let wanted = ObjectCondition {
            object: ObjectName {
                api_version: "v1".to_owned(),
                kind: "Node".to_owned(),
                namespace: None,
                name: "a".to_owned(),
            },
            condition_type: "Ready".to_owned(),
            status: "True".to_owned(),
        };
        let live =
            |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "why"}]}});
        assert_eq!(otherwise(&wanted, Some(&live("True"))), None);
        assert_eq!(
            otherwise(&wanted, Some(&live("False"))).unwrap(),
            "Ready is False, not True: why"
        );
        assert!(otherwise(&wanted, Some(&json!({}))).is_some() && otherwise(&wanted, None).is_some());
    }
}
