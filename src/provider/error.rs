//! Errors: what AWS said, sorted into what can be done about it.

use std::{error::Error as StdError, fmt, time::Duration};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is not there.
    Missing,
    /// It is there already.
    Exists,
    /// Something else still uses it.
    InUse,
    /// Something else is under way that has to end first.
    Busy,
    /// Too many calls: nothing happened, try later.
    Throttled,
    /// No usable answer: it may or may not have happened.
    Unclear,
    /// Nobody is there to ask: nothing happened.
    Unreachable,
    /// What it refers to cannot be seen yet.
    NotYet,
    /// These credentials may not.
    Denied,
    /// There are no credentials, or they are no longer good.
    Credentials,
    /// An account's quota is reached.
    Quota,
    /// AWS refuses the request as it stands.
    Invalid,
    /// It did not happen in time.
    Timeout,
    /// The user broke it off.
    Cancelled,
    /// It ended in a state that it cannot leave.
    Failed,
    /// AWS ended without it what it was asked for, and the thing is as it was.
    GivenUp,
    /// A mistake of ours.
    Bug,
}

/// An error of AWS, with all that support asks for.
#[derive(Debug)]
pub struct AwsFault {
    /// `ec2`.
    pub service: &'static str,
    /// `CreateNatGateway`.
    pub operation: &'static str,
    /// AWS's code, such as `DependencyViolation`; empty when no answer came.
    pub code: String,
    /// AWS's words.
    pub message: String,
    /// The request's id, when an answer came.
    pub request_id: Option<String>,
    /// What can be done about it.
    pub kind: Kind,
}

impl fmt::Display for AwsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            operation,
            code,
            message,
            request_id,
            kind: _,
        } = self;
        write!(f, "{service}:{operation} answered ")?;
        if code.is_empty() {
            write!(f, "nothing usable: {message}")?;
        } else {
            write!(f, "{code}: {message}")?;
        }
        match request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl StdError for AwsFault {}

/// An error of the provider. Display is a fragment; `rpc` adds the resource, once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS said no.
    #[error(transparent)]
    Aws(Box<AwsFault>),
    /// A cluster's API said no, or cannot be reached.
    #[error(transparent)]
    Kubernetes(Box<crate::kubernetes::KubernetesFault>),
    /// It did not happen in time.
    #[error("still {phase} after {}", crate::wait::human(*.waited))]
    Timeout {
        /// The last state that was seen.
        phase: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The user broke it off.
    #[error("broken off while {phase}")]
    Cancelled {
        /// The last state that was seen.
        phase: String,
    },
    /// Something has to end first; what it is, in one line, and what there is to say about it in further ones.
    #[error("{0}")]
    Pending(String),
    /// It ended in a state that it cannot leave.
    #[error("{0}")]
    Failed(String),
    /// AWS ended without it what it was asked for, and the thing is as it was.
    #[error("{0}")]
    GivenUp(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// No credentials, or none that may be used here.
    #[error("{0}")]
    Credentials(String),
    /// AWS answered something that its documentation rules out.
    #[error("{0}; please report this")]
    Bug(String),
}

/// What the provider's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What can be done about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Aws(fault) => fault.kind,
            Self::Kubernetes(fault) => fault.kind,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Cancelled { .. } => Kind::Cancelled,
            Self::Pending(_) => Kind::Busy,
            Self::Failed(_) => Kind::Failed,
            Self::GivenUp(_) => Kind::GivenUp,
            Self::Invalid(_) => Kind::Invalid,
            Self::Credentials(_) => Kind::Credentials,
            Self::Bug(_) => Kind::Bug,
        }
    }

    /// What AWS refused inside an answer that otherwise succeeded.
    pub fn refused(
        service: &'static str,
        operation: &'static str,
        code: &str,
        message: &str,
        request_id: Option<&str>,
    ) -> Self {
        Self::Aws(Box::new(AwsFault {
            service,
            operation,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: request_id.map(str::to_owned),
            // An empty code is no lost answer here.
            kind: if code.is_empty() {
                Kind::Invalid
            } else {
                classify(operation, code, message, 400)
            },
        }))
    }

    /// The same error of AWS with more words to it.
    #[must_use]
    pub fn adding(mut self, words: &str) -> Self {
        if let Self::Aws(fault) = &mut self {
            fault.message.push_str("; ");
            fault.message.push_str(words);
        }
        self
    }

    /// A property that AWS always sends is not there.
    pub fn lacks(what: &str) -> Self {
        Self::Bug(format!("AWS's answer has no {what}"))
    }
}

