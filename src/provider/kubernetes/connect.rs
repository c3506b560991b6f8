//! How a cluster's API is reached: one client for each cluster, a token that is renewed, and one probe that all wait for.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use groundwork_contract::{Input, kubernetes::Connection};
use http::{Request, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::{
    fault::{KubernetesFault, sorted},
    token::token,
};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result},
    resource::Finding,
    wait::{Rhythm, Waiter},
};

/// How long an API that does not answer, or does not know us yet, is tried: an endpoint's name and an access entry take their
/// seconds to be known everywhere.
const PROBE: Duration = Duration::from_secs(30);

/// How long a preview tries it: it only tells.
const GLANCE: Duration = Duration::from_secs(5);

/// How long a probe that failed stands for all that ask: none of a hundred objects waits for itself.
const STANDS: Duration = Duration::from_mins(3);

/// The clusters that this process has met.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<BTreeMap<String, Arc<Session>>>>);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// One cluster.
#[derive(Default)]
struct Session {
    client: tokio::sync::Mutex<Option<(Client, Instant)>>,
    probe: tokio::sync::Mutex<Probe>,
    kinds: Mutex<BTreeMap<(String, String), Served>>,
    told: AtomicBool,
}

/// What is known of a cluster's API.
#[derive(Default)]
enum Probe {
    #[default]
    Unknown,
    Answers,
    Fails(Instant, KubernetesFault),
}

/// How a kind is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its name in URLs.
    pub(crate) plural: String,
    /// Whether its objects are in namespaces.
    pub(crate) namespaced: bool,
}

/// A cluster's API, as one operation uses it.
pub(crate) struct Cluster<'a> {
    cx: &'a Cx,
    connection: &'a Connection,
    session: Arc<Session>,
}

impl Cx {
    /// The cluster's API, for whoever treats its objects as JSON: errors are sorted, and an API that is dead, or does not know
    /// us, is probed once for all.
    pub(crate) fn cluster<'a>(&'a self, connection: &'a Connection) -> Cluster<'a> {
        let key = format!("{connection:?}");
        let mut sessions = self.aws.kubernetes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Arc::clone(sessions.entry(key).or_default());
        Cluster {
            cx: self,
            connection,
            session,
        }
    }
}

