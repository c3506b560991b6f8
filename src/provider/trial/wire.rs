//! AWS's end of the wire, in this process: what is asked by name, and an answer in EC2's XML. No clock and no socket.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use aws_credential_types::Credentials;
use aws_sdk_ec2::config::{BehaviorVersion, Builder, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};

use super::thing::lock;
use crate::clients::{Aws, Caller};

/// One call: the form that EC2's protocol is.
#[derive(Debug, Clone)]
pub(crate) struct Call(String);

impl Call {
    /// The values whose names begin so, as they are encoded.
    pub(crate) fn all(&self, prefix: &str) -> Vec<&str> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn action(&self) -> &str {
        self.all("Action").first().copied().unwrap_or_default()
    }
}

/// What is answered.
pub(crate) enum Reply {
    /// A body.
    Ok(String),
    /// A code.
    Error(&'static str),
    /// Nothing.
    Reset,
}

type Answer = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

/// An AWS that the test answers for.
#[derive(Clone)]
pub(crate) struct Wire {
    answer: Arc<Answer>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let call = Call(String::from_utf8_lossy(body).into_owned());
        lock(&self.calls).push(call.clone());
        let (status, body) = match (self.answer)(&call) {
            Reply::Ok(body) => (200, body),
            Reply::Error(code) => (
                400,
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors>\
                     <RequestID>request-2</RequestID></Response>"
                ),
            ),
            Reply::Reset => return HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset".into()))),
        };
        let response = HttpResponse::new(status.try_into().unwrap(), body.into());
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl Wire {
    pub(crate) fn new(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(Box::new(answer)),
            calls: Arc::default(),
        }
    }

    /// What was asked with that action.
    pub(crate) fn calls(&self, action: &str) -> Vec<Call> {
        let calls = lock(&self.calls);
        calls.iter().filter(|call| call.action() == action).cloned().collect()
    }

    /// One account in one region of it.
    pub(crate) fn aws(&self, account: &str, region: &str) -> Aws {
        let wire = self.clone();
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.to_owned()))
            .credentials_provider(Credentials::new("id", "word", None, None, "trial"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(wire.clone())))
            .build();
        let ec2 = aws_sdk_ec2::Client::from_conf(config);
        // Nothing here asks the other services: they are clients without a world.
        let nowhere = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.to_owned()))
            .build();
        Aws {
            ec2_once: ec2.clone(),
            ec2,
            eks: aws_sdk_eks::Client::new(&nowhere),
            iam: aws_sdk_iam::Client::new(&nowhere),
            kms: aws_sdk_kms::Client::new(&nowhere),
            kms_once: aws_sdk_kms::Client::new(&nowhere),
            logs: aws_sdk_cloudwatchlogs::Client::new(&nowhere),
            credentials: None,
            sts_url: format!("https://sts.{region}.amazonaws.com"),
            caller: Caller {
                account: account.parse().unwrap(),
                arn: format!("arn:aws:iam::{account}:user/trial").parse().unwrap(),
                user_id: "trial".to_owned(),
            },
            region: region.parse().unwrap(),
            kubernetes: crate::kubernetes::Sessions::default(),
        }
    }
}

/// The answer of `DescribeTags`: ids and marks of things.
pub(crate) fn described_tags<'a>(marked: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let items = marked.map(|(id, mark)| {
        format!(
            "<item><resourceId>{id}</resourceId><resourceType>thing</resourceType>\
             <key>groundwork:pending</key><value>{mark}</value></item>"
        )
    });
    format!(
        "<DescribeTagsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>request-3</requestId>\
         <tagSet>{}</tagSet></DescribeTagsResponse>",
        items.collect::<String>()
    )
}

/// The answer of `DeleteTags`.
pub(crate) fn deleted_tags() -> String {
    "<DeleteTagsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>request-4</requestId>\
     <return>true</return></DeleteTagsResponse>"
        .to_owned()
}
