//! A Helm release.

use groundwork_contract::{
    helm::{ChartSource, Release, ReleaseArgs, ReleaseId, ReleaseInputs, ReleaseOutputs},
    kubernetes::Connection,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::runner::{Ended, Handed, helm};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result},
    kubernetes::{KubernetesFault, described, items, kubeconfig, out_of_reach, text, token::token},
    resource::{Created, Finding, Live, Recovery, Resource, State, Timeouts},
};

impl Resource for Release {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;
    /// Its name is its identity: two of it cannot be.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &ReleaseInputs) -> Result<Created<Self>> {
        let found = status(cx, &inputs.connection, &inputs.namespace, &inputs.name).await?;
        if let Some(found) = &found
            && text(found, "/info/status") == "deployed"
        {
            return Err(fault(
                inputs,
                Kind::Exists,
                format!(
                    "a release {} exists already in namespace {}",
                    inputs.name, inputs.namespace
                ),
                "take it over (`pulumi import groundwork:helm:Release <name> <cluster>/<namespace>/<name>`), or remove it",
            ));
        }
        recover(cx, inputs, found.as_ref()).await?;
        let id = id(inputs)?;
        match upgrade(cx, inputs).await {
            Ok(()) => Ok(Created::new(id)),
            // What is under way is somebody else's.
            Err(error) if error.kind() == Kind::Busy => Err(error),
            Err(error) => match has_begun(cx, inputs).await {
                Ok(true) => Ok(Created {
                    trouble: Some(error),
                    ..Created::new(id)
                }),
                Err(unknown) if error.kind() == Kind::Invalid => Err(unknown),
                Ok(false) | Err(_) => Err(error),
            },
        }
    }

    async fn read(cx: &Cx, id: &ReleaseId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let connection = match last {
            Some(last) => last.inputs.connection.clone(),
            None => match described(cx, id.cluster()).await? {
                Some(connection) => connection,
                None => return Ok(None),
            },
        };
        let asked = status(cx, &connection, id.namespace(), id.name()).await.or_gone();
        let Some(found) = unless_its_cluster_is_gone(cx, id, asked).await?.flatten().flatten() else {
            return Ok(None);
        };
        let about = metadata(cx, &connection, id.namespace(), id.name()).await?;
        let outputs = outputs(&found, &about);
        let values = found.get("config").filter(|values| !empty(values)).cloned();
        let inputs = match last {
            Some(last) => as_written(&last.inputs, connection, values, &outputs),
            None => ReleaseInputs {
                connection,
                name: id.name().to_owned(),
                namespace: id.namespace().to_owned(),
                create_namespace: false,
                chart: outputs.chart_name.clone(),
                repository: None,
                version: Some(outputs.chart_version.clone()),
                values,
                skip_crds: false,
                hooks: false,
                timeout: "5m0s".to_owned(),
            },
        };
        Ok(Some(Live {
            inputs,
            outputs,
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &ReleaseId, _old: &State<Self>, new: &ReleaseInputs) -> Result<()> {
        let found = status(cx, &new.connection, &new.namespace, &new.name).await?;
        recover(cx, new, found.as_ref()).await?;
        upgrade(cx, new).await
    }

    async fn delete(cx: &Cx, id: &ReleaseId, state: &State<Self>) -> Result<()> {
        let ReleaseInputs {
            connection,
            hooks,
            timeout,
            ..
        } = &state.inputs;
        let mut arguments = words(&[
            "uninstall",
            id.name(),
            "--namespace",
            id.namespace(),
            "--timeout",
            timeout,
        ]);
        arguments.push("--ignore-not-found".to_owned());
        if !hooks {
            arguments.push("--no-hooks".to_owned());
        }
        let ended = on_cluster(cx, connection, &arguments, None).await;
        let ended = ended.and_then(|ended| succeeded("uninstall", ended));
        unless_its_cluster_is_gone(cx, id, ended).await.map(drop)
    }

    /// What ended badly, or was never ended, is upgraded once more; deleting it for that would take away what runs.
    fn unfinished(live: &Live<Self>) -> Option<&'static str> {
        (live.outputs.status != "deployed").then_some("values")
    }

    async fn find(cx: &Cx, inputs: &ReleaseInputs) -> Result<Option<ReleaseId>> {
        let id = id(inputs)?;
        let state = State {
            inputs: inputs.clone(),
            outputs: None,
            facts: (),
        };
        let live = Self::read(cx, &id, Some(&state)).await?;
        // Chart, version and values are what an earlier try of ours would have installed.
        Ok(live.filter(|live| live.inputs == *inputs).map(|_| id))
    }

    async fn foresee(cx: &Cx, inputs: &ReleaseArgs) -> Result<Vec<Finding>> {
        let mut findings = out_of_reach(cx, &inputs.connection).await;
        findings.extend(refusal(cx, inputs).await?);
        Ok(findings)
    }
}

/// What the chart says of the values, where it is here.
async fn refusal(cx: &Cx, inputs: &ReleaseArgs) -> Result<Option<Finding>> {
    let (Some(chart), Some(name), Some(namespace)) = (
        inputs.chart.known(),
        inputs.name.known(),
        inputs
            .namespace
            .as_ref()
            .map_or_else(|| Some("default".to_owned()), groundwork_contract::Input::known),
    ) else {
        return Ok(None);
    };
    let values = match &inputs.values {
        None => json!({}),
        // A chart cannot be asked about what is not known yet.
        Some(values) => match values.known() {
            Some(values) => values,
            None => return Ok(None),
        },
    };
    // What is not here would have to be fetched, which is for the creation to do.
    if ChartSource::of(&chart, inputs.repository.is_some()) != ChartSource::Local {
        return Ok(None);
    }
    let arguments = words(&["template", &name, &chart, "--namespace", &namespace, "--no-hooks"]);
    let values = Handed {
        option: "--values",
        content: &values,
    };
    let ended = match helm(cx, &arguments, &[values]).await {
        Ok(ended) => ended,
        Err(Error::Invalid(message)) => {
            return Ok(Some(Finding {
                property: None,
                message,
                fatal: false,
            }));
        }
        Err(error) => return Err(error),
    };
    let Err(error) = succeeded("template", ended) else {
        return Ok(None);
    };
    let message = error.to_string();
    // A chart may ask for the cluster's version and kinds, and those are what they will be by then: definitions may
    // come in the same run. A schema asks for values alone.
    let fatal = message.contains(OF_THE_SCHEMA);
    let message = if fatal {
        message
    } else {
        format!(
            "{message}\n  (said without the cluster: a chart that asks for its version or kinds may say otherwise then)"
        )
    };
    Ok(Some(Finding {
        property: Some("values"),
        message,
        fatal,
    }))
}

/// How helm begins what a chart's schema refuses.
const OF_THE_SCHEMA: &str = "values don't meet the specifications";

fn id(inputs: &ReleaseInputs) -> Result<ReleaseId> {
    let ReleaseInputs {
        connection,
        namespace,
        name,
        ..
    } = inputs;
    format!("{}/{namespace}/{name}", connection.cluster_name)
        .parse()
        .map_err(|error| Error::Invalid(format!("{error}")))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn fault(inputs: &ReleaseInputs, kind: Kind, message: String, advice: &str) -> Error {
    Error::Kubernetes(Box::new(KubernetesFault {
        cluster: inputs.connection.cluster_name.clone(),
        request: "helm upgrade --install".to_owned(),
        code: 0,
        reason: String::new(),
        message,
        kind,
        advice: Some(advice.to_owned()),
    }))
}

/// What helm answered; nothing where it failed because the cluster is gone, which takes its releases along. Helm itself says
/// only that it does not reach it.
async fn unless_its_cluster_is_gone<T>(cx: &Cx, id: &ReleaseId, answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match described(cx, id.cluster()).await {
            Ok(None) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Runs helm with the cluster's API, once that answers.
async fn on_cluster(cx: &Cx, connection: &Connection, arguments: &[String], values: Option<&Json>) -> Result<Ended> {
    cx.cluster(connection).answering().await?;
    let token = token(&cx.aws, &connection.cluster_name).await?;
    let config = kubeconfig(connection, token.reveal());
    let mut files = vec![Handed {
        option: "--kubeconfig",
        content: &config,
    }];
    if let Some(content) = values {
        files.push(Handed {
            option: "--values",
            content,
        });
    }
    helm(cx, arguments, &files).await
}

/// What helm answered; its own words where it failed, with ours beside them.
fn succeeded(verb: &str, ended: Ended) -> Result<String> {
    let Ended { success, out, words } = ended;
    if success {
        return Ok(out);
    }
    let said = words.trim().trim_start_matches("Error: ").to_owned();
    let hint = hint(&said).map(|hint| format!("\n  {hint}")).unwrap_or_default();
    Err(Error::Invalid(format!("helm {verb} says: {said}{hint}")))
}

fn hint(said: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 7] = [
        (
            "invalid ownership metadata",
            "something of that name is there and not this release's: remove it, or take it out of the chart",
        ),
        (
            OF_THE_SCHEMA,
            "the chart's schema refuses the values: the lines above name them",
        ),
        (
            "execution error at",
            "the chart refuses the values: its words above say which",
        ),
        (
            "no matches for kind",
            "a definition (CustomResourceDefinition) is missing: let this depend on what brings it",
        ),
        (
            "not found in",
            "look whether the repository has that chart in that version",
        ),
        (
            "401",
            "the registry or repository asks for a login: `helm registry login`",
        ),
        ("no such host", "this machine cannot reach the repository"),
    ];
    HINTS
        .iter()
        .find(|(words, _)| said.contains(words))
        .map(|(_, hint)| *hint)
}

/// A release as `helm status` tells it; `None` when there is none.
async fn status(cx: &Cx, connection: &Connection, namespace: &str, name: &str) -> Result<Option<Json>> {
    let arguments = words(&["status", name, "--namespace", namespace, "--output", "json"]);
    let ended = on_cluster(cx, connection, &arguments, None).await?;
    if !ended.success && ended.words.contains("release: not found") {
        return Ok(None);
    }
    json_of(&succeeded("status", ended)?).map(Some)
}

async fn metadata(cx: &Cx, connection: &Connection, namespace: &str, name: &str) -> Result<Json> {
    let arguments = words(&["get", "metadata", name, "--namespace", namespace, "--output", "json"]);
    let ended = on_cluster(cx, connection, &arguments, None).await?;
    json_of(&succeeded("get metadata", ended)?)
}

fn json_of(answer: &str) -> Result<Json> {
    serde_json::from_str(answer).map_err(|error| Error::Bug(format!("helm answers no JSON: {error}")))
}

fn outputs(found: &Json, about: &Json) -> ReleaseOutputs {
    let status = text(found, "/info/status").to_owned();
    let manifest = found.get("manifest").and_then(Json::as_str).unwrap_or_default();
    ReleaseOutputs {
        revision: found
            .get("version")
            .and_then(Json::as_u64)
            .and_then(|revision| revision.try_into().ok())
            .unwrap_or_default(),
        chart_name: text(about, "/chart").to_owned(),
        app_version: Some(text(about, "/appVersion").to_owned()).filter(|version| !version.is_empty()),
        chart_version: text(about, "/version").to_owned(),
        manifest_digest: hexadecimal(&Sha256::digest(manifest.as_bytes())),
        description: (status != "deployed").then(|| text(found, "/info/description").to_owned()),
        status,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What was asked for, in the user's own words where it is what there is.
fn as_written(
    asked: &ReleaseInputs,
    connection: Connection,
    values: Option<Json>,
    outputs: &ReleaseOutputs,
) -> ReleaseInputs {
    let given = asked.values.as_ref().filter(|values| !empty(values));
    let values = if given.map(numbers) == values.as_ref().map(numbers) {
        asked.values.clone()
    } else {
        values
    };
    // A `v` before the version is the same version.
    let plain = |version: &str| version.trim_start_matches('v').to_owned();
    let version = match &asked.version {
        Some(version) if plain(version) != plain(&outputs.chart_version) => Some(outputs.chart_version.clone()),
        version => version.clone(),
    };
    ReleaseInputs {
        connection,
        values,
        version,
        ..asked.clone()
    }
}

fn empty(values: &Json) -> bool {
    values.is_null() || values.as_object().is_some_and(serde_json::Map::is_empty)
}

/// One form for numbers that say the same: helm writes a whole number without a fraction.
fn numbers(values: &Json) -> Json {
    match values {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(items) => items.iter().map(numbers).collect(),
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), numbers(value))).collect(),
        other => other.clone(),
    }
}

/// Whether there is a record of the release. Not by helm, which is not run any more once the user has broken off.
async fn has_begun(cx: &Cx, inputs: &ReleaseInputs) -> Result<bool> {
    let ReleaseInputs {
        connection,
        namespace,
        name,
        ..
    } = inputs;
    let records = format!("/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{name}&limit=1");
    let found = cx.cluster(connection).get(&records).await?.unwrap_or_default();
    Ok(!items(&found, "/items").is_empty())
}

/// Makes way where a helm that was killed left a revision unfinished: nothing else ever ends it.
async fn recover(cx: &Cx, inputs: &ReleaseInputs, found: Option<&Json>) -> Result<()> {
    let Some(found) = found.filter(|found| text(found, "/info/status").starts_with("pending-")) else {
        return Ok(());
    };
    if !stale(text(found, "/info/last_deployed")) {
        return Err(fault(
            inputs,
            Kind::Busy,
            format!(
                "a helm is at work on release {} ({})",
                inputs.name,
                text(found, "/info/status")
            ),
            "wait until it has ended, then run the same command again",
        ));
    }
    let revision = found.get("version").and_then(Json::as_u64).unwrap_or_default();
    cx.log.info(
        Some(&cx.urn),
        format!(
            "revision {revision} was left unfinished ({}); it is made anew",
            text(found, "/info/status")
        ),
    );
    // What the revision made carries the release's name, and the next one takes it over.
    let secret = format!(
        "/api/v1/namespaces/{}/secrets/sh.helm.release.v1.{}.v{revision}",
        inputs.namespace, inputs.name
    );
    cx.cluster(&inputs.connection).delete(&secret).await.or_gone().map(drop)
}

/// Whether no helm can still be at work: it waits for nothing, and is done within seconds.
#[expect(clippy::disallowed_methods, reason = "helm writes down when it began, by the clock")]
fn stale(began: &str) -> bool {
    use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
    const LONGEST: u64 = 60;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    DateTime::from_str(began, DateTimeFormat::DateTimeWithOffset)
        .ok()
        .and_then(|began| u64::try_from(began.secs()).ok())
        .is_none_or(|began| now.saturating_sub(began) > LONGEST)
}

async fn upgrade(cx: &Cx, inputs: &ReleaseInputs) -> Result<()> {
    let ReleaseInputs {
        connection,
        name,
        namespace,
        create_namespace,
        chart,
        repository,
        version,
        values,
        skip_crds,
        hooks,
        timeout,
    } = inputs;
    let mut arguments = words(&[
        "upgrade",
        name,
        chart,
        "--install",
        "--reset-values",
        "--namespace",
        namespace,
    ]);
    arguments.extend(words(&["--timeout", timeout]));
    for (option, value) in [("--repo", repository), ("--version", version)] {
        if let Some(value) = value {
            arguments.extend(words(&[option, value]));
        }
    }
    for (flag, given) in [
        ("--create-namespace", *create_namespace),
        ("--skip-crds", *skip_crds),
        ("--no-hooks", !*hooks),
    ] {
        if given {
            arguments.push(flag.to_owned());
        }
    }
    let nothing = json!({});
    let ended = on_cluster(cx, connection, &arguments, Some(values.as_ref().unwrap_or(&nothing))).await?;
    if !ended.success
        && ended
            .words
            .contains("another operation (install/upgrade/rollback) is in progress")
    {
        return Err(fault(
            inputs,
            Kind::Busy,
            format!("a helm is at work on release {name}"),
            "wait until it has ended, then run the same command again",
        ));
    }
    succeeded("upgrade", ended).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charts_own_words_come_first_and_ours_beside_them() {
        let ended = Ended {
            success: false,
            out: String::new(),
            words: "Error: execution error at (cilium/templates/validate.yaml:1:2): tunnel was removed\n".to_owned(),
        };
        let error = succeeded("upgrade", ended).unwrap_err().to_string();
        assert!(
            error.starts_with("helm upgrade says: execution error at (cilium"),
            "{error}"
        );
        assert!(
            error.ends_with("the chart refuses the values: its words above say which"),
            "{error}"
        );
    }

    #[test]
    fn what_helm_respells_is_no_difference_and_another_value_is() {
        let asked: ReleaseInputs = serde_json::from_value(json!({
            "connection": {"endpoint": "https://a", "certificateAuthority": "", "clusterName": "c"},
            "name": "a", "chart": "./a", "version": "v1.2.3", "values": {"n": 1.0, "list": [1]},
        }))
        .unwrap();
        let outputs = outputs(
            &json!({"info": {"status": "deployed"}, "version": 3, "manifest": "a: b\n"}),
            &json!({"chart": "a", "version": "1.2.3", "appVersion": "9"}),
        );
        assert_eq!(outputs.revision, 3);
        assert_eq!(outputs.manifest_digest.len(), 64);
        let seen = |values: Json| as_written(&asked, asked.connection.clone(), Some(values), &outputs);
        assert_eq!(seen(json!({"n": 1, "list": [1.0]})), asked);
        assert_eq!(seen(json!({"n": 2})).values, Some(json!({"n": 2})));
    }

    #[test]
    fn an_unfinished_revision_is_left_alone_while_a_helm_may_be_at_work() {
        assert!(stale("2020-01-01T00:00:00.123456+01:00"));
        assert!(stale("2020-01-01T00:00:00.123456789Z"));
        assert!(!stale("2999-01-01T00:00:00Z"));
    }
}
