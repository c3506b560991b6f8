//! The examples of the contracts, made real: each with everything that it needs.

use std::collections::BTreeMap;

use groundwork_contract::descriptor::Descriptor;
use groundwork_wire::PropertyMap;
use serde_json::{Value as Json, json};

use crate::provider::{Kept, Provider, properties};

/// What one resource's example needs, made in order and taken away in reverse.
#[derive(Default)]
pub(crate) struct World {
    made: Vec<Kept>,
    by_token: BTreeMap<String, Kept>,
    contracts: BTreeMap<&'static str, Descriptor>,
}

impl World {
    pub(crate) fn new() -> Self {
        let contracts = groundwork_contract::all()
            .into_iter()
            .map(|contract| (contract.token, contract))
            .collect();
        Self {
            contracts,
            ..Self::default()
        }
    }

    /// The example's checked inputs, with everything that they name made first.
    pub(crate) async fn inputs(&mut self, provider: &Provider, token: &str, name: &str) -> PropertyMap {
        let example = self.contracts[token].example.clone();
        assert!(example.inputs.is_object(), "{token} has no example");
        for needed in example.needs {
            self.make(provider, needed).await;
        }
        let inputs = self.resolve(provider, &example.inputs).await;
        provider.checked(token, name, &properties(inputs)).await
    }

    /// The example's inputs as they change in place; `None` where nothing can.
    pub(crate) async fn changed(&mut self, provider: &Provider, token: &str, name: &str) -> Option<PropertyMap> {
        let example = self.contracts[token].example.clone();
        let update = example.update.as_object()?.clone();
        let mut inputs = example.inputs;
        inputs.as_object_mut().unwrap().extend(update);
        let inputs = self.resolve(provider, &inputs).await;
        Some(provider.checked(token, name, &properties(inputs)).await)
    }

    /// The inputs of the second one of a type, which stands beside the first.
    async fn second(&mut self, provider: &Provider, token: &str) -> PropertyMap {
        let example = self.contracts[token].example.clone();
        let mut inputs = example.inputs;
        let apart = example.second.as_object().cloned();
        let apart = apart.unwrap_or_else(|| panic!("{token} has no second example"));
        inputs.as_object_mut().unwrap().extend(apart);
        let inputs = self.resolve(provider, &inputs).await;
        provider.checked(token, "second", &properties(inputs)).await
    }

    /// The example of that type, made once; of `groundwork:ec2:Subnet+` the second one.
    async fn make(&mut self, provider: &Provider, reference: &str) -> Kept {
        if let Some(made) = self.by_token.get(reference) {
            return made.clone();
        }
        let (token, name, inputs) = match reference.strip_suffix('+') {
            Some(token) => (token, "second", Box::pin(self.second(provider, token)).await),
            None => (
                reference,
                "needed",
                Box::pin(self.inputs(provider, reference, "needed")).await,
            ),
        };
        let made = provider
            .create(token, name, &inputs)
            .await
            .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
        self.made.push(made.clone());
        self.by_token.insert(reference.to_owned(), made.clone());
        made
    }

    async fn resolve(&mut self, provider: &Provider, json: &Json) -> Json {
        match json {
            Json::String(text) if text.starts_with("$groundwork:") => {
                let reference = &text[1..];
                let (token, property) = reference.split_once('.').unwrap_or((reference, ""));
                let made = Box::pin(self.make(provider, token)).await;
                if property.is_empty() {
                    Json::String(made.id)
                } else {
                    made.properties[property].to_json().unwrap()
                }
            }
            Json::Array(items) => {
                let mut resolved = Vec::new();
                for item in items {
                    resolved.push(Box::pin(self.resolve(provider, item)).await);
                }
                Json::Array(resolved)
            }
            Json::Object(map) => {
                let mut resolved = serde_json::Map::new();
                for (key, value) in map {
                    resolved.insert(key.clone(), Box::pin(self.resolve(provider, value)).await);
                }
                Json::Object(resolved)
            }
            other => other.clone(),
        }
    }

    /// The name of the example's cluster.
    pub(crate) fn cluster(&self) -> String {
        self.by_token["groundwork:eks:Cluster"].id.clone()
    }

    /// Lets the caller into the example's cluster, as an administrator.
    pub(crate) async fn admit(&mut self, provider: &Provider) {
        const ENTRY: &str = "groundwork:eks:AccessEntry";
        let cluster = self.make(provider, "groundwork:eks:Cluster").await;
        let caller = provider
            .invoke("groundwork:sts:getCallerIdentity", json!({}))
            .await
            .unwrap();
        let entry = json!({
            "clusterName": cluster.id,
            "principalArn": caller["arn"].as_str().unwrap(),
            "policies": [{
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                "accessScope": {"type": "cluster"},
            }],
        });
        let entry = provider.checked(ENTRY, "admitted", &properties(entry)).await;
        let made = provider
            .create(ENTRY, "admitted", &entry)
            .await
            .unwrap_or_else(|status| panic!("{ENTRY}: {}", status.message()));
        self.made.push(made);
    }

    /// Takes away what was made, last first.
    pub(crate) async fn tear_down(self, provider: &Provider) {
        for kept in self.made.iter().rev() {
            provider
                .delete(kept)
                .await
                .unwrap_or_else(|status| panic!("{}: {}", kept.token, status.message()));
        }
    }
}
