//! The engine on trial: real RPCs and a paused clock, a resource that does what AWS does on a bad day, and AWS's end of
//! the wire in this process.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use groundwork_wire::{
    PropertyMap, PropertyValue, Urn,
    codec::{from_optional, to_struct},
    proto::{
        CheckRequest, CheckResponse, CreateRequest, DeleteRequest, DiffRequest, DiffResponse, ReadRequest,
        UpdateRequest, resource_provider_server::ResourceProvider,
    },
    status::init_failed,
};
use serde_json::Value as Json;
use tonic::{Request, Status};

use crate::{registry::Registry, rpc::Provider};
use thing::{Answer, Link, Thing, World, lock};
use wire::{Reply, Wire};

mod cluster;
mod engine;
#[path = "../../../tests/support/golden.rs"]
mod golden;
mod kept;
mod marks;
mod rpc;
mod thing;
mod wire;

const THING: &str = "groundwork:trial:Thing";
const LINK: &str = "groundwork:trial:Link";
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

/// Properties as a test writes them.
fn properties(json: Json) -> PropertyMap {
    PropertyValue::from(json).as_object().cloned().unwrap_or_default()
}

/// Properties as a test reads them.
fn json(properties: &PropertyMap) -> Json {
    PropertyValue::Object(properties.clone()).to_json().unwrap()
}

/// A resource as the engine's state has it.
#[derive(Debug, Clone)]
struct Kept {
    id: String,
    inputs: PropertyMap,
    properties: PropertyMap,
}

/// A provider and one resource of its own.
#[derive(Debug)]
struct Stage {
    provider: Provider,
    wire: Wire,
    urn: Urn,
    world: Arc<Mutex<World>>,
}

impl Stage {
    fn new(token: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::of(format!("urn:pulumi:test::trial::{token}::{name}").parse().unwrap())
    }

    /// Another process for the same resource.
    fn again(&self) -> Self {
        Self::of(self.urn.clone())
    }

    fn of(urn: Urn) -> Self {
        let world = thing::world(&urn);
        let wire = Wire::new(answering(Arc::clone(&world)));
        let provider = Provider::configured(registry(), wire.aws(ACCOUNT, REGION), PropertyMap::new());
        Self {
            provider,
            wire,
            urn,
            world,
        }
    }

    /// What the next calls of a verb answer.
    fn script(&self, verb: &'static str, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.world).answers.entry(verb).or_default().extend(answers);
    }

    fn count(&self, verb: &str) -> usize {
        lock(&self.world).count(verb)
    }

    async fn check(&self, olds: Option<&PropertyMap>, news: Json) -> CheckResponse {
        let request = CheckRequest {
            urn: self.urn.to_string(),
            olds: olds.map(to_struct),
            news: Some(to_struct(&properties(news))),
            random_seed: vec![7; 32],
            ..CheckRequest::default()
        };
        self.provider.check(Request::new(request)).await.unwrap().into_inner()
    }

    async fn checked(&self, news: Json) -> PropertyMap {
        let answer = self.check(None, news).await;
        assert!(answer.failures.is_empty(), "{:?}", answer.failures);
        from_optional(answer.inputs.as_ref())
    }

    async fn create(&self, inputs: Json) -> Result<Kept, Status> {
        self.create_within(inputs, Duration::ZERO).await
    }

    async fn create_within(&self, inputs: Json, limit: Duration) -> Result<Kept, Status> {
        let inputs = self.checked(inputs).await;
        let request = CreateRequest {
            urn: self.urn.to_string(),
            properties: Some(to_struct(&inputs)),
            timeout: limit.as_secs_f64(),
            ..CreateRequest::default()
        };
        let answer = self.provider.create(Request::new(request)).await?.into_inner();
        Ok(Kept {
            id: answer.id,
            inputs,
            properties: from_optional(answer.properties.as_ref()),
        })
    }

