//! The policy pack as the engine calls it, without an engine.

use std::collections::BTreeMap;

use groundwork_contract::{
    Contract,
    ec2::{FlowLog, SecurityGroup, Vpc, VpcEndpoint},
};
use groundwork_wire::{
    PropertyMap, PropertyValue, codec,
    proto::{AnalyzerPropertyDependencies, EnforcementLevel, PolicyConfig},
};
use serde_json::json;

use super::*;

const OPEN: &str = r#"[{"protocol": "-1", "cidrIpv4": "0.0.0.0/0"}]"#;

fn properties(json: serde_json::Value) -> PropertyMap {
    let PropertyValue::Object(map) = json.into() else {
        panic!("properties are an object")
    };
    map
}

fn open() -> serde_json::Value {
    serde_json::from_str(OPEN).unwrap()
}

async fn analyze<C: Contract>(pack: &Pack, inputs: serde_json::Value) -> AnalyzeResponse {
    let resource = Resource::of::<C>("one", inputs);
    let request = AnalyzeRequest {
        r#type: resource.token,
        properties: Some(codec::to_struct(&resource.properties)),
        urn: resource.urn,
        ..AnalyzeRequest::default()
    };
    pack.analyze(Request::new(request)).await.unwrap().into_inner()
}

fn names(answer: &AnalyzeResponse) -> Vec<&str> {
    answer
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.policy_name.as_str())
        .collect()
}

async fn configure(pack: &Pack, name: &str, level: EnforcementLevel) -> Result<(), Status> {
    let config = PolicyConfig {
        enforcement_level: level.into(),
        properties: None,
    };
    let request = ConfigureAnalyzerRequest {
        policy_config: [(name.to_owned(), config)].into(),
    };
    pack.configure(Request::new(request)).await.map(drop)
}

#[tokio::test]
async fn every_rule_is_told_with_its_reason_and_its_fix() {
    let pack = Pack::standard();
    let info = pack.get_analyzer_info(Request::new(())).await.unwrap().into_inner();
    assert!(info.supports_config);
    assert_eq!(info.policies.len(), rules::ALL.len());
    for policy in info.policies {
        assert_eq!(policy.enforcement_level(), EnforcementLevel::Advisory);
        assert_ne!(policy.policy_type(), PolicyType::Unknown);
        assert_ne!(policy.severity(), PolicySeverity::Unspecified);
        assert!(!policy.remediation_steps.is_empty() && !policy.tags.is_empty());
    }
}

#[tokio::test]
async fn a_finding_has_its_id_reason_fix_and_reference() {
    let answer = analyze::<SecurityGroup>(&Pack::standard(), json!({"ingress": open()})).await;
    assert_eq!(names(&answer), ["s6-any-any-group"]);
    let diagnostic = &answer.diagnostics[0];
    assert_eq!(diagnostic.enforcement_level(), EnforcementLevel::Advisory);
    assert_eq!(diagnostic.severity(), PolicySeverity::High);
    assert!(diagnostic.urn.ends_with("::one"));
    let finding = groundwork_contract::findings::ANY_ANY_GROUP;
    for part in [finding.id, finding.reason, finding.fix, finding.references[0]] {
        assert!(diagnostic.message.contains(part), "{part}: {}", diagnostic.message);
    }
}

#[tokio::test]
async fn every_rule_of_a_resource_may_speak_of_it() {
    let group = json!({"ingress": open(), "egress": open()});
    let answer = analyze::<SecurityGroup>(&Pack::standard(), group).await;
    assert_eq!(names(&answer), ["s6-any-any-group", "s8-open-egress"]);
}

#[tokio::test]
async fn a_level_is_kept_and_a_rule_can_be_switched_off() {
    let pack = Pack::standard();
    let group = json!({"ingress": open()});
    configure(&pack, "s6-any-any-group", EnforcementLevel::Mandatory)
        .await
        .unwrap();
    let answer = analyze::<SecurityGroup>(&pack, group.clone()).await;
    assert_eq!(answer.diagnostics[0].enforcement_level(), EnforcementLevel::Mandatory);
    configure(&pack, "s6-any-any-group", EnforcementLevel::Disabled)
        .await
        .unwrap();
    assert!(analyze::<SecurityGroup>(&pack, group).await.diagnostics.is_empty());
    let refused = configure(&pack, "s6", EnforcementLevel::Disabled).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn what_a_resource_accepts_is_not_found_but_told_as_accepted() {
    let pack = Pack::standard();
    let accepted = |ids: &str| json!({"tags": {ACCEPTS: ids}});
    let answer = analyze::<VpcEndpoint>(&pack, accepted("S16")).await;
    assert!(answer.diagnostics.is_empty());
    assert_eq!(answer.not_applicable[0].policy_name, "s16-open-endpoint");
    assert_eq!(
        names(&analyze::<VpcEndpoint>(&pack, accepted("S6")).await),
        ["s16-open-endpoint"]
    );
}

fn in_stack<C: Contract>(name: &str, properties: &PropertyMap, refers: &[(&str, &str)]) -> AnalyzerResource {
    let resource = Resource::of::<C>(name, json!({}));
    let by_property: BTreeMap<&str, &str> = refers.iter().copied().collect();
    AnalyzerResource {
        r#type: resource.token,
        urn: resource.urn,
        properties: Some(codec::to_struct(properties)),
        dependencies: by_property.values().map(|urn| (*urn).to_owned()).collect(),
        property_dependencies: by_property
            .into_iter()
            .map(|(property, urn)| {
                let urns = vec![urn.to_owned()];
                (property.to_owned(), AnalyzerPropertyDependencies { urns })
            })
            .collect(),
        ..AnalyzerResource::default()
    }
}

async fn analyze_stack(resources: Vec<AnalyzerResource>) -> AnalyzeResponse {
    let request = Request::new(AnalyzeStackRequest { resources });
    Pack::standard().analyze_stack(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_stack_is_judged_by_what_refers_to_what() {
    let bare = in_stack::<Vpc>("bare", &PropertyMap::new(), &[]);
    let urn = bare.urn.clone();
    let answer = analyze_stack(vec![bare.clone()]).await;
    assert_eq!(names(&answer), ["s22-no-flow-logs", "s25-open-default-group"]);
    assert!(answer.diagnostics.iter().all(|diagnostic| diagnostic.urn == urn));

    let unknown = PropertyMap::from([("resourceId".to_owned(), PropertyValue::UNKNOWN)]);
    let log = in_stack::<FlowLog>("log", &unknown, &[("resourceId", &urn)]);
    let answer = analyze_stack(vec![log, bare]).await;
    assert_eq!(names(&answer), ["s25-open-default-group"]);

    let accepts = properties(json!({"tags": {ACCEPTS: "S22 S25"}}));
    let answer = analyze_stack(vec![in_stack::<Vpc>("accepting", &accepts, &[])]).await;
    assert!(answer.diagnostics.is_empty());
    assert_eq!(answer.not_applicable.len(), 2);
}

#[tokio::test]
async fn others_resources_are_none_of_its_business() {
    let request = AnalyzeRequest {
        r#type: "aws:ec2/securityGroup:SecurityGroup".to_owned(),
        ..AnalyzeRequest::default()
    };
    let pack = Pack::standard();
    let answer = pack.analyze(Request::new(request.clone())).await.unwrap().into_inner();
    assert_eq!(answer, AnalyzeResponse::default());
    let answer = pack.remediate(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(answer, RemediateResponse::default());
}
