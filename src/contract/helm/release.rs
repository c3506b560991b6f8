//! A Helm release.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::PropertyValue;
use serde_json::{Value as Json, json};

use super::cilium;
use crate::{Example, Failure, kubernetes::Connection, text_type};

text_type!(
    /// A release: `<cluster>/<namespace>/<name>`.
    ReleaseId, "the id of a Helm release", "platform/kube-system/cilium", |text| {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [cluster, namespace, name] if [cluster, namespace, name].iter().all(|part| !part.is_empty()) => {
                Ok(text.to_owned())
            }
            _ => Err("expected <cluster>/<namespace>/<name>".to_owned()),
        }
    }
);

impl ReleaseId {
    fn part(&self, index: usize) -> &str {
        self.as_str().split('/').nth(index).unwrap_or_default()
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        self.part(0)
    }

    /// The namespace that the release is kept in.
    pub fn namespace(&self) -> &str {
        self.part(1)
    }

    /// The release's name.
    pub fn name(&self) -> &str {
        self.part(2)
    }
}

/// A Helm release, made by the `helm` command line (3.14 or later, or 4), which must be on the `PATH`.
///
/// It never waits for what the chart brings: a [`crate::kubernetes::Gate`] does. Values and the cluster's token reach helm
/// through memory alone. A release that a helm which was killed left unfinished is brought to an end by the next run, and so is
/// one that failed.
#[resource("groundwork:helm:Release", ReleaseId, example = example, check = check)]
pub struct Release;

/// Source: Helm documentation, `helm upgrade`, `helm uninstall`.
#[shape]
pub struct ReleaseInputs {
    /// The cluster's API.
    pub connection: Connection,
    /// The release's name: 1 to 53 lower-case letters, digits, `-` and `.`.
    #[immutable]
    pub name: String,
    /// The namespace that the release is kept in.
    #[immutable]
    #[default("default".to_owned())]
    pub namespace: String,
    /// Whether the namespace is made when it does not exist. It is left behind when the release is deleted, as helm does.
    #[default(false)]
    #[create_only]
    pub create_namespace: bool,
    /// The chart: a name in `repository`, `oci://…`, a folder or an archive (`.tgz`).
    pub chart: String,
    /// The URL of the repository that a chart's plain name is looked up in.
    pub repository: Option<String>,
    /// The chart's version. Needed for a chart from a repository or a registry: an open version would be another one each
    /// time.
    pub version: Option<String>,
    /// The values, over the chart's own. Those of an earlier revision are not kept (`--reset-values`).
    pub values: Option<Json>,
    /// Whether the definitions in the chart's folder `crds` are left out.
    #[default(false)]
    pub skip_crds: bool,
    /// Whether the chart's hooks run. They are jobs that helm waits for, which hold up everything before there are nodes.
    #[default(false)]
    pub hooks: bool,
    /// How long helm may take for each thing that it asks the cluster for, as it writes it.
    #[default("5m0s".to_owned())]
    pub timeout: String,
}

/// What helm answers.
#[shape(outputs)]
pub struct ReleaseOutputs {
    /// Helm's word: `deployed`, `failed`, `pending-install`, `pending-upgrade`, `pending-rollback`, `uninstalling`.
    pub status: String,
    /// How often it was installed or upgraded.
    pub revision: u32,
    /// The chart's own name.
    pub chart_name: String,
    /// The version of what the chart installs, as the chart says it.
    pub app_version: Option<String>,
    /// The chart's version.
    pub chart_version: String,
    /// The SHA-256 of the rendered manifest, in hexadecimal. A chart that makes random values renders another one each time,
    /// which shows here after an upgrade.
    pub manifest_digest: String,
    /// Why it failed, in the chart's words, where it did.
    pub description: Option<String>,
}