impl Cluster<'_> {
    /// The cluster's name.
    pub(crate) fn name(&self) -> &str {
        &self.connection.cluster_name
    }

    async fn client(&self) -> Result<Client> {
        let mut kept = self.session.client.lock().await;
        if let Some((client, until)) = &*kept
            && Instant::now() < *until
        {
            return Ok(client.clone());
        }
        let token = token(&self.cx.aws, self.name()).await?;
        let client = client(self.connection, token.reveal()).await?;
        *kept = Some((client.clone(), Instant::now() + token.lifetime()));
        Ok(client)
    }

    /// Waits until the API answers us; the first that asks probes, the others share what it found.
    ///
    /// # Errors
    /// It cannot be reached, or does not know us; `Missing` when the cluster is gone.
    pub(crate) async fn answering(&self) -> Result<()> {
        self.answering_within(PROBE).await
    }

    async fn answering_within(&self, patience: Duration) -> Result<()> {
        let mut probe = self.session.probe.lock().await;
        match &*probe {
            Probe::Answers => return Ok(()),
            Probe::Fails(since, fault) if since.elapsed() < STANDS => {
                return Err(Error::Kubernetes(Box::new(fault.clone())));
            }
            Probe::Unknown | Probe::Fails(..) => {}
        }
        let mut waiter = Waiter::new(Rhythm::QUICK, patience, &self.cx.cancel);
        let mut first = true;
        let fault = loop {
            let fault = match self.send(Request::get("/api"), Vec::new()).await {
                Ok(_) => {
                    *probe = Probe::Answers;
                    return Ok(());
                }
                Err(Error::Kubernetes(fault)) => *fault,
                Err(error) => return Err(error),
            };
            let patience = match fault.kind {
                Kind::Unreachable | Kind::Unclear | Kind::Throttled => true,
                Kind::Denied => {
                    // Another token, of what the credentials are by now.
                    *self.session.client.lock().await = None;
                    fault.code == 401
                }
                _ => false,
            };
            if fault.code == 403 {
                // It knows us, and keeps what it offers to itself.
                *probe = Probe::Answers;
                return Ok(());
            }
            if std::mem::take(&mut first) {
                // A cluster that is gone will not answer, however long it is tried.
                let told = self.explained(fault.clone()).await;
                if told.kind == Kind::Missing {
                    break told;
                }
            }
            self.cx.status(
                &format!("waiting for the API of cluster {}", self.name()),
                waiter.elapsed(),
            );
            if !patience || waiter.pause().await.is_err() {
                break self.explained(fault).await;
            }
        };
        *probe = Probe::Fails(Instant::now(), fault.clone());
        Err(Error::Kubernetes(Box::new(fault)))
    }

    /// Says of an API that does not answer whether its cluster is still there, and what to do.
    async fn explained(&self, mut fault: KubernetesFault) -> KubernetesFault {
        let (name, endpoint) = (self.name(), &self.connection.endpoint);
        let cluster = match crate::eks::describe(self.cx, name).await {
            Ok(None) => {
                fault.kind = Kind::Missing;
                fault.message = format!("the cluster does not exist (any more), nor its API at {endpoint}");
                return fault;
            }
            Ok(cluster) => cluster,
            Err(_) => None,
        };
        let deleting = aws_sdk_eks::types::ClusterStatus::Deleting;
        if cluster.as_ref().and_then(|cluster| cluster.status.as_ref()) == Some(&deleting) {
            fault.kind = Kind::Missing;
            fault.message = format!("the cluster is being deleted, and its API at {endpoint} no longer answers");
            return fault;
        }
        if fault.code == 401 {
            fault.message = format!(
                "its API at {endpoint} does not know {} (401 Unauthorized)",
                self.cx.aws.caller.arn
            );
            fault.advice = Some(format!(
                "give it an access entry (`aws eks create-access-entry --cluster-name {name} --principal-arn <its role or \
                 user>`) with a policy such as AmazonEKSClusterAdminPolicy, then run the same command again"
            ));
            return fault;
        }
        if fault.kind == Kind::Unreachable {
            let access = cluster.and_then(|cluster| cluster.resources_vpc_config);
            let how = match access {
                Some(vpc) if !vpc.endpoint_public_access => {
                    "the endpoint is private: run this from within its network, by VPN, or through a proxy \
                     (`proxyUrl` of the connection)"
                        .to_owned()
                }
                Some(vpc) if !vpc.public_access_cidrs().iter().any(|cidr| cidr == "0.0.0.0/0") => format!(
                    "the endpoint answers {} alone: run this from there, let this address in, or use a proxy (`proxyUrl` \
                     of the connection)",
                    vpc.public_access_cidrs().join(", ")
                ),
                _ => {
                    "look whether this machine reaches the internet, by a proxy perhaps (`proxyUrl` of the connection)"
                        .to_owned()
                }
            };
            let proxy = match &self.connection.proxy_url {
                Some(_) => " through the proxy",
                None => "",
            };
            fault.message = format!("at {endpoint}{proxy}: {}", fault.message);
            fault.advice = Some(format!("{how}, then run the same command again: nothing is lost"));
        }
        fault
    }

    /// Sends a request once the API answers.
    async fn asked(&self, request: http::request::Builder, body: Vec<u8>) -> Result<String> {
        self.answering().await?;
        let error = match self.send(request, body).await {
            Ok(text) => return Ok(text),
            Err(error) => error,
        };
        let Error::Kubernetes(fault) = &error else {
            return Err(error);
        };
        if fault.kind != Kind::Unreachable && fault.code != 401 {
            return Err(error);
        }
        // It answered before: look whether it still does, and let the engine ask again if so.
        *self.session.client.lock().await = None;
        *self.session.probe.lock().await = Probe::Unknown;
        self.answering().await?;
        let mut fault = fault.clone();
        fault.kind = Kind::Unclear;
        Err(Error::Kubernetes(fault))
    }

    async fn send(&self, request: http::request::Builder, body: Vec<u8>) -> Result<String> {
        let request = request
            .body(body)
            .map_err(|error| Error::Invalid(format!("no request can be made of it: {error}")))?;
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = self.client().await?.request_text(request).await;
        answer.map_err(|error| Error::Kubernetes(Box::new(sorted(self.name().to_owned(), what, &error))))
    }

    async fn json(&self, request: http::request::Builder, body: Vec<u8>) -> Result<Json> {
        let text = self.asked(request, body).await?;
        serde_json::from_str(&text).map_err(|error| Error::Bug(format!("the API server answers no JSON: {error}")))
    }

    /// What is at a path; `None` when it is not there.
    ///
    /// # Errors
    /// It could not be told.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Json>> {
        self.json(Request::get(path), Vec::new()).await.or_gone()
    }

    /// The text at a path, such as a log.
    ///
    /// # Errors
    /// It could not be told.
    pub(crate) async fn text(&self, path: &str) -> Result<String> {
        self.asked(Request::get(path), Vec::new()).await
    }

    /// Changes what is at a path; `form` is the patch's content type.
    ///
    /// # Errors
    /// It may or may not have changed.
    pub(crate) async fn patch(&self, path: &str, form: &str, body: &Json) -> Result<Json> {
        let request = Request::patch(path)
            .header(http::header::CONTENT_TYPE, form)
            .header(http::header::ACCEPT, "application/json");
        self.json(request, body.to_string().into_bytes()).await
    }

    /// Deletes what is at a path, and what it owns first.
    ///
    /// # Errors
    /// It may or may not be there; `Missing` when it is not.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        let request = Request::delete(path).header(http::header::CONTENT_TYPE, "application/json");
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"});
        self.asked(request, options.to_string().into_bytes()).await.map(drop)
    }

    /// How a kind is served; `None` when the cluster has no such kind.
    ///
    /// # Errors
    /// It could not be told.
    pub(crate) async fn served(&self, api_version: &str, kind: &str) -> Result<Option<Served>> {
        let key = (api_version.to_owned(), kind.to_owned());
        let kinds = || self.session.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(served) = kinds().get(&key) {
            return Ok(Some(served.clone()));
        }
        let Some(list) = self.get(&group(api_version)).await? else {
            return Ok(None);
        };
        let found = list
            .get("resources")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .find_map(|resource| {
                let plural = resource.get("name")?.as_str()?;
                (resource.get("kind")?.as_str()? == kind && !plural.contains('/')).then(|| Served {
                    plural: plural.to_owned(),
                    namespaced: resource.get("namespaced").and_then(Json::as_bool).unwrap_or(false),
                })
            });
        if let Some(served) = &found {
            kinds().insert(key, served.clone());
        }
        Ok(found)
    }

    /// The path of all objects of a kind, whatever their namespaces; `None` when the cluster has no such kind.
    ///
    /// # Errors
    /// It could not be told.
    pub(crate) async fn path_of_all(&self, api_version: &str, kind: &str) -> Result<Option<String>> {
        let served = self.served(api_version, kind).await?;
        Ok(served.map(|served| format!("{}/{}", group(api_version), served.plural)))
    }

    /// The path of an object, or of all of a kind without a name; `None` when the cluster has no such kind.
    ///
    /// # Errors
    /// It could not be told.
    pub(crate) async fn path(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Option<String>> {
        Ok(self.served(api_version, kind).await?.map(|served| {
            let mut path = group(api_version);
            if served.namespaced {
                path.push_str("/namespaces/");
                path.push_str(namespace.unwrap_or("default"));
            }
            path.push('/');
            path.push_str(&served.plural);
            if let Some(name) = name {
                path.push('/');
                path.push_str(name);
            }
            path
        }))
    }
}