/// Turns an SDK's error into ours; the only place that looks inside one.
pub fn aws<E>(service: &'static str, operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    move |error| {
        let request_id = error.request_id().map(str::to_owned);
        let code = error.code().unwrap_or_default().to_owned();
        let (kind, message) = match &error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let message = error.message().unwrap_or("no reason given").to_owned();
                (classify(operation, &code, &message, status), message)
            }
            SdkError::ConstructionFailure(_) => (Kind::Bug, chain(&error)),
            SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => {
                (no_credentials(&error).unwrap_or(Kind::Unclear), chain(&error))
            }
            _ => (no_credentials(&error).unwrap_or(Kind::Unclear), chain(&error)),
        };
        Error::Aws(Box::new(AwsFault {
            service,
            operation,
            code,
            message,
            request_id,
            kind,
        }))
    }
}

/// Whether the request never left because nothing could sign it.
fn no_credentials(error: &(dyn StdError + 'static)) -> Option<Kind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            return Some(Kind::Credentials);
        }
        cause = error.source();
    }
    None
}

/// An error and what caused it, each once.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// The words in which EKS, and CloudWatch Logs of a key, say that they do not see, or not in full, what was just made: a role,
/// its trust policy, the policies attached to it, a principal, a subnet, a key and whom its policy lets in.
const UNSEEN: [&str; 8] = [
    "could not be assumed",
    "Trust Policy",
    "does not exist",
    "Error in role params",
    "Amazon EKS Managed Policies",
    "role's policy must include",
    "principalArn is invalid",
    "Access denied to KMS key",
];

/// Sorts AWS's codes. Source: EC2 API Reference, "Error codes"; IAM and STS, "Common Errors"; the errors of each operation
/// in the API references of EKS, IAM, KMS and CloudWatch Logs. Some codes mean several things: operation and words tell them apart.
fn classify(operation: &str, code: &str, message: &str, status: u16) -> Kind {
    match code {
        // EKS: a name that is taken, or something else that is under way.
        "ResourceInUseException" => {
            // An access entry that is there is "already in use".
            let taken = message.contains("already exist") || operation == "CreateAccessEntry";
            if operation.starts_with("Create") && taken {
                Kind::Exists
            } else if operation.starts_with("Delete") && operation != "DeleteFargateProfile" {
                Kind::InUse
            } else {
                Kind::Busy
            }
        }
        // Of a cluster that is updated just now.
        "InvalidRequestException" if message.contains("is not in ACTIVE status") => Kind::Busy,
        // IAM answers from several copies: a role that was just made cannot be assumed, nor named as a principal, at once.
        "InvalidParameterException" | "InvalidParameterValueException" | "InvalidRequestException"
            if UNSEEN.iter().any(|words| message.contains(words)) =>
        {
            Kind::NotYet
        }
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" if message.contains("nvalid principal") => {
            Kind::NotYet
        }
        // A key that is on its way out can be used for nothing any more.
        "KMSInvalidStateException" if message.contains("pending deletion") => Kind::Missing,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "Client.RequestLimitExceeded" => Kind::Throttled,
        "DependencyViolation"
        | "InvalidIPAddress.InUse"
        | "InvalidGroup.InUse"
        | "ResourceInUse"
        | "DeleteConflict"
        | "InvalidAddress.InUse" => Kind::InUse,
        "ConcurrentModification" | "OperationAbortedException" => Kind::Busy,
        "NatGatewayNotFound"
        | "NoSuchEntity"
        | "ResourceNotFoundException"
        | "NotFoundException"
        | "InvalidLaunchTemplateName.NotFoundException"
        | "Gateway.NotAttached" => Kind::Missing,
        "RouteAlreadyExists"
        | "Resource.AlreadyAssociated"
        | "InvalidPermission.Duplicate"
        | "InvalidGroup.Duplicate"
        | "EntityAlreadyExists"
        | "ResourceAlreadyExistsException"
        | "AlreadyExistsException"
        | "InvalidLaunchTemplateName.AlreadyExistsException"
        | "FlowLogAlreadyExists" => Kind::Exists,
        "UnauthorizedOperation" | "AccessDenied" | "NotAuthorized" | "AccessDeniedException" | "OptInRequired" => {
            Kind::Denied
        }
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidAccessKeyId" => Kind::Credentials,
        _ if code.ends_with(".NotFound") => Kind::Missing,
        _ if code.ends_with("LimitExceeded") || code.ends_with("LimitExceededException") => Kind::Quota,
        _ if status == 429 => Kind::Throttled,
        _ if status >= 500 || code.is_empty() => Kind::Unclear,
        _ => Kind::Invalid,
    }
}

/// Makes "not found" a value, and leaves every other error an error.
pub trait Gone<T> {
    /// `None` when AWS says that it is not there.
    fn or_gone(self) -> Result<Option<T>>;
}

