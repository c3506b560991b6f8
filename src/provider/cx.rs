//! What a verb works with: clients, an ear for the user, and a line to tell how it is going.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use groundwork_contract::{Tags, tags::PENDING};
use groundwork_wire::Urn;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{clients::Aws, log::Log, wait::human};

/// The surroundings of one operation on one resource.
#[derive(Debug, Clone)]
pub struct Cx {
    /// AWS.
    pub aws: Arc<Aws>,
    /// Which resource.
    pub urn: Urn,
    /// Set when the user breaks off.
    pub cancel: CancellationToken,
    /// When the operation's time is up.
    pub until: Instant,
    /// The mark that a creation carries until the state is safe.
    pub mark: String,
    /// The same for every try of one creation: AWS answers what the first one made.
    pub client_token: String,
    /// What this operation has begun and AWS ends later.
    pub begun: Begun,
    /// Where messages go.
    pub log: Log,
}

/// The ids of the updates that an operation has begun: how they end is told by nothing else that `read` sees.
#[derive(Debug, Clone, Default)]
pub struct Begun(Arc<Mutex<Begins>>);

#[derive(Debug, Default)]
struct Begins {
    ids: Vec<String>,
    count: usize,
}

impl Begun {
    /// Notes an update.
    pub fn note(&self, id: impl Into<String>) {
        let mut begins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        begins.ids.push(id.into());
        begins.count += 1;
    }

    /// Forgets one that has ended.
    pub fn forget(&self, id: &str) {
        let mut begins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        begins.ids.retain(|begun| begun != id);
    }

    /// Those that are not known to have ended.
    pub fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ids.clone()
    }

    /// How many there have been.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}

impl Cx {
    /// EC2 for calls that may be made twice.
    pub fn ec2(&self) -> &aws_sdk_ec2::Client {
        &self.aws.ec2
    }

    /// EC2 for creations: each call is sent once, and a lost answer is recovered by the engine.
    pub fn ec2_once(&self) -> &aws_sdk_ec2::Client {
        &self.aws.ec2_once
    }

    /// EKS.
    pub fn eks(&self) -> &aws_sdk_eks::Client {
        &self.aws.eks
    }

    /// IAM.
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        &self.aws.iam
    }

    /// KMS for calls that may be made twice.
    pub fn kms(&self) -> &aws_sdk_kms::Client {
        &self.aws.kms
    }

    /// KMS for creations of keys: each call is sent once.
    pub fn kms_once(&self) -> &aws_sdk_kms::Client {
        &self.aws.kms_once
    }

    /// CloudWatch Logs.
    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        &self.aws.logs
    }

    /// An idempotency token for the next update: the same when its answer is lost and it is asked for again.
    pub fn update_token(&self) -> String {
        format!("{}-{}", self.client_token, self.begun.count())
    }

    /// The user's tags and our mark, for the create call itself.
    pub fn tag_specification(&self, kind: ResourceType, tags: Option<&Tags>) -> TagSpecification {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let user = tags.into_iter().flatten().map(|(key, value)| tag(key, value));
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(user.chain([tag(PENDING, &self.mark)]).collect()))
            .build()
    }

    /// Shows how a long wait is going; the line is replaced by the next.
    pub fn status(&self, what: &str, since: Duration) {
        self.log.status(&self.urn, format!("{what} {}", human(since)));
    }

    /// Tells the user something that stays on the screen.
    pub fn warn(&self, message: impl Into<String>) {
        self.log.warn(Some(&self.urn), message.into());
    }
}
