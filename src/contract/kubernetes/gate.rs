//! A wait for a state of a cluster.

use std::collections::BTreeMap;

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::json;

use super::{Connection, manifest::connection_example};
use crate::{Example, Failure, check::exactly_one, text_type};

text_type!(
    /// A gate: `<cluster>/<name of the resource>`.
    GateId, "the id of a gate", "platform/nodes", |text| match text.split_once('/') {
        Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err("expected <cluster>/<name>".to_owned()),
    }
);

/// A wait for a state of a cluster: what depends on it begins once the state is reached.
///
/// It exists in the state alone. It is passed once: a refresh does not look again, a change of it does.
#[resource("groundwork:kubernetes:Gate", GateId, example = example, check = check, conceal = conceal)]
pub struct Gate;

/// What is waited for.
#[shape]
pub struct GateInputs {
    /// The cluster's API.
    pub connection: Connection,
    /// What must all be so at once.
    pub conditions: Vec<GateCondition>,
    /// Values of any kind: a change of one looks again.
    pub triggers: Option<BTreeMap<String, String>>,
}

/// One thing that must be so; exactly one of these is given.
#[shape]
pub struct GateCondition {
    /// A `DaemonSet` runs on as many nodes as it should, and on one at least.
    pub daemon_set: Option<WorkloadName>,
    /// A Deployment is available.
    pub deployment: Option<WorkloadName>,
    /// Enough nodes are ready.
    pub nodes: Option<NodesCondition>,
    /// An object exists.
    pub exists: Option<ObjectName>,
    /// A condition in an object's `status.conditions` is as it should be.
    pub condition: Option<ObjectCondition>,
}

/// A workload.
#[shape]
pub struct WorkloadName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Nodes that pods can run on.
#[shape]
pub struct NodesCondition {
    /// How many there must be at least.
    #[default(1)]
    pub minimum: u32,
    /// A taint, by its key, that they must not carry (any more), such as `node.cilium.io/agent-not-ready`.
    pub without_taint: Option<String>,
    /// Labels that they carry.
    pub labels: Option<BTreeMap<String, String>>,
}

/// An object.
#[shape]
pub struct ObjectName {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, where its kind has one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// A condition of an object.
#[shape]
pub struct ObjectCondition {
    /// The object.
    pub object: ObjectName,
    /// The condition's type, such as `Ready`.
    pub condition_type: String,
    /// What its status must be.
    #[default("True".to_owned())]
    pub status: String,
}

/// How it stands.
#[shape(outputs)]
pub struct GateOutputs {
    /// What is still missing; nothing once it is passed.
    pub missing: Vec<String>,
    /// The conditions that were passed last, so that a change of them is looked at again.
    pub passed: Vec<GateCondition>,
    /// The triggers with which it was looked at last.
    pub passed_triggers: Option<BTreeMap<String, String>>,
}

fn check(args: &GateArgs) -> Vec<Failure> {
    let Some(conditions) = args.conditions.known() else {
        return Vec::new();
    };
    if conditions.is_empty() {
        return vec![Failure::at("conditions", "has nothing to wait for: give one at least")];
    }
    let mut failures = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        let GateCondition {
            daemon_set,
            deployment,
            nodes,
            exists,
            condition,
        } = condition;
        let given = [
            ("daemonSet", daemon_set.is_some()),
            ("deployment", deployment.is_some()),
            ("nodes", nodes.is_some()),
            ("exists", exists.is_some()),
            ("condition", condition.is_some()),
        ];
        for mistake in exactly_one("what to wait for", &given) {
            failures.push(Failure::at("conditions", format!("item {index}: {mistake}")));
        }
    }
    failures
}

/// What repeats an input is as secret as that.
fn conceal(properties: &mut PropertyMap) {
    for (given, repeated) in [("conditions", "passed"), ("triggers", "passedTriggers")] {
        let secret = properties.get(given).is_some_and(PropertyValue::contains_secret);
        if secret && let Some(value) = properties.get_mut(repeated) {
            *value = PropertyValue::secret(std::mem::take(value));
        }
    }
}

fn example() -> Example {
    let exists = |name: &str| json!([{"exists": {"apiVersion": "v1", "kind": "Namespace", "name": name}}]);
    Example {
        inputs: json!({"connection": connection_example(), "conditions": exists("kube-system")}),
        update: json!({"conditions": exists("default")}),
        ..Example::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads better with values than with borrowed ones"
    )]

    use super::*;
    use crate::descriptor::Descriptor;

    fn reasons(conditions: serde_json::Value) -> Vec<String> {
        let inputs = json!({"connection": {"endpoint": "https://a", "certificateAuthority": "", "clusterName": "c"},
            "conditions": conditions});
        let PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<Gate>();
        let found = descriptor.check(&descriptor.with_defaults(map));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_condition_waits_for_one_thing() {
        assert!(reasons(json!([{"nodes": {}}, {"daemonSet": {"namespace": "a", "name": "b"}}])).is_empty());
        assert_eq!(reasons(json!([])).len(), 1);
        assert_eq!(reasons(json!([{}])).len(), 1);
        let both = json!([{"nodes": {}, "exists": {"apiVersion": "v1", "kind": "Node", "name": "a"}}]);
        assert_eq!(reasons(both).len(), 2);
    }

    #[test]
    fn a_secret_trigger_is_secret_once_it_is_passed() {
        let map = |json: serde_json::Value| PropertyValue::from(json).as_object().cloned().unwrap();
        let mut properties = map(json!({"passed": [], "passedTriggers": {"word": "open"}}));
        let word = [("word".to_owned(), PropertyValue::secret("open".into()))];
        properties.insert("triggers".to_owned(), PropertyValue::Object(word.into()));
        let seen = Descriptor::of::<Gate>().with_secrets(properties);
        assert!(seen["passedTriggers"].contains_secret() && !seen["passed"].contains_secret());
    }
}
