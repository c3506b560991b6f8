//! The admin side of the local AWS: what exists, what was called, and what is to go wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(30);

/// The client. One connection a request: on the loopback that costs nothing, and no connection outlives the cloud.
///
/// hyper itself, because tonic has it in the tree already and `up`, `logs` and the tests are asynchronous anyway.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) port: u16,
}

impl Admin {
    pub(crate) async fn get<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T> {
        self.call(what, Method::GET, path, None).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, what: &str, path: &str, body: &Value) -> Result<T> {
        self.call(what, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, what: &str, path: &str) -> Result<()> {
        self.call::<Value>(what, Method::DELETE, path, None).await.map(drop)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let refused = |reason: String| Error::Admin {
            what: what.to_owned(),
            reason,
        };
        let answer = tokio::time::timeout(PATIENCE, self.send(method.clone(), path, body)).await;
        let (status, bytes) = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(reason)) => return Err(refused(format!("127.0.0.1:{} does not answer: {reason}", self.port))),
            Err(_) => return Err(refused(format!("no answer within {} seconds", PATIENCE.as_secs()))),
        };
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes);
            let text = match serde_json::from_slice::<Refusal>(&bytes) {
                Ok(refusal) => refusal.error,
                Err(_) => text.trim().chars().take(400).collect(),
            };
            return Err(refused(format!("{method} {path} answers {status}: {text}")));
        }
        let bytes = if bytes.is_empty() {
            Bytes::from_static(b"null")
        } else {
            bytes
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| refused(format!("{method} {path} answers something else: {error}")))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(hyper::StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("/groundwork-api{path}"))
            .header(header::HOST, format!("127.0.0.1:{}", self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        };
        // The connection is driven here, beside the exchange: nothing is left running when this returns.
        let mut exchange = std::pin::pin!(exchange);
        let mut connection = std::pin::pin!(connection);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut exchange => return Ok(answer?),
                ended = &mut connection, if open => {
                    ended?;
                    open = false;
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Everything that exists in the local AWS, by a name that says where: service, account, region, kind and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dump(pub BTreeMap<String, Value>);

impl Dump {
    /// The names of what exists now and did not exist in `before`, in order. What has been deleted and is only still
    /// shown (`"gone": true`, as AWS shows terminated instances for a while) does not count.
    pub fn left_over(&self, before: &Self) -> Vec<&str> {
        let exists = |resource: &Value| resource.get("gone") != Some(&Value::Bool(true));
        let is_new = |name: &String| !before.0.get(name).is_some_and(exists);
        self.0
            .iter()
            .filter(|(name, it)| exists(it) && is_new(name))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// One call to the local AWS, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its number; they go on counting after the journal was cleared.
    pub n: u64,
    /// When it arrived: seconds since 1970.
    pub time: f64,
    /// The service, as AWS's models name it: `ec2`.
    pub service: String,
    /// The operation: `CreateVpc`.
    pub operation: String,
    /// The account that was called.
    #[serde(default)]
    pub account: String,
    /// The region that was called.
    #[serde(default)]
    pub region: String,
    /// The ARN of who called.
    #[serde(default)]
    pub caller: String,
    /// The parameters; long values are cut.
    #[serde(default)]
    pub params: Value,
    /// The HTTP status of the answer; none while it is under way.
    #[serde(default)]
    pub status: Option<u16>,
    /// AWS's code, when the answer is an error.
    #[serde(default)]
    pub error_code: Option<String>,
    /// Whether the backend did its work.
    #[serde(default)]
    pub acted: bool,
    /// Whether the caller was told.
    #[serde(default)]
    pub answered: bool,
    /// How long it took, in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// The fault that struck it, if one did.
    #[serde(default)]
    pub fault: Option<String>,
    /// The id of what it began, if that takes time: `nat-…`, `cluster/node group`.
    #[serde(default)]
    pub subject: Option<String>,
    /// When what it began had come true: seconds since 1970. None until then.
    #[serde(default)]
    pub settled: Option<f64>,
}

/// What a [`Fault`] can do to a call.
pub const FAULT_KINDS: [&str; 10] = [
    "throttle",
    "error",
    "denied",
    "reset_before",
    "reset_after",
    "delay",
    "delay_response",
    "not_found_after_create",
    "role_not_assumable",
    "fail_state",
];

/// Something that goes wrong on purpose. What is left out is decided by the kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// One of [`FAULT_KINDS`].
    pub kind: String,
    /// The services that it strikes, a glob: `ec2`. All when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The operations that it strikes, a glob: `Create*`. All when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The first matching call that it strikes, counted from 1. Alone it strikes that one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// How many calls it strikes. With neither `nth` nor this, every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Only calls whose parameters contain this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// AWS's code for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The message of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds, for the kinds that take time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Its number; given by the local AWS.
    #[serde(default, skip_serializing)]
    pub id: u64,
    /// How many calls matched so far.
    #[serde(default, skip_serializing)]
    pub met: u64,
    /// How many calls it struck so far.
    #[serde(default, skip_serializing)]
    pub struck: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn dump(value: Value) -> Dump {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn left_over_is_what_is_new_and_not_gone() {
        let before = dump(json!({"ec2/vpc-default": {}, "ec2/i-1": {"gone": true}}));
        let after = dump(json!({
            "ec2/vpc-default": {"changed": true},
            "ec2/vpc-1": {},
            "ec2/i-1": {},
            "ec2/i-2": {"gone": true},
        }));
        assert_eq!(after.left_over(&before), ["ec2/i-1", "ec2/vpc-1"]);
        assert!(before.left_over(&after).is_empty());
    }

    #[test]
    fn a_fault_says_only_what_was_asked_of_it() {
        let fault = Fault {
            kind: "throttle".into(),
            service: Some("ec2".into()),
            nth: Some(2),
            ..Fault::default()
        };
        assert_eq!(
            serde_json::to_value(fault).unwrap(),
            json!({"kind": "throttle", "service": "ec2", "nth": 2})
        );
    }

    /// Answers one request with this text, byte for byte.
    async fn that_answers(text: &'static str) -> Admin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _read = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
        });
        Admin { port }
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_its_own_words() {
        let admin = that_answers("HTTP/1.1 400 BAD REQUEST\r\ncontent-length: 17\r\n\r\n{\"error\": \"what\"}").await;
        let error = admin
            .post::<Value>("set the fault", "/faults", &json!({}))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the local cloud did not set the fault");
        assert_eq!(error.because(), "POST /faults answers 400 Bad Request: what");
    }

    #[tokio::test]
    async fn an_answer_that_ends_with_the_connection_is_read() {
        let admin = that_answers("HTTP/1.0 200 OK\r\n\r\n{\"a\": {}}").await;
        let dump: Dump = admin.get("dump", "/dump").await.unwrap();
        assert_eq!(dump.0.len(), 1);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_that_names_the_port() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = Admin { port }
            .get::<Value>("tell its health", "/health")
            .await
            .unwrap_err();
        assert!(
            error
                .because()
                .starts_with(&format!("127.0.0.1:{port} does not answer")),
            "{}",
            error.because()
        );
    }
}
