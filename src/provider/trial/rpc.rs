//! The RPCs as the engine calls them: what is answered, and in which words.

use std::{collections::BTreeSet, fmt::Write as _, iter::repeat_n};

use groundwork_wire::{
    PropertyMap, PropertyValue,
    codec::{from_optional, to_struct},
    proto::{
        CheckRequest, ConfigureRequest, CreateRequest, DeleteRequest, DiffRequest, InvokeRequest, PropertyDiff,
        ReadRequest, UpdateRequest, diff_response::DiffChanges, property_diff::Kind,
        resource_provider_server::ResourceProvider,
    },
};
use serde_json::json;
use tonic::{Code, Request, Status};

use super::{
    ACCOUNT, LINK, REGION, Stage, THING,
    golden::assert_golden,
    json as as_json, properties,
    thing::{Answer, Look, lock},
};
use crate::{registry::Registry, resource::Finding, rpc::Provider};

/// Inputs of which some are not known yet.
fn with_unknown(json: serde_json::Value, unknown: &str) -> PropertyMap {
    let mut inputs = properties(json);
    inputs.insert(unknown.to_owned(), PropertyValue::UNKNOWN);
    inputs
}

#[tokio::test]
async fn what_is_unknown_is_left_alone_and_the_rest_is_checked() {
    let stage = Stage::new(THING);
    let request = |inputs: &PropertyMap| CheckRequest {
        urn: stage.urn.to_string(),
        news: Some(to_struct(inputs)),
        ..Default::default()
    };
    let news = with_unknown(json!({"size": 101, "range": "fd00", "sise": 1}), "place");
    let answer = stage
        .provider
        .check(Request::new(request(&news)))
        .await
        .unwrap()
        .into_inner();
    let failed: Vec<&str> = answer
        .failures
        .iter()
        .map(|failure| failure.property.as_str())
        .collect();
    assert_eq!(failed, ["range", "sise", "size"], "and not `place`");
    let inputs = from_optional(answer.inputs.as_ref());
    assert!(inputs["place"].is_unknown());

    let news = with_unknown(json!({"place": "here"}), "size");
    let answer = stage
        .provider
        .check(Request::new(request(&news)))
        .await
        .unwrap()
        .into_inner();
    assert!(answer.failures.is_empty(), "{:?}", answer.failures);
    assert!(from_optional(answer.inputs.as_ref())["size"].is_unknown(), "no default");
}

#[tokio::test]
async fn a_check_gives_defaults_and_hides_secrets() {
    let stage = Stage::new(THING);
    let inputs = stage
        .checked(json!({"place": "here", "word": "hush", "zone": null}))
        .await;
    assert_eq!(as_json(&inputs), json!({"place": "here", "size": 1, "word": "hush"}));
    assert!(matches!(inputs["word"], PropertyValue::Secret(_)));
}

