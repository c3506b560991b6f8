//! A whole stack, and who refers to whom in it.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract::{Arn, Contract, FromProperties, Input};
use groundwork_wire::PropertyValue;

use crate::Resource;

/// A resource of a stack, with what it depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The resource.
    pub resource: Resource,
    /// The URNs that it depends on.
    pub dependencies: BTreeSet<String>,
    /// The URNs that each property comes from.
    pub property_dependencies: BTreeMap<String, BTreeSet<String>>,
}

impl Member {
    /// Whether a property of this resource is the id of another one.
    ///
    /// An id that is known says so itself; in a preview it is not, and what the property comes from says it.
    #[must_use]
    pub fn refers(&self, property: &str, other: &Resource) -> bool {
        let given = self.resource.properties.get(property).and_then(PropertyValue::as_str);
        if let (Some(given), Some(id)) = (given, id(other)) {
            return given == id;
        }
        match self.property_dependencies.get(property) {
            Some(urns) => urns.contains(&other.urn),
            // What a program's SDK does not tell by property, it tells for the resource.
            None => given.is_none() && self.dependencies.contains(&other.urn),
        }
    }
}

/// A resource's id, which the engine does not show, from the end of its ARN.
fn id(resource: &Resource) -> Option<String> {
    let arn = Input::<Arn>::from_property(resource.properties.get("arn")?.clone()).known()?;
    arn.resource().rsplit('/').next().map(str::to_owned)
}

/// A whole stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stack {
    /// Its resources.
    pub members: Vec<Member>,
}

impl Stack {
    /// The resources of a type, with their inputs.
    pub fn all<C: Contract>(&self) -> impl Iterator<Item = (&Member, C::Args)>
    where
        C::Args: FromProperties,
    {
        self.members
            .iter()
            .filter_map(|member| Some((member, member.resource.args::<C>()?)))
    }

    /// The resources of a type that no resource of another type names by a property.
    pub fn unnamed<C: Contract, By: Contract>(&self, property: &str) -> impl Iterator<Item = &Member>
    where
        C::Args: FromProperties,
        By::Args: FromProperties,
    {
        let naming: Vec<&Member> = self.all::<By>().map(|(member, _)| member).collect();
        self.all::<C>()
            .map(|(member, _)| member)
            .filter(move |member| !naming.iter().any(|by| by.refers(property, &member.resource)))
    }
}

#[cfg(test)]
impl Member {
    /// A resource that depends on nothing, as a test writes it.
    pub(crate) fn of<C: Contract>(name: &str, properties: serde_json::Value) -> Self {
        Self {
            resource: Resource::of::<C>(name, properties),
            dependencies: BTreeSet::new(),
            property_dependencies: BTreeMap::new(),
        }
    }

    /// The same with a property that will be another resource's id, as in a preview.
    pub(crate) fn refer_to(mut self, property: &str, other: &Self) -> Self {
        let urn = other.resource.urn.clone();
        self.resource = self.resource.unknown(property);
        self.dependencies.insert(urn.clone());
        self.property_dependencies
            .entry(property.to_owned())
            .or_default()
            .insert(urn);
        self
    }
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::{FlowLog, Subnet, Vpc};
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0123456789abcdef0";

    #[test]
    fn an_id_that_is_known_decides() {
        let vpc = Member::of::<Vpc>("vpc", json!({ "arn": ARN }));
        let its = Member::of::<FlowLog>("log", json!({"resourceId": "vpc-0123456789abcdef0"}));
        assert!(its.refers("resourceId", &vpc.resource));
        let others = Member::of::<FlowLog>("log", json!({"resourceId": "vpc-1"}));
        assert!(!others.refers("resourceId", &vpc.resource));
        // A dependency that came to another id is no reference.
        let mut moved = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &vpc);
        moved
            .resource
            .properties
            .insert("resourceId".to_owned(), "subnet-1".into());
        assert!(!moved.refers("resourceId", &vpc.resource));
    }

    #[test]
    fn in_a_preview_dependencies_decide() {
        let vpc = Member::of::<Vpc>("vpc", json!({}));
        let other = Member::of::<Vpc>("other", json!({}));
        let subnet = Member::of::<Subnet>("subnet", json!({}));
        let its = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &vpc);
        assert!(its.refers("resourceId", &vpc.resource));
        assert!(!its.refers("resourceId", &other.resource));
        assert!(!its.refers("logDestination", &subnet.resource));
        let subnets = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &subnet);
        assert!(!subnets.refers("resourceId", &vpc.resource));
    }

    #[test]
    fn without_dependencies_by_property_those_of_the_resource_decide() {
        let vpc = Member::of::<Vpc>("vpc", json!({}));
        let mut log = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &vpc);
        log.property_dependencies.clear();
        assert!(log.refers("resourceId", &vpc.resource));
        log.resource.properties.insert("resourceId".to_owned(), "vpc-1".into());
        assert!(
            !log.refers("resourceId", &vpc.resource),
            "a literal id comes from nowhere"
        );
    }
}
