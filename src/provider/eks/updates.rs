//! Updates: EKS makes one change of a cluster at a time, tells later how it ended, and keeps the reason with the update.

use aws_sdk_eks::types::{Update, UpdateStatus};

use crate::{
    cx::Cx,
    error::{Error, Gone, Result, aws},
};

/// What an update is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// The cluster.
    Cluster,
    /// One of its node groups, by name.
    Nodegroup(&'a str),
    /// One of its addons, by name.
    Addon(&'a str),
}

/// Notes an update that this operation has begun.
pub(crate) fn begin(cx: &Cx, update: Option<&Update>) {
    if let Some(id) = update.and_then(Update::id) {
        cx.begun.note(id);
    }
}

/// What EKS is still doing of what this operation has begun. Of anything else the status of the thing itself tells.
///
/// # Errors
/// It has failed: with EKS's own reasons.
async fn under_way(cx: &Cx, cluster: &str, of: Of<'_>) -> Result<Option<String>> {
    for id in cx.begun.ids() {
        let call = cx.eks().describe_update().name(cluster).update_id(&id);
        let call = match of {
            Of::Cluster => call,
            Of::Nodegroup(name) => call.nodegroup_name(name),
            Of::Addon(name) => call.addon_name(name),
        };
        let answer = call.send().await.map_err(aws("eks", "DescribeUpdate")).or_gone()?;
        let Some(update) = answer.and_then(|answer| answer.update) else {
            // Gone with what it was of.
            cx.begun.forget(&id);
            continue;
        };
        match update.status() {
            Some(UpdateStatus::InProgress) => return Ok(Some(kind(&update).to_owned())),
            Some(UpdateStatus::Failed | UpdateStatus::Cancelled) => {
                // Told once: who goes on all the same is not held up by it.
                cx.begun.forget(&id);
                return Err(Error::GivenUp(reason(&update)));
            }
            _ => cx.begun.forget(&id),
        }
    }
    Ok(None)
}

/// The status of something that can be updated. It follows an update with some delay, and knows nothing of how that ended.
///
/// # Errors
/// As of [`under_way`].
pub(crate) async fn status(cx: &Cx, cluster: &str, of: Of<'_>, shown: &str) -> Result<String> {
    let settled = matches!(shown, "ACTIVE" | "DEGRADED" | "UPDATE_FAILED");
    let updating = settled && under_way(cx, cluster, of).await?.is_some();
    Ok(if updating { "UPDATING" } else { shown }.to_owned())
}

fn kind(update: &Update) -> &str {
    update.r#type().map_or("update", |kind| kind.as_str())
}

/// Why an update failed, in EKS's words.
fn reason(update: &Update) -> String {
    let errors: Vec<String> = update
        .errors()
        .iter()
        .map(|error| {
            let code = error.error_code().map_or("Unknown", |code| code.as_str());
            let about = match error.resource_ids() {
                [] => String::new(),
                ids => format!(" ({})", ids.join(", ")),
            };
            format!(
                "{code}: {}{about}",
                error.error_message().unwrap_or("EKS gives no reason")
            )
        })
        .collect();
    let status = update.status().map_or("Failed", UpdateStatus::as_str);
    let errors = match errors.as_slice() {
        [] => "EKS gives no reason".to_owned(),
        errors => errors.join("; "),
    };
    format!("EKS ended its {} as {status}: {errors}", kind(update))
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{ErrorCode, ErrorDetail, UpdateType};

    use super::*;

    #[test]
    fn a_failed_update_tells_ekss_own_reason() {
        let detail = ErrorDetail::builder()
            .error_code(ErrorCode::IpNotAvailable)
            .error_message("no free addresses")
            .resource_ids("subnet-0a")
            .build();
        let update = Update::builder()
            .r#type(UpdateType::VersionUpdate)
            .status(UpdateStatus::Failed)
            .errors(detail)
            .build();
        assert_eq!(
            reason(&update),
            "EKS ended its VersionUpdate as Failed: IpNotAvailable: no free addresses (subnet-0a)"
        );
        let silent = Update::builder().status(UpdateStatus::Cancelled).build();
        assert_eq!(
            reason(&silent),
            "EKS ended its update as Cancelled: EKS gives no reason"
        );
    }
}