#[tokio::test]
async fn default_tags_are_everywhere_and_own_ones_win() {
    let stage = Stage::new(THING);
    let tags = properties(json!({"team": "a", "cost": "b"}));
    let provider = Provider::configured(super::registry(), stage.wire.aws(ACCOUNT, REGION), tags);
    let stage = Stage { provider, ..stage };
    let own = json!({"team": "mine"});
    let both = json!({"team": "mine", "cost": "b"});
    for (given, expected) in [
        (json!({"place": "here"}), json!({"team": "a", "cost": "b"})),
        (
            json!({"place": "here", "tags": null}),
            json!({"team": "a", "cost": "b"}),
        ),
        (json!({"place": "here", "tags": own}), both.clone()),
    ] {
        assert_eq!(as_json(&stage.checked(given).await)["tags"], expected);
    }
    let mut secret = properties(json!({"place": "here"}));
    secret.insert("tags".to_owned(), PropertyValue::secret(own.into()));
    let request = CheckRequest {
        urn: stage.urn.to_string(),
        news: Some(to_struct(&secret)),
        ..Default::default()
    };
    let answer = stage.provider.check(Request::new(request)).await.unwrap().into_inner();
    let inputs = from_optional(answer.inputs.as_ref());
    assert!(matches!(inputs["tags"], PropertyValue::Secret(_)));
    assert_eq!(as_json(&inputs)["tags"], both);
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_diff_agree() {
    let stage = Stage::new(THING);
    let kept = stage
        .create(json!({"place": "here", "members": ["a", "b"], "tags": {"a.b": "1"}}))
        .await
        .unwrap();
    let news = json!({"place": "there", "size": 2, "members": ["a", "c"], "tags": {"c": "2"}});
    let diff = stage.diff(&kept, news.clone(), &[]).await;
    assert_eq!(diff.changes(), DiffChanges::DiffSome);
    assert_eq!(diff.replaces, ["place"]);
    assert_eq!(diff.diffs, ["members", "place", "size", "tags"]);
    assert!(diff.stables.is_empty(), "a replacement has outputs of its own");
    assert!(!diff.delete_before_replace);
    let kinds: Vec<(&str, Kind)> = {
        let mut kinds: Vec<_> = diff
            .detailed_diff
            .iter()
            .map(|(path, diff)| (path.as_str(), PropertyDiff::kind(diff)))
            .collect();
        kinds.sort_by_key(|(path, _)| *path);
        kinds
    };
    assert_eq!(
        kinds,
        [
            ("members[1]", Kind::Update),
            ("place", Kind::UpdateReplace),
            ("size", Kind::Update),
            ("tags.c", Kind::Add),
            ("tags[\"a.b\"]", Kind::Delete),
        ]
    );
    // What is ignored is in none of them.
    let diff = stage
        .diff(&kept, news.clone(), &["place", "tags[\"a.b\"]", "members[*]"])
        .await;
    assert!(diff.replaces.is_empty());
    assert_eq!(diff.diffs, ["size", "tags"]);
    assert_eq!(diff.detailed_diff.len(), 2);
    assert_eq!(diff.stables, ["serial"]);
    let diff = stage.diff(&kept, news, &["*"]).await;
    assert_eq!(diff.changes(), DiffChanges::DiffNone);
    assert!(diff.diffs.is_empty() && diff.detailed_diff.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_there_can_be_one_of_goes_before_it_comes() {
    let stage = Stage::new(LINK);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let diff = stage.diff(&kept, json!({"place": "there"}), &[]).await;
    assert!(diff.delete_before_replace);
    let diff = stage.diff(&kept, json!({"place": "here", "size": 2}), &[]).await;
    assert!(!diff.delete_before_replace, "an update replaces nothing");
}

#[tokio::test]
async fn what_failed_goes_before_its_successor_of_the_same_name() {
    let stage = Stage::new("groundwork:eks:NodeGroup");
    let stage = Stage {
        provider: Provider::new(Registry::standard(), None),
        ..stage
    };
    let inputs = |name: &str| {
        json!({"clusterName": "platform", "nodegroupName": name, "nodeRole": "arn:aws:iam::111122223333:role/nodes",
            "subnets": ["subnet-0a1b2c3d"], "scalingConfig": {"minSize": 1, "maxSize": 2}})
    };
    let inputs_checked = stage.checked(inputs("initial")).await;
    for (status, name, first) in [
        ("CREATE_FAILED", "initial", true),
        ("DELETE_FAILED", "initial", true),
        // Of another name it can come first, and of one that works nothing is taken away before.
        ("CREATE_FAILED", "second", false),
        ("ACTIVE", "second", false),
    ] {
        let mut properties = inputs_checked.clone();
        properties.extend(super::properties(
            json!({"arn": "arn:aws:eks:eu-central-1:111122223333:nodegroup/platform/initial/0",
            "status": status, "issues": [], "autoScalingGroups": []}),
        ));
        let kept = super::Kept {
            id: "platform/initial".to_owned(),
            inputs: inputs_checked.clone(),
            properties,
        };
        let diff = stage
            .diff(&kept, as_json(&stage.checked(inputs(name)).await), &[])
            .await;
        assert!(!diff.replaces.is_empty(), "{status} {name}");
        assert_eq!(diff.delete_before_replace, first, "{status} {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_answers_what_is_known_and_makes_nothing() {
    let stage = Stage::new(THING);
    let inputs = with_unknown(json!({"place": "here"}), "range");
    let request = CreateRequest {
        urn: stage.urn.to_string(),
        properties: Some(to_struct(&inputs)),
        preview: true,
        ..CreateRequest::default()
    };
    let answer = stage
        .provider
        .create(Request::new(request.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.id, "");
    assert_eq!(
        from_optional(answer.properties.as_ref()),
        inputs,
        "and no output, which would be a guess"
    );

    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    let calls = lock(&stage.world).calls.len();
    let update = UpdateRequest {
        id: kept.id.clone(),
        urn: stage.urn.to_string(),
        olds: Some(to_struct(&kept.properties)),
        old_inputs: Some(to_struct(&kept.inputs)),
        news: Some(to_struct(&with_unknown(json!({"place": "here"}), "size"))),
        preview: true,
        ..UpdateRequest::default()
    };
    let answer = stage
        .provider
        .update(Request::new(update.clone()))
        .await
        .unwrap()
        .into_inner();
    let known = from_optional(answer.properties.as_ref());
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    assert_eq!(names, ["__groundwork", "place", "serial", "size"], "`state` may change");

    lock(&stage.world).foreseen = vec![Finding {
        property: Some("place"),
        message: "is full".to_owned(),
        fatal: true,
    }];
    let status = stage.provider.create(Request::new(request)).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, "place: is full")
    );
    assert!(stage.provider.update(Request::new(update)).await.is_err());
    assert_eq!(lock(&stage.world).calls.len(), calls);
}

#[tokio::test]
async fn before_it_is_configured_only_what_is_pure_is_answered() {
    let stage = Stage::new(THING);
    let stage = Stage {
        provider: Provider::new(super::registry(), None),
        ..stage
    };
    let inputs = stage.checked(json!({"place": "here"})).await;
    let kept = super::Kept {
        id: "thing-1".to_owned(),
        inputs: inputs.clone(),
        properties: inputs,
    };
    let diff = stage.diff(&kept, json!({"place": "here"}), &[]).await;
    assert_eq!(diff.changes(), DiffChanges::DiffNone);
    for status in [
        stage.create(json!({"place": "here"})).await.map(drop).unwrap_err(),
        stage.read("thing-1", None).await.map(drop).unwrap_err(),
        stage
            .update(&kept, json!({"place": "here"}))
            .await
            .map(drop)
            .unwrap_err(),
        stage.delete(&kept).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.message(), "the provider was asked before it was configured");
    }
    // It has nothing to clean up.
    stage.cancel().await;
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_told_by_the_names_that_pulumi_knows() {
    let provider = Provider::new(super::registry(), None);
    let wrong = to_struct(&properties(
        json!({"regoin": "x", "region": "Frankfurt", "allowedAccountIds": "12"}),
    ));
    let request = CheckRequest {
        news: Some(wrong.clone()),
        ..CheckRequest::default()
    };
    let answer = provider.check_config(Request::new(request)).await.unwrap().into_inner();
    let failed: BTreeSet<&str> = answer
        .failures
        .iter()
        .map(|failure| failure.property.as_str())
        .collect();
    assert_eq!(failed, ["allowedAccountIds[0]", "regoin", "region"].into());
    let request = ConfigureRequest {
        args: Some(wrong),
        ..ConfigureRequest::default()
    };
    let status = provider.configure(Request::new(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status.message().lines().all(|line| line.starts_with("groundwork:")),
        "{}",
        status.message()
    );
    assert_eq!(status.message().lines().count(), 3);
}

#[tokio::test]
async fn another_region_replaces_the_provider_and_another_profile_updates_it() {
    let provider = Provider::new(super::registry(), None);
    let request = |news| DiffRequest {
        old_inputs: Some(to_struct(&properties(
            json!({"region": "eu-central-1", "profile": "a"}),
        ))),
        news: Some(to_struct(&properties(news))),
        ..DiffRequest::default()
    };
    let other = json!({"region": "eu-west-1", "profile": "a"});
    let diff = provider
        .diff_config(Request::new(request(other)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(diff.replaces, ["region"]);
    let other = json!({"region": "eu-central-1", "profile": "b"});
    let diff = provider
        .diff_config(Request::new(request(other)))
        .await
        .unwrap()
        .into_inner();
    assert!(diff.replaces.is_empty());
    assert_eq!(diff.diffs, ["profile"]);
}

#[tokio::test]
async fn what_nobody_knows_is_refused_by_name() {
    let stage = Stage::new("groundwork:trial:Thingy");
    let urn = stage.urn.to_string();
    let provider = &stage.provider;
    let hint = "groundwork has no resource type groundwork:trial:Thingy; did you mean groundwork:trial:Thing?";
    let delete = DeleteRequest {
        urn: urn.clone(),
        ..DeleteRequest::default()
    };
    let diff = DiffRequest {
        urn: urn.clone(),
        ..DiffRequest::default()
    };
    let read = ReadRequest {
        urn,
        ..ReadRequest::default()
    };
    let statuses = [
        provider.delete(Request::new(delete)).await.map(drop).unwrap_err(),
        provider.diff(Request::new(diff)).await.map(drop).unwrap_err(),
        provider.read(Request::new(read)).await.map(drop).unwrap_err(),
    ];
    for status in statuses {
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, hint));
    }
    let nameless = provider
        .delete(Request::new(DeleteRequest::default()))
        .await
        .unwrap_err();
    assert!(nameless.message().contains("is no URN"), "{}", nameless.message());

    let provider = Provider::new(Registry::standard(), None);
    let invoke = InvokeRequest {
        tok: "groundwork:ec2:getAvailabilityZone".to_owned(),
        ..InvokeRequest::default()
    };
    let status = provider.invoke(Request::new(invoke)).await.unwrap_err();
    assert!(
        status.message().contains("getAvailabilityZones?"),
        "{}",
        status.message()
    );
}

/// The words of every failure, as the engine shows them.
#[tokio::test(start_paused = true)]
async fn every_failure_says_what_because_of_what_and_what_to_do() {
    let mut texts = String::new();
    let mut tell = |title: &str, stage: &Stage, status: &Status| {
        let shown = groundwork_wire::status::init_failed(status)
            .map_or_else(|| status.message().to_owned(), |detail| detail.reasons.join("\n"));
        let shown = shown.replace(&format!("\"{}\"", stage.urn.name()), "\"main\"");
        // Writing to a string cannot fail.
        let _ = writeln!(texts, "## {title}: {:?}\n\n{shown}\n", status.code());
    };
    for (title, answer) in [
        ("denied", Answer::Refuse("UnauthorizedOperation")),
        ("no longer logged in", Answer::Refuse("ExpiredToken")),
        ("a quota", Answer::Refuse("VpcLimitExceeded")),
        ("somebody else's", Answer::Refuse("RouteAlreadyExists")),
        ("not understood", Answer::Refuse("InvalidParameterValue")),
        ("what it refers to", Answer::Refuse("InvalidVpcID.NotFound")),
        (
            "a role that cannot be assumed",
            Answer::Say(
                "InvalidParameterException",
                "Role with arn: r, could not be assumed because it does not exist or the trusted entity is not correct",
            ),
        ),
        ("throttled", Answer::Refuse("RequestLimitExceeded")),
        ("no answer", Answer::Dropped),
    ] {
        let stage = Stage::new(THING);
        stage.script("create", repeat_n(answer, 10_000));
        tell(
            title,
            &stage,
            &stage.create(json!({"place": "here"})).await.unwrap_err(),
        );
    }

    let pending = || repeat_n(Look::Pending, 10_000);
    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend(pending());
    tell(
        "time is up",
        &stage,
        &stage.create(json!({"place": "here"})).await.unwrap_err(),
    );

    let stage = Stage::new(THING);
    lock(&stage.world).looks.extend(pending());
    stage.cancel().await;
    tell(
        "broken off",
        &stage,
        &stage.create(json!({"place": "here"})).await.unwrap_err(),
    );

    let stage = Stage::new(THING);
    lock(&stage.world).looks.push_back(Look::Failed);
    tell(
        "failed for ever",
        &stage,
        &stage.create(json!({"place": "here"})).await.unwrap_err(),
    );

    let stage = Stage::new(THING);
    lock(&stage.world).forgetful = true;
    let status = stage.create(json!({"place": "here", "size": 2})).await.unwrap_err();
    tell("not kept", &stage, &status);

    let stage = Stage::new(THING);
    let kept = stage.create(json!({"place": "here"})).await.unwrap();
    stage.script("delete", repeat_n(Answer::Refuse("DependencyViolation"), 10_000));
    lock(&stage.world).obstacles = vec!["eni-1 (a load balancer's)".to_owned(), "eni-2".to_owned()];
    tell("in use", &stage, &stage.delete(&kept).await.unwrap_err());
    lock(&stage.world).obstacles.clear();
    tell(
        "in use, by nobody knows what",
        &stage,
        &stage.delete(&kept).await.unwrap_err(),
    );
    stage.cancel().await;
    tell("a deletion broken off", &stage, &stage.delete(&kept).await.unwrap_err());
    let mut elsewhere = kept.clone();
    let origin = json!({"__groundwork": {"schema": 1, "account": "999900001111", "region": "eu-west-1"}});
    elsewhere.properties.extend(properties(origin));
    tell(
        "a state from elsewhere",
        &stage,
        &stage.delete(&elsewhere).await.unwrap_err(),
    );
    let mut newer = kept;
    let origin = json!({"__groundwork": {"schema": 99, "account": ACCOUNT, "region": REGION}});
    newer.properties.extend(properties(origin));
    tell(
        "a state of the future",
        &stage,
        &stage.delete(&newer).await.unwrap_err(),
    );

    assert_golden("../../tests/golden/errors.txt", &texts);
}
