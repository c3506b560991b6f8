//! Services of type `LoadBalancer` have a load balancer in AWS for as long as they live.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cluster, Outcome};

/// The finalizer of Kubernetes' service controller ("Garbage collecting load balancers").
const CLEANUP: &str = "service.kubernetes.io/load-balancer-cleanup";

#[derive(Deserialize)]
struct Balancer {
    hostname: String,
}

/// One pass over all Services.
pub(crate) async fn pass(it: &Cluster) -> Outcome {
    let every: Api<Service> = Api::all(it.client.clone());
    for service in every.list(&ListParams::default()).await? {
        let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
        let path = format!("balancers/{namespace}/{name}");
        let wants = service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer");
        let held = service.finalizers().iter().any(|one| one == CLEANUP);
        let api: Api<Service> = Api::namespaced(it.client.clone(), &namespace);
        if wants && service.metadata.deletion_timestamp.is_none() {
            if !held {
                set_finalizers(&api, &service, true).await?;
            }
            if hostname(&service).is_none() {
                let Balancer { hostname } = it.ask(&path).await?;
                let status = json!({"status": {"loadBalancer": {"ingress": [{"hostname": hostname}]}}});
                api.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
                    .await?;
            }
        } else if held {
            it.forget(&path).await?;
            set_finalizers(&api, &service, false).await?;
        }
    }
    Ok(())
}

fn hostname(service: &Service) -> Option<&str> {
    let status = service.status.as_ref()?.load_balancer.as_ref()?;
    status.ingress.as_ref()?.first()?.hostname.as_deref()
}

async fn set_finalizers(api: &Api<Service>, service: &Service, with: bool) -> Outcome {
    let others = service.finalizers().iter().filter(|one| *one != CLEANUP);
    let wanted: Vec<_> = others.map(String::as_str).chain(with.then_some(CLEANUP)).collect();
    let metadata: BTreeMap<&str, Value> = [
        ("finalizers", json!(wanted)),
        ("resourceVersion", json!(service.resource_version())),
    ]
    .into();
    let patch = Patch::Merge(json!({"metadata": metadata}));
    api.patch(&service.name_any(), &PatchParams::default(), &patch).await?;
    Ok(())
}