/// What a preview tells of a cluster whose API cannot be reached from here, once for all that is in it. It is no mistake of
/// the program's, and what comes before in the same run may open the way; a cluster that is gone is made anew.
pub(crate) async fn out_of_reach(cx: &Cx, connection: &Input<Connection>) -> Vec<Finding> {
    // Before there is a cluster nobody knows where its API will be.
    let Some(connection) = connection.known() else {
        return Vec::new();
    };
    let cluster = cx.cluster(&connection);
    let Err(Error::Kubernetes(fault)) = cluster.answering_within(GLANCE).await else {
        return Vec::new();
    };
    if fault.kind != Kind::Unreachable || cluster.session.told.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let advice = fault.advice.as_deref().unwrap_or_default();
    vec![Finding {
        property: Some("connection"),
        message: format!(
            "the API of cluster {} cannot be reached, so nothing in it can be changed: {}\n  do        {advice}",
            fault.cluster, fault.message
        ),
        fatal: false,
    }]
}

fn group(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The connection and a token as `kubectl` would have them; it exists in memory alone.
pub(crate) fn kubeconfig(connection: &Connection, token: &str) -> Json {
    let Connection {
        endpoint,
        certificate_authority,
        cluster_name,
        proxy_url,
    } = connection;
    let mut cluster = json!({"server": endpoint, "certificate-authority-data": certificate_authority});
    if let (Some(proxy), Some(cluster)) = (proxy_url, cluster.as_object_mut()) {
        cluster.insert("proxy-url".to_owned(), json!(proxy));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": cluster}],
        "users": [{"name": "groundwork", "user": {"token": token}}],
        "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": "groundwork"}}],
        "current-context": cluster_name,
    })
}

