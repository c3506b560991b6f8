//! Programs against an engine that writes down what they say.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use groundwork_contract::{Contract, FromOutputs, Function, Input, InputNode, Output, ec2};
use groundwork_wire::{
    PropertyMap, PropertyValue, Urn,
    proto::{self, LogSeverity},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Barrier, Notify};
use tonic::Code;

use super::{
    AliasSpec, AnyResource, Context, CustomTimeouts, Error, InvokeOptions, ProviderRef, Resource, ResourceOptions,
    Result, Severity,
    mock::{self, Answer, Options, Recording, Registration},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct NetId(String);

#[derive(Debug)]
struct Net;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NetInputs {
    cidr_block: String,
}

#[derive(Debug, Default)]
struct NetArgs {
    cidr_block: Option<Input<String>>,
    zones: Option<Input<Vec<String>>>,
}

impl NetArgs {
    fn new(cidr_block: impl Into<Input<String>>) -> Self {
        Self {
            cidr_block: Some(cidr_block.into()),
            ..Self::default()
        }
    }

    fn zones(mut self, zones: impl Into<Input<Vec<String>>>) -> Self {
        self.zones = Some(zones.into());
        self
    }
}

impl From<NetArgs> for Input<NetInputs> {
    fn from(args: NetArgs) -> Self {
        let NetArgs { cidr_block, zones } = args;
        Self::from_fields([
            ("cidrBlock", cidr_block.map(Into::into)),
            ("zones", zones.map(Into::into)),
        ])
    }
}

#[derive(Debug)]
struct NetRefs {
    arn: Output<String>,
    cidr_block: Output<String>,
}

impl FromOutputs for NetRefs {
    fn from_outputs(object: &Output<serde_json::Value>) -> Self {
        Self {
            arn: object.field("arn"),
            cidr_block: object.field("cidrBlock"),
        }
    }
}

impl Contract for Net {
    const TOKEN: &'static str = "test:ec2:Net";
    type Id = NetId;
    type Inputs = NetInputs;
    type Outputs = ();
    type Args = NetArgs;
    type Refs = NetRefs;
}

#[derive(Debug)]
struct GetZones;

#[derive(Debug)]
struct GetZonesInputs;

#[derive(Debug)]
struct GetZonesArgs(Input<String>);

impl From<GetZonesArgs> for Input<GetZonesInputs> {
    fn from(args: GetZonesArgs) -> Self {
        Self::from_fields([("region", Some(args.0.into()))])
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Zones {
    names: Vec<String>,
}

impl Function for GetZones {
    const TOKEN: &'static str = "test:ec2:getZones";
    type Inputs = GetZonesInputs;
    type Args = GetZonesArgs;
    type Result = Zones;
}

async fn record<F>(options: Options, program: impl FnOnce(Context) -> F + Send + 'static) -> Recording
where
    F: Future<Output = Result> + Send + 'static,
{
    mock::run(options, program).await.unwrap()
}

fn resource<'a>(recording: &'a Recording, name: &str) -> &'a Registration {
    recording
        .resource(name)
        .unwrap_or_else(|| panic!("no {name} in {recording:#?}"))
}

fn net_urn(name: &str) -> Urn {
    format!("urn:pulumi:dev::platform::test:ec2:Net::{name}")
        .parse()
        .unwrap()
}

fn text(text: &str) -> PropertyValue {
    PropertyValue::from(text)
}

fn net(pulumi: &Context, name: &str, options: impl Into<Option<ResourceOptions>>) -> Resource<Net> {
    pulumi.create::<Net>(name, NetArgs::new("10.0.0.0/16"), options)
}

#[tokio::test]
async fn a_program_registers_the_stack_its_resources_and_its_exports_and_says_that_it_is_done() {
    let recording = record(Options::default(), |pulumi| async move {
        assert_eq!(
            (pulumi.project(), pulumi.stack(), pulumi.organization()),
            ("platform", "dev", "organization")
        );
        assert!(!pulumi.dry_run());
        let net = net(&pulumi, "main", None);
        pulumi.export("net", &net.id);
        pulumi.export("cidr", net.cidr_block.map(|cidr| format!("<{cidr}>")));
        pulumi.export("plain", "text");
        pulumi.export("nested", [("urn", &net.urn)]);
        Ok(())
    })
    .await;
    assert_eq!((recording.code, recording.done, recording.messages.len()), (0, true, 0));
    let stack = &recording.registrations[0];
    assert_eq!(
        (stack.token.as_str(), stack.name.as_str()),
        ("pulumi:pulumi:Stack", "platform-dev")
    );
    assert!(!stack.request.custom && stack.parent.is_none());
    assert_eq!(resource(&recording, "main").parent.as_ref(), Some(&stack.urn));
    assert_eq!(
        recording.exports(),
        BTreeMap::from([
            ("net".to_owned(), text("main-id")),
            ("cidr".to_owned(), text("<10.0.0.0/16>")),
            ("plain".to_owned(), text("text")),
            (
                "nested".to_owned(),
                PropertyValue::Object(BTreeMap::from([("urn".to_owned(), text(net_urn("main").as_str()))]))
            ),
        ])
    );
}

#[tokio::test]
async fn a_registration_says_what_this_sdk_understands_and_where_it_stands() {
    let line = line!() + 2;
    let recording = record(Options::default().root_directory("/somewhere"), |pulumi| async move {
        net(&pulumi, "main", None);
        pulumi.create::<Net>("here", NetArgs::new("10.0.0.0/16"), None);
        Ok(())
    })
    .await;
    let request = &resource(&recording, "here").request;
    assert!(request.custom && !request.remote);
    assert!(request.accept_secrets && request.accept_resources && request.accepts_byte_string);
    assert!(request.supports_partial_values && request.supports_result_reporting && request.alias_specs);
    let position = request.source_position.clone().unwrap();
    assert!(
        position.uri.starts_with("file:///somewhere/") && position.uri.ends_with("sdk/tests.rs"),
        "{position:?}"
    );
    assert_eq!(u32::try_from(position.line).unwrap(), line + 1);
    assert_eq!(request.stack_trace.clone().unwrap().frames[0].pc, Some(position));
    // Nothing that was not asked for.
    let plain = RegisterDefaults::of(request);
    assert_eq!(plain, RegisterDefaults::default());
}

/// The parts of a request that options set.
#[derive(Debug, PartialEq, Default)]
struct RegisterDefaults {
    protect: Option<bool>,
    retain_on_delete: Option<bool>,
    delete_before_replace_defined: bool,
    texts: String,
    lists: usize,
    timeouts: Option<proto::register_resource_request::CustomTimeouts>,
}

impl RegisterDefaults {
    fn of(request: &proto::RegisterResourceRequest) -> Self {
        Self {
            protect: request.protect,
            retain_on_delete: request.retain_on_delete,
            delete_before_replace_defined: request.delete_before_replace_defined,
            texts: [
                &request.provider,
                &request.version,
                &request.import_id,
                &request.plugin_download_url,
                &request.deleted_with,
            ]
            .map(String::as_str)
            .concat(),
            lists: request.dependencies.len()
                + request.ignore_changes.len()
                + request.additional_secret_outputs.len()
                + request.providers.len()
                + request.replace_on_changes.len()
                + request.aliases.len()
                + request.alias_ur_ns.len()
                + request.replace_with.len()
                + request.hide_diffs.len()
                + request.env_var_mappings.len(),
            timeouts: request.custom_timeouts.clone(),
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one line an option")]
#[tokio::test]
async fn every_option_reaches_the_engine() {
    let recording = record(Options::default(), |pulumi| async move {
        let first = net(&pulumi, "first", None);
        let second = net(&pulumi, "second", None);
        let old = "urn:pulumi:dev::platform::test:ec2:Net::old".parse::<Urn>()?;
        let options = ResourceOptions::new()
            .parent(&first)
            .depends_on(&second)
            .protect(true)
            .ignore_changes(["tags"])
            .alias(old.clone())
            .alias(
                AliasSpec::new()
                    .name("n")
                    .token("test:ec2:Old")
                    .stack("prod")
                    .project("p"),
            )
            .alias(AliasSpec::new().parent(&second))
            .alias(AliasSpec::new().parent_urn(old))
            .alias(AliasSpec::new().no_parent())
            .deleted_with(&first)
            .retain_on_delete(false)
            .custom_timeouts(CustomTimeouts {
                create: Some(Duration::from_mins(30)),
                update: Some(Duration::from_secs(90)),
                delete: Some(Duration::from_hours(1)),
                read: None,
            })
            .import("net-1")
            .replace_on_changes(["cidrBlock"])
            .delete_before_replace(false)
            .additional_secret_outputs(["arn"])
            .version("1.2.3")
            .plugin_download_url("github://example")
            .replace_with(&second)
            .replacement_trigger(&second.arn)
            .hide_diffs(["tags"])
            .env_var_mapping("AWS_PROFILE", "OUR_PROFILE");
        net(&pulumi, "main", options);
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let main = resource(&recording, "main");
    let request = &main.request;
    let (first, second) = (net_urn("first").to_string(), net_urn("second").to_string());
    assert_eq!(request.parent, first);
    assert_eq!(request.dependencies.concat(), second);
    assert_eq!(request.protect, Some(true));
    assert_eq!(request.ignore_changes, ["tags"]);
    let aliases: Vec<_> = request
        .aliases
        .iter()
        .map(|alias| alias.alias.clone().unwrap())
        .collect();
    let spec = proto::alias::Spec::default();
    let with = |parent| {
        proto::alias::Alias::Spec(proto::alias::Spec {
            parent: Some(parent),
            ..spec.clone()
        })
    };
    assert_eq!(
        aliases,
        [
            proto::alias::Alias::Urn("urn:pulumi:dev::platform::test:ec2:Net::old".to_owned()),
            proto::alias::Alias::Spec(proto::alias::Spec {
                name: "n".to_owned(),
                r#type: "test:ec2:Old".to_owned(),
                stack: "prod".to_owned(),
                project: "p".to_owned(),
                parent: None,
            }),
            with(proto::alias::spec::Parent::ParentUrn(second.clone())),
            with(proto::alias::spec::Parent::ParentUrn(
                "urn:pulumi:dev::platform::test:ec2:Net::old".to_owned()
            )),
            with(proto::alias::spec::Parent::NoParent(true)),
        ]
    );
    assert_eq!(request.deleted_with, first);
    assert_eq!(request.retain_on_delete, Some(false));
    let timeouts = request.custom_timeouts.clone().unwrap();
    assert_eq!(
        [timeouts.create, timeouts.update, timeouts.delete, timeouts.read],
        ["30m", "1m30s", "1h", ""]
    );
    assert_eq!(request.import_id, "net-1");
    assert_eq!(request.replace_on_changes, ["cidrBlock"]);
    assert!(request.delete_before_replace_defined && !request.delete_before_replace);
    assert_eq!(request.additional_secret_outputs, ["arn"]);
    assert_eq!(request.version, "1.2.3");
    assert_eq!(request.plugin_download_url, "github://example");
    assert_eq!(request.replace_with, [second]);
    assert!(request.replacement_trigger.is_some());
    assert_eq!(request.hide_diffs, ["tags"]);
    assert_eq!(
        request.env_var_mappings,
        BTreeMap::from([("AWS_PROFILE".to_owned(), "OUR_PROFILE".to_owned())])
    );
    let json = main.to_json();
    assert_eq!(json["parent"], "test:ec2:Net::first");
    assert_eq!(json["timeouts"]["create"], "30m");
    assert_eq!(json["deleteBeforeReplace"], false);
}

#[tokio::test]
async fn dependencies_flow_from_outputs_to_the_properties_that_they_are_used_in() {
    let recording = record(Options::default(), |pulumi| async move {
        let a = net(&pulumi, "a", None);
        let b = net(&pulumi, "b", None);
        let joined = a.id.zip(&b.id).map(|(a, b)| format!("{}{}", a.0, b.0));
        pulumi.create::<Net>(
            "c",
            NetArgs::new(joined).zones([Input::from("x"), a.arn.as_secret().into()]),
            None,
        );
        Ok(())
    })
    .await;
    let c = resource(&recording, "c");
    assert_eq!(c.dependencies, BTreeSet::from([net_urn("a"), net_urn("b")]));
    assert_eq!(
        c.property_dependencies["cidrBlock"],
        BTreeSet::from([net_urn("a"), net_urn("b")])
    );
    assert_eq!(c.property_dependencies["zones"], BTreeSet::from([net_urn("a")]));
    assert_eq!(c.inputs["cidrBlock"], text("a-idb-id"));
    assert_eq!(
        c.inputs["zones"],
        PropertyValue::Array(vec![text("x"), PropertyValue::secret(PropertyValue::Null)]),
        "an output that an update does not name is absent, and a secret stays one"
    );
    let a = resource(&recording, "a");
    assert_eq!(
        a.property_dependencies["cidrBlock"],
        BTreeSet::new(),
        "a property is named even if it comes from nowhere, or the engine takes it to depend on everything"
    );
}

#[tokio::test]
async fn what_a_preview_cannot_know_is_unknown_and_goes_on_as_unknown() {
    let recording = record(Options::default().preview(), |pulumi| async move {
        assert!(pulumi.dry_run());
        let a = net(&pulumi, "a", None);
        pulumi.create::<Net>("b", NetArgs::new(&a.arn).zones([&a.cidr_block]), None);
        pulumi.export("arn", &a.arn);
        pulumi.export("id", &a.id);
        pulumi.export("cidr", a.cidr_block.as_secret());
        pulumi.export("secret", a.arn.as_secret());
        Ok(())
    })
    .await;
    let b = resource(&recording, "b");
    assert_eq!(b.inputs["cidrBlock"], PropertyValue::UNKNOWN);
    assert_eq!(b.inputs["zones"], PropertyValue::Array(vec![text("10.0.0.0/16")]));
    assert_eq!(b.dependencies, BTreeSet::from([net_urn("a")]));
    let exports = recording.exports();
    assert_eq!(exports["arn"], PropertyValue::UNKNOWN);
    assert_eq!(exports["id"], PropertyValue::UNKNOWN);
    assert_eq!(exports["cidr"], PropertyValue::secret(text("10.0.0.0/16")));
    assert_eq!(exports["secret"], PropertyValue::secret(PropertyValue::UNKNOWN));
}

#[tokio::test]
async fn independent_resources_are_in_flight_together() {
    // Neither is answered before both have arrived.
    let both = Arc::new(Barrier::new(2));
    let options = Options::default().answer_later(move |registration| {
        let both = Arc::clone(&both);
        async move {
            if registration.token == Net::TOKEN {
                both.wait().await;
            }
            Answer::default()
        }
    });
    let recording = record(options, |pulumi| async move {
        net(&pulumi, "a", None);
        net(&pulumi, "b", None);
        Ok(())
    })
    .await;
    assert_eq!((recording.code, recording.registrations.len()), (0, 3));
}

#[tokio::test]
async fn a_dependent_is_sent_after_what_it_depends_on_is_answered() {
    // "a" is answered once "last" has come, which is declared after everything that depends on "a".
    let last = Arc::new(Notify::new());
    let options = Options::default().answer_later(move |registration| {
        let last = Arc::clone(&last);
        async move {
            match registration.name.as_str() {
                "a" => last.notified().await,
                "last" => last.notify_one(),
                _ => {}
            }
            Answer::outputs([("arn", "arn:a")])
        }
    });
    let recording = record(options, |pulumi| async move {
        let a = net(&pulumi, "a", None);
        pulumi.create::<Net>("by-input", NetArgs::new(&a.arn), None);
        net(&pulumi, "by-option", ResourceOptions::new().depends_on(&a));
        net(&pulumi, "by-output", ResourceOptions::new().depends_on(&a.arn));
        net(&pulumi, "by-parent", ResourceOptions::new().parent(&a));
        net(&pulumi, "last", None);
        Ok(())
    })
    .await;
    let names: Vec<&str> = recording
        .registrations
        .iter()
        .map(|registration| registration.name.as_str())
        .collect();
    assert_eq!(names[..3], ["platform-dev", "a", "last"]);
    assert_eq!(names.len(), 7);
    for name in ["by-input", "by-option", "by-output"] {
        assert_eq!(
            resource(&recording, name).dependencies,
            BTreeSet::from([net_urn("a")]),
            "{name}"
        );
    }
    assert_eq!(resource(&recording, "by-input").inputs["cidrBlock"], text("arn:a"));
    assert_eq!(resource(&recording, "by-parent").parent, Some(net_urn("a")));
}

#[tokio::test]
async fn a_refused_resource_is_told_once_with_its_line_and_its_dependents_stop_silently() {
    let line = line!() + 6;
    let options = Options::default().answer(|registration| match registration.name.as_str() {
        "a" => Answer::Refused(Code::InvalidArgument, "no such range".to_owned()),
        _ => Answer::default(),
    });
    let program = |pulumi: Context| async move {
        let a = pulumi.create::<Net>("a", NetArgs::new("10.0.0.0/99"), None);
        let b = pulumi.create::<Net>("b", NetArgs::new(&a.arn), None);
        net(&pulumi, "c", ResourceOptions::new().parent(&b));
        net(&pulumi, "free", None);
        pulumi.export("arn", &a.arn);
        Ok(())
    };
    let recording = record(options, program).await;
    let errors = recording.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].starts_with("test:ec2:Net \"a\" (")
            && errors[0].ends_with(&format!("sdk/tests.rs:{line}): no such range")),
        "{errors:?}"
    );
    assert_eq!((recording.code, recording.done), (32, false));
    assert!(recording.resource("b").is_none() && recording.resource("c").is_none());
    assert!(
        recording.resource("free").is_some(),
        "what does not depend on it goes on"
    );
    assert_eq!(recording.exports(), PropertyMap::new());
}

#[tokio::test]
async fn what_the_engine_has_told_is_not_told_again() {
    for answer in [
        Answer::Failed,
        Answer::Refused(Code::Unavailable, "shutting down".to_owned()),
        Answer::Refused(Code::Cancelled, "shutting down".to_owned()),
    ] {
        let options = Options::default().answer(move |registration| match registration.name.as_str() {
            "a" => answer.clone(),
            _ => Answer::default(),
        });
        let recording = record(options, |pulumi| async move {
            let a = net(&pulumi, "a", None);
            pulumi.create::<Net>("b", NetArgs::new(&a.arn), None);
            a.urn.resolve().await?;
            Ok(())
        })
        .await;
        assert_eq!(recording.errors(), Vec::<&str>::new());
        assert_eq!((recording.code, recording.done), (32, false));
    }
}

#[tokio::test]
async fn an_engine_that_stops_at_the_stack_runs_no_program() {
    let options = Options::default().answer(|_| Answer::Refused(Code::Unavailable, "shutting down".to_owned()));
    let recording = record(options, |_| async { Err(Error::new("must not run")) }).await;
    assert_eq!((recording.code, recording.messages.len()), (32, 0));
}

#[tokio::test]
async fn a_wrong_text_fails_the_resource_that_it_is_written_for() {
    let recording = record(Options::default(), |pulumi| async move {
        let wrong = Output::known("x".to_owned()).try_map(|text| text.parse::<u8>().map(|n| n.to_string()));
        pulumi.create::<Net>("a", NetArgs::new(&wrong), None);
        pulumi.create::<Net>("b", NetArgs::new(&wrong), None);
        Ok(())
    })
    .await;
    let errors = recording.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("test:ec2:Net") && errors[0].ends_with("invalid digit found in string"),
        "{errors:?}"
    );
    assert_eq!((recording.code, recording.registrations.len()), (32, 1));
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read the settings")]
struct SettingsError(#[from] std::num::ParseIntError);

#[tokio::test]
async fn an_error_of_the_program_is_told_with_its_line_and_its_causes() {
    let line = line!() + 3;
    let recording = record(Options::default(), |pulumi| async move {
        net(&pulumi, "a", None);
        "x".parse::<u8>().map_err(SettingsError::from)?;
        Ok(())
    })
    .await;
    let errors = recording.errors();
    let expected = format!("sdk/tests.rs:{line}: cannot read the settings\n  because invalid digit found in string");
    assert!(errors.len() == 1 && errors[0].ends_with(&expected), "{errors:?}");
    assert_eq!((recording.code, recording.done), (32, false));
    assert!(
        recording.resource("a").is_some(),
        "what was declared before is waited for"
    );
}

#[tokio::test]
async fn a_panic_is_an_error() {
    let recording = record(Options::default(), |pulumi| async move {
        net(&pulumi, "a", None);
        assert!(pulumi.project() != "platform", "out of {}", "cheese");
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), ["the program panicked: out of cheese"]);
    assert_eq!((recording.code, recording.done), (32, false));
}

#[tokio::test]
async fn a_panic_inside_an_output_is_an_error() {
    let recording = record(Options::default(), |pulumi| async move {
        let a = net(&pulumi, "a", None);
        let cidr = a
            .cidr_block
            .map(|cidr| if cidr.is_empty() { cidr } else { panic!("no") });
        let b = pulumi.create::<Net>("b", NetArgs::new(cidr), None);
        pulumi.create::<Net>("c", NetArgs::new(&b.arn), None);
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), ["the program panicked: no"]);
    assert_eq!(recording.code, 32);
    assert!(recording.resource("b").is_none() && recording.resource("c").is_none());
}

#[tokio::test]
async fn components_hand_their_provider_protection_and_parenthood_down() {
    let recording = record(Options::default(), |pulumi| async move {
        let test = pulumi.provider("test", "eu", [("region", "eu-central-1")], None);
        let other = pulumi.provider("other", "o", InputNode::Object(BTreeMap::new()), None);
        let options = ResourceOptions::new().provider(&test).providers([&other]).protect(true);
        let network = pulumi.component("platform:index:Network", "network", options);
        let below = network.context();
        let child = net(&below, "child", None);
        net(&below, "bare", ResourceOptions::new().protect(false));
        let inner = below.component("platform:index:Zone", "zone", None);
        net(&inner.context(), "grandchild", None);
        pulumi.create_untyped(
            "other:x:Y",
            "y",
            InputNode::Object(BTreeMap::new()),
            ResourceOptions::new().parent(&inner),
        );
        net(&pulumi, "outside", None);
        network.register_outputs([("net", &child.id)]);
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let eu = "urn:pulumi:dev::platform::pulumi:providers:test::eu::eu-id";
    let o = "urn:pulumi:dev::platform::pulumi:providers:other::o::o-id";
    let provider = |name| resource(&recording, name).request.provider.as_str();
    assert_eq!([provider("child"), provider("grandchild"), provider("y")], [eu, eu, o]);
    assert_eq!([provider("outside"), provider("network"), provider("eu")], ["", "", ""]);
    let network = resource(&recording, "network");
    assert!(!network.request.custom);
    assert_eq!(
        network.request.providers,
        BTreeMap::from([("test".to_owned(), eu.to_owned()), ("other".to_owned(), o.to_owned())])
    );
    let protect = |name| resource(&recording, name).request.protect;
    assert_eq!(
        [
            protect("child"),
            protect("grandchild"),
            protect("bare"),
            protect("outside")
        ],
        [Some(true), Some(true), Some(false), None]
    );
    assert_eq!(resource(&recording, "child").parent.as_ref(), Some(&network.urn));
    assert_eq!(
        resource(&recording, "grandchild").parent.as_ref(),
        Some(&resource(&recording, "zone").urn)
    );
    assert_eq!(recording.outputs[&network.urn]["net"], text("child-id"));
    assert_eq!(resource(&recording, "eu").inputs["region"], text("eu-central-1"));
}

#[tokio::test]
async fn a_provider_that_a_preview_makes_has_an_unknown_id() {
    let recording = record(Options::default().preview(), |pulumi| async move {
        let test = pulumi.provider("test", "eu", InputNode::Object(BTreeMap::new()), None);
        net(&pulumi, "a", ResourceOptions::new().provider(&test));
        pulumi.create_untyped(
            "else:x:Y",
            "y",
            InputNode::Object(BTreeMap::new()),
            ResourceOptions::new().provider(&test),
        );
        Ok(())
    })
    .await;
    assert_eq!(
        resource(&recording, "a").request.provider,
        "urn:pulumi:dev::platform::pulumi:providers:test::eu::04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    );
    assert_eq!(
        resource(&recording, "y").request.provider,
        "",
        "it is of another package"
    );
}

#[tokio::test]
async fn depending_on_a_component_is_depending_on_what_is_inside() {
    let recording = record(Options::default(), |pulumi| async move {
        let network = pulumi.component("platform:index:Network", "network", None);
        let a = net(&network.context(), "a", None);
        let inner = network.context().component("platform:index:Zone", "zone", None);
        net(&inner.context(), "b", None);
        net(&a_child_of(&pulumi, &a), "c", None);
        net(&pulumi, "after", ResourceOptions::new().depends_on(&network));
        // Whoever is inside does not wait for itself.
        net(&inner.context(), "inside", ResourceOptions::new().depends_on(&network));
        Ok(())
    })
    .await;
    let urns = |names: &[&str]| {
        names
            .iter()
            .map(|name| resource(&recording, name).urn.clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(resource(&recording, "after").dependencies, urns(&["a", "b"]));
    assert_eq!(resource(&recording, "inside").dependencies, urns(&["network"]));
}

fn a_child_of(pulumi: &Context, resource: &Resource<Net>) -> Context {
    pulumi.within(resource)
}

#[tokio::test]
async fn exports_keep_what_is_secret_secret() {
    let options = Options::default()
        .secret_config("platform:token", "hunter2")
        .answer(|_| Answer::outputs([("arn", PropertyValue::secret(text("arn:a")))]));
    let recording = record(options, |pulumi| async move {
        let token = pulumi.config("platform").require_secret::<String>("token")?;
        pulumi.export("token", &token);
        pulumi.export("length", token.map(|token| token.len()));
        let a = net(&pulumi, "a", None);
        pulumi.export("arn", &a.arn);
        pulumi.export("cidr", &a.cidr_block);
        pulumi.export("all", [("arn", &a.arn)]);
        Ok(())
    })
    .await;
    let exports = recording.exports();
    assert_eq!(exports["token"], PropertyValue::secret(text("hunter2")));
    assert_eq!(exports["length"], PropertyValue::secret(PropertyValue::Number(7.0)));
    assert_eq!(exports["arn"], PropertyValue::secret(text("arn:a")));
    assert_eq!(exports["cidr"], text("10.0.0.0/16"));
    let all = PropertyMap::from([("arn".to_owned(), PropertyValue::secret(text("arn:a")))]);
    assert_eq!(exports["all"], PropertyValue::Object(all));
}

#[tokio::test]
async fn functions_are_asked_with_known_arguments_alone() {
    let options = Options::default().preview().invoke(|invocation| {
        let region = invocation.args["region"].as_str().unwrap_or_default().to_owned();
        let names = PropertyValue::Array(vec![text(&format!("{region}a"))]);
        Ok(PropertyMap::from([("names".to_owned(), names)]))
    });
    let recording = record(options, |pulumi| async move {
        let test = pulumi.provider("test", "eu", InputNode::Object(BTreeMap::new()), None);
        let network = pulumi.component(
            "platform:index:Network",
            "network",
            ResourceOptions::new().provider(&test),
        );
        let a = net(&pulumi, "a", None);
        let zones = pulumi.invoke::<GetZones>(GetZonesArgs("eu-west-1".into()));
        pulumi.create::<Net>("b", NetArgs::new("x").zones(zones.field::<Vec<String>>("names")), None);
        let unknown = pulumi
            .invoke::<GetZones>(GetZonesArgs((&a.arn).into()))
            .map(|zones| zones.names);
        pulumi.create::<Net>("c", NetArgs::new("x").zones(unknown), None);
        let secret = pulumi.invoke_with::<GetZones>(
            GetZonesArgs(Output::secret("eu-north-1".to_owned()).into()),
            InvokeOptions::new()
                .parent(&network)
                .version("2.0.0")
                .plugin_download_url("u")
                .depends_on(&a),
        );
        pulumi.export("secret", secret.map(|zones| zones.names.join(" ")));
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    assert_eq!(
        resource(&recording, "b").inputs["zones"],
        PropertyValue::Array(vec![text("eu-west-1a")])
    );
    let c = resource(&recording, "c");
    assert_eq!(c.inputs["zones"], PropertyValue::UNKNOWN);
    assert_eq!(c.dependencies, BTreeSet::from([net_urn("a")]));
    assert_eq!(
        recording.exports()["secret"],
        PropertyValue::secret(text("eu-north-1a"))
    );
    assert_eq!(recording.invocations.len(), 2);
    let asked = recording
        .invocations
        .iter()
        .find(|asked| asked.args["region"] == text("eu-north-1"))
        .unwrap();
    let request = &asked.request;
    assert_eq!(
        (request.version.as_str(), request.plugin_download_url.as_str()),
        ("2.0.0", "u")
    );
    assert!(
        request
            .provider
            .starts_with("urn:pulumi:dev::platform::pulumi:providers:test::eu::")
    );
    assert_eq!(request.depends_on, [net_urn("a").to_string()]);
    assert!(request.parent.ends_with("::network") && request.accept_resources);
}

#[tokio::test]
async fn a_function_that_refuses_is_told_with_its_name_and_line() {
    let options = Options::default().invoke(|_| Err("no such region".to_owned()));
    let recording = record(options, |pulumi| async move {
        let zones = pulumi.invoke::<GetZones>(GetZonesArgs("mars".into()));
        pulumi.create::<Net>("b", NetArgs::new("x").zones(zones.field::<Vec<String>>("names")), None);
        Ok(())
    })
    .await;
    let errors = recording.errors();
    assert!(
        errors.len() == 1 && errors[0].starts_with("test:ec2:getZones ("),
        "{errors:?}"
    );
    assert!(errors[0].ends_with("no such region"), "{errors:?}");
    assert_eq!(recording.code, 32);
}

#[tokio::test]
async fn resources_that_exist_are_looked_up() {
    let program = |pulumi: Context| async move {
        let a = net(&pulumi, "a", None);
        let found = pulumi.get::<Net>(
            "found",
            NetId("net-1".to_owned()),
            ResourceOptions::new().parent(&a).version("1.0.0"),
        );
        pulumi.get::<Net>("late", &a.id, None);
        pulumi.create::<Net>("b", NetArgs::new(&found.arn), None);
        Ok(())
    };
    let answer = |_: &Registration| Answer::outputs([("arn", "arn:found")]);
    let recording = record(Options::default().answer(answer), program).await;
    let found = resource(&recording, "found");
    assert_eq!(
        (found.read.as_deref(), found.parent.as_ref()),
        (Some("net-1"), Some(&net_urn("a")))
    );
    assert_eq!(found.request.version, "1.0.0");
    assert_eq!(resource(&recording, "late").read.as_deref(), Some("a-id"));
    assert_eq!(resource(&recording, "b").inputs["cidrBlock"], text("arn:found"));
    assert_eq!(
        resource(&recording, "b").dependencies,
        BTreeSet::from([found.urn.clone()])
    );

    let recording = record(Options::default().preview(), program).await;
    assert_eq!((recording.code, recording.errors().len()), (0, 0));
    assert!(
        recording.resource("late").is_none(),
        "nothing is looked up under an unknown id"
    );
}

#[tokio::test]
async fn other_stacks_exports_are_read() {
    let options = Options::default().answer(|registration| match registration.token.as_str() {
        "pulumi:pulumi:StackReference" => Answer::outputs([(
            "outputs",
            PropertyValue::Object(PropertyMap::from([("vpc".to_owned(), text("vpc-1"))])),
        )]),
        _ => Answer::default(),
    });
    let program = |pulumi: Context| async move {
        let base = pulumi.stack_reference("organization/base/dev");
        pulumi.export("vpc", base.output::<String>("vpc"));
        pulumi.export("none", base.output::<Option<String>>("none").map(|none| none.is_none()));
        Ok(())
    };
    let recording = record(options.clone(), program).await;
    let reference = resource(&recording, "organization/base/dev");
    assert_eq!(reference.read.as_deref(), Some("organization/base/dev"));
    assert_eq!(reference.inputs["name"], text("organization/base/dev"));
    assert_eq!(recording.exports()["vpc"], text("vpc-1"));
    assert_eq!(recording.exports()["none"], PropertyValue::Bool(true));
    let preview = record(options.preview(), program).await;
    assert_eq!(preview.exports()["none"], PropertyValue::UNKNOWN);
}

#[tokio::test]
async fn messages_arrive_in_order_and_an_error_fails_the_program() {
    let recording = record(Options::default(), |pulumi| async move {
        let a = net(&pulumi, "a", None);
        a.urn.resolve().await?;
        pulumi.log(Severity::Debug, "one");
        pulumi.log(Severity::Info, "two");
        pulumi.status("three");
        pulumi.log(Severity::Warning, "four");
        pulumi.log_about(&a, Severity::Error, "five");
        Ok(())
    })
    .await;
    let texts: Vec<_> = recording
        .messages
        .iter()
        .map(|message| (message.severity, message.text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            (LogSeverity::Debug, "one"),
            (LogSeverity::Info, "two"),
            (LogSeverity::Info, "three"),
            (LogSeverity::Warning, "four"),
            (LogSeverity::Error, "five")
        ]
    );
    assert!(recording.messages[2].ephemeral && !recording.messages[1].ephemeral);
    assert_eq!(recording.messages[4].urn, net_urn("a").to_string());
    assert_eq!(recording.code, 32);
}

#[tokio::test]
async fn inputs_that_are_unknown_as_a_whole_are_refused_and_secret_ones_are_secret_one_by_one() {
    let recording = record(Options::default(), |pulumi| async move {
        let whole = Output::<serde_json::Value>::unknown();
        pulumi.create_untyped("test:a:B", "unknown", &whole, None);
        Ok(())
    })
    .await;
    assert!(recording.errors()[0].contains("pass outputs property by property"));
    let recording = record(Options::default(), |pulumi| async move {
        let a = net(&pulumi, "a", None);
        let whole = a
            .cidr_block
            .map(|_| serde_json::json!({ "x": 1, "y": null }))
            .as_secret();
        pulumi.create_untyped("test:a:B", "secret", &whole, None);
        Ok(())
    })
    .await;
    let secret = resource(&recording, "secret");
    let x = PropertyValue::secret(PropertyValue::Number(1.0));
    assert_eq!(
        secret.inputs,
        PropertyMap::from([("x".to_owned(), x)]),
        "null is the same as absent"
    );
    assert_eq!(secret.property_dependencies["x"], BTreeSet::from([net_urn("a")]));
}

#[tokio::test]
async fn a_recording_reads_the_same_whatever_the_order_of_the_requests() {
    let program = |names: [&'static str; 2]| {
        move |pulumi: Context| async move {
            for name in names {
                net(&pulumi, name, None).urn.resolve().await?;
            }
            Ok(())
        }
    };
    let (forth, back) = (
        record(Options::default(), program(["a", "b"])).await,
        record(Options::default(), program(["b", "a"])).await,
    );
    assert_eq!(forth.to_json(), back.to_json());
    assert_eq!(
        forth.to_json()["resources"][0],
        serde_json::json!({ "type": "test:ec2:Net", "name": "a", "inputs": { "cidrBlock": "10.0.0.0/16" } })
    );
}

#[test]
fn a_recording_needs_no_runtime() {
    let recording = mock::run_blocking(Options::new("p", "s"), |_| async { Ok(()) }).unwrap();
    assert_eq!((recording.code, recording.registrations[0].name.as_str()), (0, "p-s"));
}

#[tokio::test]
async fn a_large_program_fits() {
    let recording = record(Options::default(), |pulumi| async move {
        let large = "x".repeat(8 << 20);
        let first = pulumi.create::<Net>("large", NetArgs::new(large), None);
        let after: Vec<_> = (0..200)
            .map(|n| net(&pulumi, &format!("n{n}"), ResourceOptions::new().depends_on(&first)))
            .collect();
        pulumi.export(
            "count",
            Output::all(after.iter().map(|net| net.id.clone())).map(|ids| ids.len()),
        );
        Ok(())
    })
    .await;
    assert_eq!(recording.exports()["count"], PropertyValue::Number(200.0));
}

#[tokio::test]
async fn the_contracts_resources_are_typed_to_the_last_property() {
    let recording = record(Options::default().preview(), |pulumi| async move {
        let args = ec2::VpcArgs::new("10.0.0.0/16").enable_dns_hostnames(true);
        let vpc = pulumi.create::<ec2::Vpc>("main", args, ResourceOptions::new().protect(true));
        let id: &Output<ec2::VpcId> = &vpc.id;
        pulumi.export("id", id);
        pulumi.export("arn", vpc.arn.as_secret());
        pulumi.export("cidr", vpc.output::<String>("cidrBlock"));
        Ok(())
    })
    .await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let inputs = &resource(&recording, "main").inputs;
    assert_eq!(
        (&inputs["cidrBlock"], &inputs["enableDnsHostnames"]),
        (&text("10.0.0.0/16"), &true.into())
    );
    assert_eq!(
        recording.exports()["arn"],
        PropertyValue::secret(PropertyValue::UNKNOWN)
    );
    assert_eq!(recording.exports()["cidr"], text("10.0.0.0/16"));
}

#[tokio::test]
async fn a_component_may_live_below_what_somebody_else_has_registered() {
    let recording = record(Options::default(), |pulumi| async move {
        let parent = AnyResource::existing(net_urn("elsewhere"));
        let reference = "urn:pulumi:dev::platform::pulumi:providers:test::eu::eu-id";
        let provider = ProviderRef::existing(reference)?;
        assert_eq!(provider.package(), "test");
        let options = ResourceOptions::new().parent(&parent).provider(&provider);
        let inputs = [("size", "small")];
        let platform = pulumi.component_with("test:index:Platform", "platform", inputs, options);
        net(&platform.context(), "inside", None);
        assert!(pulumi.wait().await);
        Ok(())
    })
    .await;
    let platform = resource(&recording, "platform");
    assert_eq!(platform.parent, Some(net_urn("elsewhere")));
    assert_eq!(platform.inputs["size"], text("small"));
    assert_eq!(
        resource(&recording, "inside").request.provider,
        "urn:pulumi:dev::platform::pulumi:providers:test::eu::eu-id"
    );
}
