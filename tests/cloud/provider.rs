//! The provider's process, spoken to as the engine speaks to it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use groundwork_wire::{
    PropertyMap, PropertyValue,
    codec::{from_optional, to_struct},
    proto::{
        CheckFailure, CheckRequest, ConfigureRequest, CreateRequest, DeleteRequest, DiffRequest, DiffResponse,
        InvokeRequest, LogRequest, ReadRequest, UpdateRequest,
        diff_response::DiffChanges,
        engine_server::{Engine, EngineServer},
        resource_provider_client::ResourceProviderClient,
    },
    serve::{Listener, MessageLimit, connect},
    status::init_failed,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};

/// A running provider. Dropping it kills it, as a crash would.
pub(crate) struct Provider {
    child: Child,
    client: ResourceProviderClient<Channel>,
}

/// An engine that keeps what is not for the moment alone.
struct Ear(UnboundedSender<String>);

#[tonic::async_trait]
impl Engine for Ear {
    async fn log(&self, request: Request<LogRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        if !request.ephemeral {
            // Whoever listened may be gone.
            drop(self.0.send(request.message));
        }
        Ok(Response::new(()))
    }
}

/// A resource as the engine's state has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) inputs: PropertyMap,
    pub(crate) properties: PropertyMap,
}

pub(crate) fn urn(token: &str, name: &str) -> String {
    format!("urn:pulumi:test::suite::{token}::{name}")
}

pub(crate) fn properties(json: serde_json::Value) -> PropertyMap {
    match PropertyValue::from(json) {
        PropertyValue::Object(map) => map,
        _ => PropertyMap::new(),
    }
}

/// Properties as they are shown, without what is secret.
pub(crate) fn shown(properties: &PropertyMap) -> String {
    fn told(value: &PropertyValue) -> PropertyValue {
        match value {
            PropertyValue::Secret(_) => "[secret]".into(),
            PropertyValue::Array(items) => PropertyValue::Array(items.iter().map(told).collect()),
            PropertyValue::Object(map) => {
                PropertyValue::Object(map.iter().map(|(name, value)| (name.clone(), told(value))).collect())
            }
            other => other.clone(),
        }
    }
    format!("{:?}", told(&PropertyValue::Object(properties.clone())))
}

impl Provider {
    /// Starts and configures it in the environment of a local cloud.
    pub(crate) async fn start(cloud: &crate::Cloud) -> Self {
        let provider = Self::start_in(cloud.cloud.env());
        provider.configure(serde_json::json!({})).await.unwrap();
        provider
    }

    /// Starts it in the environment of a local cloud, with an engine that hears what it says.
    pub(crate) async fn start_heard(cloud: &crate::Cloud) -> (Self, UnboundedReceiver<String>) {
        let (said, heard) = unbounded_channel();
        let listener = Listener::bind().await.unwrap();
        let engine = listener.address().to_string();
        let router = Server::builder().add_service(EngineServer::new(Ear(said)));
        tokio::spawn(listener.serve(router, std::future::pending()));
        let provider = Self::start_with(&[&engine], cloud.cloud.env());
        provider.configure(serde_json::json!({})).await.unwrap();
        (provider, heard)
    }

    /// Starts it, and no more.
    pub(crate) fn start_in(env: BTreeMap<String, String>) -> Self {
        Self::start_with(&[], env)
    }

    fn start_with(arguments: &[&str], env: BTreeMap<String, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pulumi-resource-groundwork"))
            .args(arguments)
            .envs(env)
            // It ends when this process does, however that ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        let channel = connect(&format!("127.0.0.1:{}", port.trim())).unwrap();
        Self {
            child,
            client: ResourceProviderClient::new(channel).with_message_limit(),
        }
    }

