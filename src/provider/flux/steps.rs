//! The steps of a bootstrap: where it stands, and what comes next.

use groundwork_contract::flux::{BootstrapInputs, Stage};
use serde_json::{Value as Json, json};

use super::{
    objects::{
        self, MANAGER, NAME, OURS, RECORD, account_path, binding_path, job_path, marker_path, namespace_path,
        secret_path,
    },
    record::{Record, redacted},
    suspend::resume,
};
use crate::{
    error::{Error, Gone, Result},
    kubernetes::{Cluster, text},
};

/// The content type of a server-side apply. JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";
/// The content type of a patch that leaves alone what it does not name.
const MERGE: &str = "application/merge-patch+json";

/// What of a bootstrap is in the cluster.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The Job's namespace.
    pub(super) namespace: Option<Json>,
    /// The Job.
    pub(super) job: Option<Json>,
    /// What was done before.
    pub(super) marker: Option<Json>,
}

impl World {
    /// Looks.
    pub(super) async fn look(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> Result<Self> {
        let namespace = cluster.get(&namespace_path(inputs)).await?;
        let job = cluster.get(&job_path(inputs)).await?;
        let marker = cluster.get(&marker_path(&inputs.flux_namespace)).await?;
        Ok(Self {
            // Somebody else's of the same name is nothing of this.
            namespace: namespace.filter(is_ours),
            job,
            marker,
        })
    }

    /// Whether there is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.namespace.is_none() && self.marker.is_none()
    }

    /// What was done before.
    pub(super) fn done(&self) -> Option<Record> {
        self.marker
            .as_ref()?
            .pointer("/data/record")
            .and_then(Json::as_str)
            .and_then(Record::parse)
    }

    /// When it was done.
    pub(super) fn completed_at(&self) -> Option<String> {
        let text = self.marker.as_ref()?.pointer("/data/completedAt")?.as_str()?;
        Some(text.to_owned())
    }

    /// Where it stands.
    pub(super) fn stage(&self, desired: &Record) -> Stage {
        if self.namespace.as_ref().is_some_and(is_leaving) || self.job.as_ref().is_some_and(is_leaving) {
            return Stage::Leaving;
        }
        if self.done().is_some_and(|done| done.covers(desired)) {
            return if self.namespace.is_some() {
                Stage::Completed
            } else {
                Stage::Done
            };
        }
        let Some(job) = self.job.as_ref().filter(|job| runs_with(job, desired)) else {
            return Stage::Open;
        };
        if condition(job, "Complete").is_some() {
            Stage::Completed
        } else if condition(job, "Failed").is_some() {
            Stage::Failed
        } else if job.pointer("/spec/suspend") == Some(&Json::Bool(true)) {
            // Broken off before all that it needs was there.
            Stage::Open
        } else {
            Stage::Running
        }
    }
}

fn is_ours(namespace: &Json) -> bool {
    let labels = namespace.pointer("/metadata/labels");
    labels.is_some_and(|labels| labels.get(OURS).is_some())
}

fn is_leaving(object: &Json) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

fn runs_with(job: &Json, desired: &Record) -> bool {
    let annotations = job.pointer("/metadata/annotations");
    let record = annotations
        .and_then(|annotations| annotations.get(RECORD))
        .and_then(Json::as_str);
    record.and_then(Record::parse).as_ref() == Some(desired)
}

fn condition<'a>(job: &'a Json, kind: &str) -> Option<&'a Json> {
    let conditions = job.pointer("/status/conditions").and_then(Json::as_array)?;
    conditions.iter().find(|condition| {
        let is = |key: &str, word: &str| condition.get(key).and_then(Json::as_str) == Some(word);
        is("type", kind) && is("status", "True")
    })
}

/// Success where a thing is gone already.
pub(super) fn or_gone<T>(result: Result<T>) -> Result<()> {
    result.or_gone().map(drop)
}

/// Takes the step that is open, if there is one.
pub(super) async fn advance(cluster: &Cluster<'_>, inputs: &BootstrapInputs, desired: &Record) -> Result<()> {
    let world = World::look(cluster, inputs).await?;
    match world.stage(desired) {
        Stage::Open => start(cluster, inputs, desired, &world).await,
        Stage::Completed => finish(cluster, inputs, desired, &world).await,
        Stage::Failed => Err(give_up(cluster, inputs, &world).await?),
        Stage::Running | Stage::Leaving | Stage::Done => Ok(()),
    }
}