impl<T> Gone<T> for Result<T> {
    fn or_gone(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == Kind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("InvalidVpcID.NotFound", 400, Kind::Missing),
            ("NatGatewayNotFound", 400, Kind::Missing),
            ("RequestLimitExceeded", 503, Kind::Throttled),
            ("VpcLimitExceeded", 400, Kind::Quota),
            ("DependencyViolation", 400, Kind::InUse),
            ("UnauthorizedOperation", 403, Kind::Denied),
            ("RequestExpired", 400, Kind::Credentials),
            ("InternalError", 500, Kind::Unclear),
            ("", 200, Kind::Unclear),
            ("InvalidParameterValue", 400, Kind::Invalid),
        ] {
            assert_eq!(classify("DescribeVpcs", code, "", status), kind, "{code}");
        }
    }

    #[test]
    fn a_code_with_several_meanings_is_told_apart_by_operation_and_words() {
        for (operation, code, message, kind) in [
            (
                "CreateCluster",
                "ResourceInUseException",
                "Cluster already exists with name: a",
                Kind::Exists,
            ),
            (
                "CreateFargateProfile",
                "ResourceInUseException",
                "Cannot create Fargate Profile b because cluster a currently has Fargate profile c in status DELETING",
                Kind::Busy,
            ),
            (
                "DeleteFargateProfile",
                "ResourceInUseException",
                "Cannot delete Fargate Profile b because cluster a currently has Fargate profile c in status DELETING",
                Kind::Busy,
            ),
            (
                "CreateAccessEntry",
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
                Kind::Exists,
            ),
            (
                "CreateNodegroup",
                "InvalidRequestException",
                "Cluster 'a' is not in ACTIVE status",
                Kind::Busy,
            ),
            (
                "DeleteCluster",
                "ResourceInUseException",
                "Cluster has nodegroups attached",
                Kind::InUse,
            ),
            (
                "CreateCluster",
                "InvalidParameterException",
                "Role with arn: r, could not be assumed because it does not exist",
                Kind::NotYet,
            ),
            (
                "CreateRole",
                "MalformedPolicyDocument",
                "Invalid principal in policy",
                Kind::NotYet,
            ),
            (
                "ScheduleKeyDeletion",
                "KMSInvalidStateException",
                "arn:aws:kms:eu-central-1:111122223333:key/k is pending deletion.",
                Kind::Missing,
            ),
            (
                "EnableKeyRotation",
                "KMSInvalidStateException",
                "arn:aws:kms:eu-central-1:111122223333:key/k is disabled.",
                Kind::Invalid,
            ),
            (
                "CreateRole",
                "MalformedPolicyDocument",
                "Syntax errors in policy.",
                Kind::Invalid,
            ),
        ] {
            assert_eq!(classify(operation, code, message, 400), kind, "{operation}: {message}");
        }
    }

    #[test]
    fn what_is_new_in_iam_and_kms_is_not_seen_yet() {
        for (operation, message) in [
            (
                "CreateCluster",
                "roleArn, arn:aws:iam::111122223333:role/r, does not exist",
            ),
            ("CreateCluster", "Error in role params"),
            (
                "CreateCluster",
                "The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the following \
                 policy is attached: arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
            ),
            (
                "CreateCluster",
                "IAM role's policy must include the `ec2:DescribeSubnets` action",
            ),
            (
                "CreateCluster",
                "Access denied to KMS key arn:aws:kms:eu-central-1:111122223333:key/k due to explicit deny policy or revoked \
                 grant",
            ),
            (
                "CreateAccessEntry",
                "The specified principalArn is invalid: invalid principal.",
            ),
            (
                "CreatePodIdentityAssociation",
                "Role provided in the request does not exist.",
            ),
            (
                "CreateFargateProfile",
                "Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com Service Principal",
            ),
        ] {
            let kind = classify(operation, "InvalidParameterException", message, 400);
            assert_eq!(kind, Kind::NotYet, "{operation}: {message}");
        }
        let other = classify("CreateCluster", "InvalidParameterException", "unsupported version", 400);
        assert_eq!(other, Kind::Invalid);
    }

    #[test]
    fn denied_is_not_gone() {
        let fault = |kind| {
            Error::Aws(Box::new(AwsFault {
                service: "ec2",
                operation: "DescribeVpcs",
                code: "x".into(),
                message: "y".into(),
                request_id: None,
                kind,
            }))
        };
        assert!(Err::<(), _>(fault(Kind::Missing)).or_gone().unwrap().is_none());
        assert!(Err::<(), _>(fault(Kind::Denied)).or_gone().is_err());
        assert!(Err::<(), _>(fault(Kind::Unclear)).or_gone().is_err());
    }
}