    pub(crate) async fn configure(&self, args: serde_json::Value) -> Result<(), Status> {
        let request = ConfigureRequest {
            args: Some(to_struct(&properties(args))),
            accept_secrets: true,
            accept_resources: true,
            sends_old_inputs: true,
            sends_old_inputs_to_delete: true,
            ..ConfigureRequest::default()
        };
        self.client.clone().configure(request).await.map(|_| ())
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn cancel(&self) {
        self.client.clone().cancel(()).await.unwrap();
    }

    pub(crate) async fn check(&self, token: &str, name: &str, news: &PropertyMap) -> (PropertyMap, Vec<CheckFailure>) {
        self.check_with(token, name, None, news).await
    }

    pub(crate) async fn check_with(
        &self,
        token: &str,
        name: &str,
        olds: Option<&PropertyMap>,
        news: &PropertyMap,
    ) -> (PropertyMap, Vec<CheckFailure>) {
        let request = CheckRequest {
            urn: urn(token, name),
            olds: olds.map(to_struct),
            news: Some(to_struct(news)),
            random_seed: vec![7; 32],
            ..CheckRequest::default()
        };
        let answer = self.client.clone().check(request).await.unwrap().into_inner();
        (from_optional(answer.inputs.as_ref()), answer.failures)
    }

    /// Checks, and takes every failure for a failure of the test.
    pub(crate) async fn checked(&self, token: &str, name: &str, news: &PropertyMap) -> PropertyMap {
        let (inputs, failures) = self.check(token, name, news).await;
        assert!(failures.is_empty(), "{token}: {failures:?}");
        inputs
    }

    pub(crate) async fn create(&self, token: &str, name: &str, inputs: &PropertyMap) -> Result<Kept, Status> {
        self.create_within(token, name, inputs, 0.0).await
    }

    /// Creates with a limit in seconds; the resource's own when it is zero.
    pub(crate) async fn create_within(
        &self,
        token: &str,
        name: &str,
        inputs: &PropertyMap,
        timeout: f64,
    ) -> Result<Kept, Status> {
        let request = CreateRequest {
            urn: urn(token, name),
            properties: Some(to_struct(inputs)),
            timeout,
            ..CreateRequest::default()
        };
        let answer = self.client.clone().create(request).await?.into_inner();
        Ok(Kept {
            token: token.to_owned(),
            name: name.to_owned(),
            id: answer.id,
            inputs: inputs.clone(),
            properties: from_optional(answer.properties.as_ref()),
        })
    }

    /// What the engine would keep of a Create that did not finish.
    pub(crate) fn kept_of(token: &str, name: &str, inputs: &PropertyMap, status: &Status) -> Option<Kept> {
        let detail = init_failed(status)?;
        Some(Kept {
            token: token.to_owned(),
            name: name.to_owned(),
            id: detail.id,
            inputs: inputs.clone(),
            properties: from_optional(detail.properties.as_ref()),
        })
    }

    pub(crate) async fn preview(&self, token: &str, name: &str, inputs: &PropertyMap) -> PropertyMap {
        self.previewed(token, name, inputs).await.unwrap()
    }

    /// A preview, or what it foresees that `up` would fail of.
    pub(crate) async fn previewed(&self, token: &str, name: &str, inputs: &PropertyMap) -> Result<PropertyMap, Status> {
        let request = CreateRequest {
            urn: urn(token, name),
            properties: Some(to_struct(inputs)),
            preview: true,
            ..CreateRequest::default()
        };
        let answer = self.client.clone().create(request).await?.into_inner();
        Ok(from_optional(answer.properties.as_ref()))
    }

    pub(crate) async fn diff(&self, kept: &Kept, news: &PropertyMap) -> DiffResponse {
        let request = DiffRequest {
            id: kept.id.clone(),
            urn: urn(&kept.token, &kept.name),
            olds: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            news: Some(to_struct(news)),
            ..DiffRequest::default()
        };
        self.client.clone().diff(request).await.unwrap().into_inner()
    }

    /// Holds the state against inputs, and takes every difference for a failure of the test.
    pub(crate) async fn assert_same(&self, kept: &Kept, news: &PropertyMap, when: &str) {
        let diff = self.diff(kept, news).await;
        assert_eq!(
            diff.changes(),
            DiffChanges::DiffNone,
            "{} {when}: {:?}\nstate {:#?}\nwanted {news:#?}",
            kept.token,
            diff.detailed_diff.keys().collect::<Vec<_>>(),
            kept.inputs
        );
    }

    pub(crate) async fn read(&self, kept: &Kept) -> Result<Option<Kept>, Status> {
        self.read_raw(&kept.token, &kept.name, &kept.id, Some(kept)).await
    }

    pub(crate) async fn import(&self, token: &str, name: &str, id: &str) -> Result<Option<Kept>, Status> {
        self.read_raw(token, name, id, None).await
    }

    async fn read_raw(&self, token: &str, name: &str, id: &str, last: Option<&Kept>) -> Result<Option<Kept>, Status> {
        let request = ReadRequest {
            id: id.to_owned(),
            urn: urn(token, name),
            properties: last.map(|last| to_struct(&last.properties)),
            inputs: last.map(|last| to_struct(&last.inputs)),
            ..ReadRequest::default()
        };
        let answer = self.client.clone().read(request).await?.into_inner();
        Ok((!answer.id.is_empty()).then(|| Kept {
            token: token.to_owned(),
            name: name.to_owned(),
            id: answer.id,
            inputs: from_optional(answer.inputs.as_ref()),
            properties: from_optional(answer.properties.as_ref()),
        }))
    }

    pub(crate) async fn update(&self, kept: &Kept, news: &PropertyMap) -> Result<Kept, Status> {
        let request = UpdateRequest {
            id: kept.id.clone(),
            urn: urn(&kept.token, &kept.name),
            olds: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            news: Some(to_struct(news)),
            ..UpdateRequest::default()
        };
        let answer = self.client.clone().update(request).await?.into_inner();
        Ok(Kept {
            inputs: news.clone(),
            properties: from_optional(answer.properties.as_ref()),
            ..kept.clone()
        })
    }

    pub(crate) async fn delete(&self, kept: &Kept) -> Result<(), Status> {
        self.delete_within(kept, 0.0).await
    }

    /// Deletes with a limit in seconds; the resource's own when it is zero.
    pub(crate) async fn delete_within(&self, kept: &Kept, timeout: f64) -> Result<(), Status> {
        let request = DeleteRequest {
            id: kept.id.clone(),
            urn: urn(&kept.token, &kept.name),
            properties: Some(to_struct(&kept.properties)),
            old_inputs: Some(to_struct(&kept.inputs)),
            timeout,
            ..DeleteRequest::default()
        };
        self.client.clone().delete(request).await.map(|_| ())
    }

    /// What a function finds wrong with its arguments.
    pub(crate) async fn invoke_failures(&self, token: &str, args: serde_json::Value) -> Vec<CheckFailure> {
        let request = InvokeRequest {
            tok: token.to_owned(),
            args: Some(to_struct(&properties(args))),
            ..InvokeRequest::default()
        };
        self.client.clone().invoke(request).await.unwrap().into_inner().failures
    }

    pub(crate) async fn invoke(&self, token: &str, args: serde_json::Value) -> Result<PropertyMap, Status> {
        let request = InvokeRequest {
            tok: token.to_owned(),
            args: Some(to_struct(&properties(args))),
            ..InvokeRequest::default()
        };
        Ok(from_optional(
            self.client
                .clone()
                .invoke(request)
                .await?
                .into_inner()
                .r#return
                .as_ref(),
        ))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // Already killed and waited for: nothing is left to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