    /// What the engine keeps of an operation that did not finish, and the reason that it shows.
    fn unfinished(inputs: &PropertyMap, status: &Status) -> (Kept, String) {
        let detail = init_failed(status).unwrap();
        let kept = Kept {
            id: detail.id,
            inputs: inputs.clone(),
            properties: from_optional(detail.properties.as_ref()),
        };
        (kept, detail.reasons.join("\n"))
    }

    async fn read(&self, id: &str, last: Option<&Kept>) -> Result<Option<Kept>, Status> {
        let request = ReadRequest {
            id: id.to_owned(),
            urn: self.urn.to_string(),
            properties: last.map(|last| to_struct(&last.properties)),
            inputs: last.map(|last| to_struct(&last.inputs)),
            ..ReadRequest::default()
        };
        let answer = self.provider.read(Request::new(request)).await?.into_inner();
        Ok((!answer.id.is_empty()).then(|| Kept {
            id: answer.id,
            inputs: from_optional(answer.inputs.as_ref()),
            properties: from_optional(answer.properties.as_ref()),
        }))
    }

    async fn update(&self, kept: &Kept, news: Json) -> Result<Kept, Status> {
        let inputs = self.checked(news).await;
        let request = UpdateRequest {
            id: kept.id.clone(),
            urn: self.urn.to_string(),
            olds: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            news: Some(to_struct(&inputs)),
            ..UpdateRequest::default()
        };
        let answer = self.provider.update(Request::new(request)).await?.into_inner();
        Ok(Kept {
            id: kept.id.clone(),
            inputs,
            properties: from_optional(answer.properties.as_ref()),
        })
    }

    async fn delete(&self, kept: &Kept) -> Result<(), Status> {
        self.delete_within(kept, Duration::ZERO).await
    }

    async fn delete_within(&self, kept: &Kept, limit: Duration) -> Result<(), Status> {
        let request = DeleteRequest {
            id: kept.id.clone(),
            urn: self.urn.to_string(),
            properties: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            timeout: limit.as_secs_f64(),
            ..DeleteRequest::default()
        };
        self.provider.delete(Request::new(request)).await.map(|_| ())
    }

    async fn diff(&self, kept: &Kept, news: Json, ignored: &[&str]) -> DiffResponse {
        let request = DiffRequest {
            id: kept.id.clone(),
            urn: self.urn.to_string(),
            olds: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            news: Some(to_struct(&properties(news))),
            ignore_changes: ignored.iter().map(|path| (*path).to_owned()).collect(),
            ..DiffRequest::default()
        };
        self.provider.diff(Request::new(request)).await.unwrap().into_inner()
    }

    async fn cancel(&self) {
        self.provider.cancel(Request::new(())).await.unwrap();
    }
}

fn registry() -> Registry {
    Registry::default().with::<Thing>().with::<Link>()
}

/// Tags as AWS keeps them: on what exists.
fn answering(world: Arc<Mutex<World>>) -> impl Fn(&wire::Call) -> Reply + Send + Sync {
    move |call| {
        let mut world = lock(&world);
        match call.action() {
            "DescribeTags" => {
                let asked = call.all("Filter.2.Value.1");
                let marked = world
                    .things
                    .iter()
                    .filter(|(_, body)| !body.mark.is_empty() && asked.first().is_none_or(|asked| *asked == body.mark));
                let marked = marked.map(|(id, body)| (id.as_str(), body.mark.as_str()));
                Reply::Ok(wire::described_tags(marked))
            }
            "DeleteTags" => {
                let ids = call.all("ResourceId.");
                if ids.iter().any(|id| !world.things.contains_key(*id)) {
                    return Reply::Error("InvalidID");
                }
                for id in ids {
                    if let Some(body) = world.things.get_mut(id) {
                        body.mark.clear();
                    }
                }
                Reply::Ok(wire::deleted_tags())
            }
            _ => Reply::Error("InvalidAction"),
        }
    }
}