/// The environment's proxy to an API, as every other tool has it: held against `NO_PROXY` by where the call goes. The client
/// holds the proxy's own host against it; what it took is as it is written, with a login perhaps.
fn of_environment(matcher: &Matcher, endpoint: &Uri, taken: Option<Uri>) -> Option<Uri> {
    let proxy = matcher.intercept(endpoint)?;
    taken.or_else(|| Some(proxy.uri().clone()))
}

async fn client(connection: &Connection, token: &str) -> Result<Client> {
    let wrong = |what: String| {
        Error::Invalid(format!(
            "the connection to cluster {} cannot be used: {what}",
            connection.cluster_name
        ))
    };
    let kubeconfig: Kubeconfig =
        serde_json::from_value(kubeconfig(connection, token)).map_err(|error| Error::Bug(error.to_string()))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| wrong(crate::error::chain(&error)))?;
    config.proxy_url = match &connection.proxy_url {
        Some(proxy) => Some(
            proxy
                .as_str()
                .parse()
                .map_err(|error| wrong(format!("proxyUrl: {error}")))?,
        ),
        None => of_environment(&Matcher::from_env(), &config.cluster_url, config.proxy_url),
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(Duration::from_mins(1));
    config.reset_reader_on_write = true;
    Client::try_from(config).map_err(|error| wrong(crate::error::chain(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environments_proxy_is_for_what_it_does_not_except() {
        let matcher = Matcher::builder()
            .https("http://proxy.example:3128")
            .no("proxy.example,.eks.amazonaws.com")
            .build();
        let asked = |endpoint: &str, taken: Option<&str>| {
            let taken = taken.map(|uri| uri.parse().unwrap());
            of_environment(&matcher, &endpoint.parse().unwrap(), taken).map(|uri| uri.to_string())
        };
        let inside = "https://0123.gr7.eu-central-1.eks.amazonaws.com";
        assert_eq!(asked(inside, Some("http://proxy.example:3128")), None);
        let outside = "https://api.example";
        let login = "http://me:secret@proxy.example:3128/";
        assert_eq!(asked(outside, Some(login)).as_deref(), Some(login));
        assert_eq!(asked(outside, None).as_deref(), Some("http://proxy.example:3128/"));
    }
}
