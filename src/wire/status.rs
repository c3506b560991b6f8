//! Errors that carry a message of the protocol: gRPC's rich error model, in `grpc-status-details-bin`.

use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};

use crate::{
    google,
    proto::{ConfigureErrorMissingKeys, ErrorResourceInitFailed, configure_error_missing_keys::MissingKey},
};

const INIT_FAILED: &str = "type.googleapis.com/pulumirpc.ErrorResourceInitFailed";
const MISSING_KEYS: &str = "type.googleapis.com/pulumirpc.ConfigureErrorMissingKeys";

/// The resource exists and is not what it should be (yet): the engine keeps its id and state, marks it, and goes on with
/// an update the next time.
///
/// The engine shows the reasons and not the message. `Internal`, `DataLoss` and `Unknown` make it doubt the state:
/// prefer `FailedPrecondition`, `Unavailable`, `DeadlineExceeded` or `Cancelled`.
pub fn init_failed_status(code: Code, message: &str, detail: &ErrorResourceInitFailed) -> Status {
    with_detail(code, message, INIT_FAILED, detail)
}

/// What [`init_failed_status`] put in.
pub fn init_failed(status: &Status) -> Option<ErrorResourceInitFailed> {
    detail(status, INIT_FAILED)
}

/// A provider's configuration lacks these keys (name, description).
pub fn missing_keys_status<'a>(message: &str, keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Status {
    let missing_keys = keys
        .into_iter()
        .map(|(name, description)| MissingKey {
            name: name.to_owned(),
            description: description.to_owned(),
        })
        .collect();
    with_detail(
        Code::InvalidArgument,
        message,
        MISSING_KEYS,
        &ConfigureErrorMissingKeys { missing_keys },
    )
}

/// What [`missing_keys_status`] put in.
pub fn missing_keys(status: &Status) -> Option<ConfigureErrorMissingKeys> {
    detail(status, MISSING_KEYS)
}

fn with_detail(code: Code, message: &str, type_url: &str, detail: &impl Message) -> Status {
    let details = vec![Any {
        type_url: type_url.to_owned(),
        value: detail.encode_to_vec(),
    }];
    let rich = google::Status {
        code: code.into(),
        message: message.to_owned(),
        details,
    };
    Status::with_details(code, message, rich.encode_to_vec().into())
}

fn detail<M: Message + Default>(status: &Status, type_url: &str) -> Option<M> {
    let rich = google::Status::decode(status.details()).ok()?;
    let any = rich.details.iter().find(|any| any.type_url == type_url)?;
    M::decode(any.value.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn an_init_failure_reads_back() {
        let properties = codec::to_struct(&[("arn".to_owned(), "arn:aws:eks".into())].into());
        let detail = ErrorResourceInitFailed {
            id: "main".to_owned(),
            properties: Some(properties.clone()),
            reasons: vec!["still creating".to_owned()],
            inputs: Some(properties),
            refresh_before_update: true,
        };
        let status = init_failed_status(Code::DeadlineExceeded, "create failed", &detail);
        assert_eq!(
            (status.code(), status.message()),
            (Code::DeadlineExceeded, "create failed")
        );
        assert_eq!(init_failed(&status), Some(detail));
        assert_eq!(missing_keys(&status), None);
    }

    #[test]
    fn missing_keys_read_back() {
        let status = missing_keys_status("not configured", [("region", "which region"), ("profile", "")]);
        let keys = missing_keys(&status).unwrap().missing_keys;
        assert_eq!(
            keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(),
            ["region", "profile"]
        );
        assert_eq!(init_failed(&status), None);
    }

    #[test]
    fn a_status_without_details_carries_nothing() {
        assert_eq!(init_failed(&Status::not_found("gone")), None);
        assert_eq!(
            init_failed(&Status::with_details(Code::NotFound, "", vec![0xff, 0xff].into())),
            None
        );
    }
}