/// Makes the Job's namespace, which is the first thing that can be found again.
pub(super) async fn claim(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> Result<Json> {
    let path = namespace_path(inputs);
    if let Some(found) = cluster.get(&path).await? {
        if !is_ours(&found) {
            return Err(Error::Invalid(format!(
                "namespace {} exists, and is not this bootstrap's to delete; choose another by namespace",
                inputs.namespace
            )));
        }
        if is_leaving(&found) {
            return Err(Error::Pending(format!("namespace {} still goes", inputs.namespace)));
        }
    }
    apply(cluster, &path, &objects::namespace(inputs)).await
}

async fn apply(cluster: &Cluster<'_>, path: &str, object: &Json) -> Result<Json> {
    let query = format!("{path}?fieldManager={MANAGER}&force=true");
    cluster.patch(&query, APPLY, object).await
}

fn uid(object: &Json) -> Result<&str> {
    let uid = object.pointer("/metadata/uid").and_then(Json::as_str);
    uid.ok_or_else(|| Error::Bug("an object of the API server's has no uid".to_owned()))
}

async fn start(cluster: &Cluster<'_>, inputs: &BootstrapInputs, desired: &Record, world: &World) -> Result<()> {
    if let Some(job) = &world.job
        && !runs_with(job, desired)
    {
        or_gone(cluster.delete(&job_path(inputs)).await)?;
        return Err(Error::Pending("ending the bootstrap before this one".to_owned()));
    }
    let namespace = claim(cluster, inputs).await?;
    let job = match &world.job {
        Some(job) => job.clone(),
        None => apply(cluster, &job_path(inputs), &objects::job(inputs, desired)?).await?,
    };
    let (job, namespace) = (uid(&job)?, uid(&namespace)?);
    // The Job is there before what it owns: whatever happens from here on, they go with it.
    apply(cluster, &account_path(inputs), &objects::account(inputs, job)).await?;
    apply(cluster, &secret_path(inputs), &objects::secret(inputs, job)).await?;
    apply(cluster, &binding_path(inputs), &objects::binding(inputs, namespace)).await?;
    resume(cluster).await?;
    let go = json!({"spec": {"suspend": false}});
    cluster.patch(&job_path(inputs), MERGE, &go).await.map(drop)
}

async fn finish(cluster: &Cluster<'_>, inputs: &BootstrapInputs, desired: &Record, world: &World) -> Result<()> {
    // What is dangerous first; the Job still says that it is done.
    or_gone(cluster.delete(&binding_path(inputs)).await)?;
    or_gone(cluster.delete(&secret_path(inputs)).await)?;
    if !world.done().is_some_and(|done| done.covers(desired)) {
        let job = world.job.as_ref();
        let at = job
            .and_then(|job| job.pointer("/status/completionTime"))
            .and_then(Json::as_str);
        let marker = objects::marker(inputs, desired, at.unwrap_or_default())?;
        apply(cluster, &marker_path(&inputs.flux_namespace), &marker).await?;
    }
    or_gone(cluster.delete(&namespace_path(inputs)).await)
}

/// Takes the Job away, with what it was given, and says why it failed. The namespace stays, for the next try.
async fn give_up(cluster: &Cluster<'_>, inputs: &BootstrapInputs, world: &World) -> Result<Error> {
    let failed = world.job.as_ref().and_then(|job| condition(job, "Failed"));
    let said = |key: &str| {
        let text = failed.and_then(|failed| failed.get(key)).and_then(Json::as_str);
        text.unwrap_or_default()
    };
    let words = last_words(cluster, inputs).await;
    let text = format!(
        "flux bootstrap failed ({}: {}){words}\n  do        mend it and run `pulumi up` again: it is tried anew",
        said("reason"),
        said("message"),
    );
    or_gone(cluster.delete(&binding_path(inputs)).await)?;
    or_gone(cluster.delete(&job_path(inputs)).await)?;
    Ok(Error::Invalid(redacted(&text, inputs)))
}

/// Takes away all that a bootstrap made for itself, if it is ours.
pub(super) async fn clear(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> Result<()> {
    or_gone(cluster.delete(&binding_path(inputs)).await)?;
    let path = namespace_path(inputs);
    match cluster.get(&path).await? {
        Some(namespace) if is_ours(&namespace) && !is_leaving(&namespace) => or_gone(cluster.delete(&path).await),
        _ => Ok(()),
    }
}

async fn pods(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> Result<Vec<Json>> {
    let path = format!(
        "{}/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3D{NAME}",
        namespace_path(inputs)
    );
    let listed = cluster.get(&path).await?.unwrap_or_default();
    let mut pods: Vec<Json> = listed
        .get("items")
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    pods.sort_by_key(|pod| text(pod, "/metadata/creationTimestamp").to_owned());
    Ok(pods)
}

/// How the Job's pod is, for whoever waits; nothing that cannot be told is worth an error.
pub(super) async fn detail(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> Option<String> {
    let pods = pods(cluster, inputs).await.ok()?;
    let pod = pods.last()?;
    Some(redacted(&pod_in_words(pod), inputs))
}

fn pod_in_words(pod: &Json) -> String {
    let name = text(pod, "/metadata/name");
    let phase = text(pod, "/status/phase");
    let waiting = pod.pointer("/status/containerStatuses/0/state/waiting");
    let unscheduled = || {
        let conditions = pod.pointer("/status/conditions").and_then(Json::as_array)?;
        conditions
            .iter()
            .find(|condition| text(condition, "/type") == "PodScheduled" && text(condition, "/status") == "False")
    };
    match waiting.or_else(unscheduled) {
        Some(why) => {
            let (reason, message) = (text(why, "/reason"), text(why, "/message"));
            let gap = if message.is_empty() { "" } else { ": " };
            format!("pod {name} waits ({reason}{gap}{message})")
        }
        None => format!("pod {name} is {}", phase.to_lowercase()),
    }
}

/// The last lines of the last pod that said any; else what Kubernetes says of them.
async fn last_words(cluster: &Cluster<'_>, inputs: &BootstrapInputs) -> String {
    let pods = pods(cluster, inputs).await.unwrap_or_default();
    for pod in pods.iter().rev() {
        let name = text(pod, "/metadata/name");
        let path = format!(
            "{}/pods/{name}/log?container={NAME}&tailLines=20&limitBytes=8192",
            namespace_path(inputs)
        );
        // The node may be gone; the last lines are in the pod's status as well.
        let log = cluster.text(&path).await.unwrap_or_default();
        let ended = text(pod, "/status/containerStatuses/0/state/terminated/message");
        let words = if log.trim().is_empty() { ended } else { &log };
        if !words.trim().is_empty() {
            return format!("; pod {name} said last:\n{}", words.trim_end());
        }
    }
    if let Some(pod) = pods.last() {
        return format!("; {}", pod_in_words(pod));
    }
    let path = format!("{}/events", namespace_path(inputs));
    let listed = cluster.get(&path).await.ok().flatten().unwrap_or_default();
    let events = listed.get("items").and_then(Json::as_array).into_iter().flatten();
    let mut warnings: Vec<String> = events
        .filter(|event| text(event, "/type") == "Warning")
        .map(|event| text(event, "/message").to_owned())
        .collect();
    warnings.dedup();
    let last: Vec<String> = warnings.into_iter().rev().take(3).collect();
    if last.is_empty() {
        String::new()
    } else {
        format!("; {}", last.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::record::tests::inputs, *};

    fn record(change: Json) -> Record {
        Record::of(&inputs(change), "salt").unwrap()
    }

    fn ours(leaving: bool) -> Json {
        let mut namespace = objects::namespace(&inputs(json!({})));
        if leaving {
            namespace["metadata"]["deletionTimestamp"] = json!("2026-11-25T10:00:00Z");
        }
        namespace
    }

    fn job(with: &Record, suspended: bool, ended: Option<&str>) -> Json {
        let mut job = objects::job(&inputs(json!({})), with).unwrap();
        job["spec"]["suspend"] = json!(suspended);
        if let Some(ended) = ended {
            job["status"] = json!({"conditions": [{"type": ended, "status": "True"}]});
        }
        job
    }

    #[test]
    fn each_step_follows_from_what_is_there() {
        let (desired, other) = (record(json!({})), record(json!({"token": "another"})));
        let stage = |namespace: Option<Json>, job: Option<Json>, done: Option<&Record>| {
            let marker = done.map(|done| objects::marker(&inputs(json!({})), done, "now").unwrap());
            World { namespace, job, marker }.stage(&desired)
        };
        let here = || Some(ours(false));
        assert_eq!(stage(None, None, None), Stage::Open);
        assert_eq!(stage(here(), None, None), Stage::Open, "broken off before the Job");
        assert_eq!(stage(here(), Some(job(&desired, true, None)), None), Stage::Open);
        assert_eq!(stage(here(), Some(job(&desired, false, None)), None), Stage::Running);
        assert_eq!(
            stage(here(), Some(job(&desired, false, Some("Complete"))), None),
            Stage::Completed
        );
        assert_eq!(
            stage(here(), Some(job(&desired, false, Some("Failed"))), None),
            Stage::Failed
        );
        assert_eq!(
            stage(here(), Some(job(&other, false, Some("Complete"))), None),
            Stage::Open,
            "an older one's"
        );
        assert_eq!(
            stage(here(), None, Some(&desired)),
            Stage::Completed,
            "broken off before it was cleared"
        );
        assert_eq!(stage(Some(ours(true)), None, Some(&desired)), Stage::Leaving);
        assert_eq!(stage(None, None, Some(&desired)), Stage::Done);
        assert_eq!(
            stage(None, None, Some(&other)),
            Stage::Open,
            "the token has changed since"
        );
    }

    #[test]
    fn a_namespace_of_somebody_elses_is_nothing_of_ours() {
        assert!(!is_ours(&json!({"metadata": {"labels": {"a": "b"}}})));
        assert!(is_ours(&ours(false)));
    }

    #[test]
    fn a_pod_that_waits_says_for_what() {
        let pull = json!({
            "metadata": {"name": "a"},
            "status": {
                "phase": "Pending",
                "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}],
            },
        });
        assert_eq!(pod_in_words(&pull), "pod a waits (ImagePullBackOff: no such image)");
        let nowhere = json!({
            "metadata": {"name": "a"},
            "status": {
                "phase": "Pending",
                "conditions": [{
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/2 nodes are available",
                }],
            },
        });
        assert_eq!(
            pod_in_words(&nowhere),
            "pod a waits (Unschedulable: 0/2 nodes are available)"
        );
        let runs = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        assert_eq!(pod_in_words(&runs), "pod a is running");
    }
}
