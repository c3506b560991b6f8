//! The token webhook: API servers ask it who is behind an EKS token.
//!
//! `https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication`

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewStatus, UserInfo};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::access::{Caller, Grant, User, admit};
use super::eks::Eks;
use super::{slot, token};
use crate::Ui;

/// What the webhook knows.
pub(super) struct Desk {
    pub(super) eks: Eks,
    /// The local AWS's address, which a token may name in the place of STS: `127.0.0.1:4711`.
    pub(super) local: String,
    pub(super) ui: Arc<Ui>,
    /// The APIs that answer, as a member of `system:masters`, by slot.
    clients: Mutex<BTreeMap<String, Client>>,
}

impl Desk {
    pub(super) fn new(eks: Eks, local: String, ui: Arc<Ui>) -> Self {
        Self {
            eks,
            local,
            ui,
            clients: Mutex::default(),
        }
    }

    /// An API answers.
    pub(super) fn open(&self, slot: &str, client: Client) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.insert(slot.to_owned(), client);
    }

    /// An API is no more.
    pub(super) fn close(&self, slot: &str) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.remove(slot);
    }

    fn client(&self, slot: &str) -> Option<Client> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get(slot).cloned()
    }

    /// Who is behind a token in a cluster, or why nobody. The clusters are asked anew each time: access that is taken away is
    /// gone with the next call.
    async fn know(&self, wanted: &str, token: &str) -> Result<(Caller, User), String> {
        let url = token::url(token, &self.local, SystemTime::now())?;
        let clusters = self.eks.clusters().await.map_err(|error| error.because())?;
        let view = clusters
            .into_iter()
            .find(|view| slot(view) == wanted)
            .ok_or("there is no such cluster")?;
        let arn = self
            .eks
            .identity(&url, &view.cluster.name)
            .await
            .map_err(|error| error.because())?;
        let caller = Caller::of(&arn);
        let client = self.client(wanted);
        let aws_auth = match &client {
            Some(client) if view.cluster.access_config.authentication_mode != "API" => {
                let maps = Api::<ConfigMap>::namespaced(client.clone(), "kube-system");
                maps.get_opt("aws-auth").await.ok().flatten()
            }
            _ => None,
        };
        let user = admit(&view, &caller, aws_auth.as_ref()).ok_or_else(|| format!("{arn} has no access"))?;
        if let Some(client) = client {
            for grant in &user.grants {
                bind(&client, grant).await.map_err(|error| error.to_string())?;
            }
        }
        Ok((caller, user))
    }
}

/// Answers API servers until it is dropped.
pub(super) async fn serve(listener: TcpListener, desk: Arc<Desk>) -> std::io::Result<()> {
    let router = Router::new().route("/{slot}", post(review)).with_state(desk);
    axum::serve(listener, router).await
}

async fn review(
    State(desk): State<Arc<Desk>>,
    Path(slot): Path<String>,
    Json(asked): Json<TokenReview>,
) -> Json<TokenReview> {
    let token = asked.spec.token.as_deref().unwrap_or_default();
    let status = match desk.know(&slot, token).await {
        Ok((caller, user)) => TokenReviewStatus {
            authenticated: Some(true),
            user: Some(info(&caller, user)),
            ..TokenReviewStatus::default()
        },
        Err(reason) => {
            desk.ui.note(format_args!("{slot}: a token is refused: {reason}"));
            TokenReviewStatus {
                authenticated: Some(false),
                error: Some(reason),
                ..TokenReviewStatus::default()
            }
        }
    };
    Json(TokenReview {
        status: Some(status),
        ..TokenReview::default()
    })
}

/// As EKS tells it, `extra` included.
fn info(caller: &Caller, user: User) -> UserInfo {
    let account = caller.principal.split(':').nth(4).unwrap_or_default();
    let mut extra = BTreeMap::from([
        ("arn".to_owned(), vec![caller.arn.clone()]),
        ("canonicalArn".to_owned(), vec![caller.principal.clone()]),
    ]);
    if let Some(session) = &caller.session {
        extra.insert("sessionName".to_owned(), vec![session.clone()]);
    }
    UserInfo {
        uid: Some(format!("aws-iam-authenticator:{account}:{}", caller.principal)),
        username: Some(user.name),
        groups: Some(user.groups),
        extra: Some(extra),
    }
}

/// Gives a group its role. EKS has an authorizer of its own for its access policies; here they are bindings.
async fn bind(client: &Client, grant: &Grant) -> kube::Result<()> {
    let group = "rbac.authorization.k8s.io";
    let document = |kind: &str| -> Value {
        json!({
            "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": grant.group},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": grant.role},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": grant.group}],
        })
    };
    let params = PatchParams::apply("eks").force();
    let name = grant.group.as_str();
    match &grant.namespace {
        None => {
            let bindings = Api::<ClusterRoleBinding>::all(client.clone());
            let patch = Patch::Apply(document("ClusterRoleBinding"));
            bindings.patch(name, &params, &patch).await.map(drop)
        }
        Some(namespace) => {
            let bindings = Api::<RoleBinding>::namespaced(client.clone(), namespace);
            match bindings
                .patch(name, &params, &Patch::Apply(document("RoleBinding")))
                .await
            {
                // Where there is no namespace yet, there is nothing to do in it.
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                other => other.map(drop),
            }
        }
    }
}