fn check(args: &ReleaseArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(name) = args.name.known() {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if !(1..=53).contains(&name.len())
            || !name.chars().all(fine)
            || !ends(name.chars().next())
            || !ends(name.chars().last())
        {
            failures.push(Failure::at(
                "name",
                format!(
                    "{name:?} is no name of a release: 1 to 53 lower-case letters, digits, '-' and '.', with a letter or \
                     digit at both ends"
                ),
            ));
        }
    }
    let known = |input: &Option<crate::Input<String>>| input.as_ref().and_then(crate::Input::known);
    let chart = args.chart.known();
    if let Some(chart) = &chart {
        let from = ChartSource::of(chart, args.repository.is_some());
        match from {
            ChartSource::Repository if args.repository.is_none() => failures.push(Failure::at(
                "repository",
                format!(
                    "is missing: {chart:?} is a chart's plain name; give the repository's URL, or write ./{chart} for a folder"
                ),
            )),
            ChartSource::Registry | ChartSource::Local if args.repository.is_some() => failures.push(Failure::at(
                "repository",
                "is for a chart's plain name alone; leave it out",
            )),
            ChartSource::Repository | ChartSource::Registry if args.version.is_none() => failures.push(Failure::at(
                "version",
                "is missing: without it the chart would be another one each time that there is a new version",
            )),
            _ => {}
        }
    }
    for (property, url) in [("chart", chart.clone()), ("repository", known(&args.repository))] {
        if url.is_some_and(|url| has_a_login(&url)) {
            failures.push(Failure::at(
                property,
                "has a name or password in it, which the list of processes would show: leave it out, and log in to a registry \
                 (`helm registry login`) or fetch the chart and give its archive (.tgz)",
            ));
        }
    }
    if let Some(repository) = known(&args.repository)
        && !(repository.starts_with("https://") || repository.starts_with("http://"))
    {
        failures.push(Failure::at(
            "repository",
            "must be a URL that begins with https:// or http://",
        ));
    }
    let values = args.values.as_ref().map(crate::Input::peek).unwrap_or_default();
    if !values.is_null() && !values.is_unknown() && values.as_object().is_none() {
        failures.push(Failure::at("values", "must be an object"));
    }
    if chart.as_deref().is_some_and(cilium::is_cilium)
        && let Some(version) = known(&args.version)
        && !matches!(values.plain(), PropertyValue::Unknown(_))
    {
        failures.extend(cilium::mistakes(&version, &values));
    }
    failures
}

/// Whether a URL says as whom it is asked. Source: RFC 3986, 3.2.1.
fn has_a_login(url: &str) -> bool {
    let authority = url
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.flatten().is_some_and(|authority| authority.contains('@'))
}

/// Where a chart comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartSource {
    /// A repository, by the chart's plain name.
    Repository,
    /// A registry of OCI images.
    Registry,
    /// A folder or an archive here.
    Local,
}

impl ChartSource {
    /// Where a chart that is written so comes from.
    pub fn of(chart: &str, repository: bool) -> Self {
        if chart.starts_with("oci://") {
            Self::Registry
        } else if !repository
            && (chart.contains('/')
                || std::path::Path::new(chart)
                    .extension()
                    .is_some_and(|extension| extension == "tgz"))
        {
            Self::Local
        } else {
            Self::Repository
        }
    }
}

fn example() -> Example {
    Example {
        inputs: json!({
            "connection": crate::kubernetes::connection_example(),
            "name": "example",
            "namespace": "kube-system",
            "chart": "tests/cloud/chart",
            "values": {"colour": "green"},
        }),
        update: json!({"values": {"colour": "blue"}}),
        ..Example::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Descriptor;

    fn reasons(given: &Json) -> Vec<String> {
        let mut inputs = json!({
            "connection": {"endpoint": "https://a", "certificateAuthority": "", "clusterName": "c"},
            "name": "a",
        });
        for (key, value) in given.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        let PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<Release>();
        let found = descriptor.check(&descriptor.with_defaults(map));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_chart_says_where_it_is_from_and_which_version() {
        for fine in [
            json!({"chart": "./charts/a"}),
            json!({"chart": "charts/a.tgz"}),
            json!({"chart": "oci://ghcr.io/a/b", "version": "1.2.3"}),
            json!({"chart": "a", "repository": "https://helm.example.com/a@b", "version": "1.2.3"}),
        ] {
            assert_eq!(reasons(&fine), Vec::<String>::new(), "{fine}");
        }
        for (wrong, property) in [
            (json!({"chart": "a", "version": "1"}), "repository"),
            (json!({"chart": "oci://ghcr.io/a/b"}), "version"),
            (
                json!({"chart": "oci://a/b", "version": "1", "repository": "https://a"}),
                "repository",
            ),
            (json!({"chart": "a", "version": "1", "repository": "a"}), "repository"),
            (
                json!({"chart": "a", "version": "1", "repository": "https://me:word@example.com/charts"}),
                "repository",
            ),
            (json!({"chart": "oci://me@example.com/a", "version": "1"}), "chart"),
            (json!({"chart": "./a", "name": "A_b"}), "name"),
            (json!({"chart": "./a", "values": []}), "values"),
        ] {
            let found = reasons(&wrong);
            assert_eq!(found.len(), 1, "{wrong}: {found:?}");
            assert!(found[0].starts_with(property), "{found:?}");
        }
    }

    #[test]
    fn ciliums_chart_is_held_against_what_it_refuses() {
        let given = json!({"chart": "cilium", "repository": "https://helm.cilium.io/", "version": "1.20.0",
            "values": {"tunnel": "disabled"}});
        assert!(reasons(&given).iter().any(|reason| reason.starts_with("values.tunnel")));
    }
}
