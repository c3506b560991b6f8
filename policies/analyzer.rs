//! `Analyzer`: what the engine asks of a policy pack.

use std::sync::{PoisonError, RwLock};

use groundwork_contract::findings::Severity;
use groundwork_wire::{
    codec::from_optional,
    proto::{
        AnalyzeDiagnostic, AnalyzeRequest, AnalyzeResponse, AnalyzeStackRequest, AnalyzerHandshakeRequest,
        AnalyzerHandshakeResponse, AnalyzerInfo, AnalyzerResource, AnalyzerStackConfigureRequest,
        AnalyzerStackConfigureResponse, ConfigureAnalyzerRequest, PluginInfo, PolicyInfo, PolicyNotApplicable,
        PolicySeverity, PolicyType, RemediateResponse, analyzer_server::Analyzer,
    },
};
use tonic::{Request, Response, Status};

use crate::{
    ACCEPTS, Member, Resource, Rule, Stack, Subject,
    levels::{self, Levels},
    rule::Outcome,
    rules,
};

const NAME: &str = "groundwork";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The policy pack, as the engine calls it.
#[derive(Debug)]
pub struct Pack {
    rules: &'static [Rule],
    levels: RwLock<Levels>,
}

impl Pack {
    /// All rules, each advisory.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            rules: rules::ALL,
            levels: RwLock::default(),
        }
    }

    /// What every rule that is switched on says.
    fn answer(&self, judge: impl Fn(&Rule) -> Vec<Outcome>) -> Response<AnalyzeResponse> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut answer = AnalyzeResponse::default();
        for rule in self.rules {
            let Some(level) = levels.of(rule) else { continue };
            for outcome in judge(rule) {
                match outcome {
                    Outcome::Found { urn, message } => answer.diagnostics.push(AnalyzeDiagnostic {
                        policy_name: rule.name.to_owned(),
                        policy_pack_name: NAME.to_owned(),
                        policy_pack_version: VERSION.to_owned(),
                        description: rule.finding.title.to_owned(),
                        message,
                        enforcement_level: level.into(),
                        urn,
                        severity: severity(rule.finding.severity).into(),
                    }),
                    Outcome::Accepted { urn } => answer.not_applicable.push(PolicyNotApplicable {
                        policy_name: rule.name.to_owned(),
                        reason: format!("{urn} accepts it by its tag {ACCEPTS}"),
                    }),
                }
            }
        }
        Response::new(answer)
    }
}

const fn severity(severity: Severity) -> PolicySeverity {
    match severity {
        Severity::Low => PolicySeverity::Low,
        Severity::Medium => PolicySeverity::Medium,
        Severity::High => PolicySeverity::High,
    }
}

fn policy(rule: &Rule) -> PolicyInfo {
    let finding = rule.finding;
    PolicyInfo {
        name: rule.name.to_owned(),
        display_name: finding.title.to_owned(),
        description: format!("{} ({}): {}", finding.title, finding.id, finding.reason),
        message: finding.reason.to_owned(),
        enforcement_level: levels::DEFAULT.into(),
        config_schema: None,
        policy_type: match rule.subject {
            Subject::Resource(_) => PolicyType::Resource,
            Subject::Stack(_) => PolicyType::Stack,
        }
        .into(),
        severity: severity(finding.severity).into(),
        framework: None,
        tags: finding
            .references
            .iter()
            .map(|reference| (*reference).to_owned())
            .collect(),
        remediation_steps: finding.fix.to_owned(),
        url: String::new(),
    }
}

fn member(resource: AnalyzerResource) -> Member {
    let AnalyzerResource {
        r#type,
        properties,
        urn,
        dependencies,
        property_dependencies,
        name: _,
        options: _,
        provider: _,
        parent: _,
    } = resource;
    Member {
        resource: Resource {
            token: r#type,
            urn,
            properties: from_optional(properties.as_ref()),
        },
        dependencies: dependencies.into_iter().collect(),
        property_dependencies: property_dependencies
            .into_iter()
            .map(|(name, dependencies)| (name, dependencies.urns.into_iter().collect()))
            .collect(),
    }
}

#[tonic::async_trait]
impl Analyzer for Pack {
    async fn handshake(
        &self,
        _: Request<AnalyzerHandshakeRequest>,
    ) -> Result<Response<AnalyzerHandshakeResponse>, Status> {
        Ok(Response::new(AnalyzerHandshakeResponse {}))
    }

    /// Rules look at resources alone: which stack it is makes no difference.
    async fn configure_stack(
        &self,
        _: Request<AnalyzerStackConfigureRequest>,
    ) -> Result<Response<AnalyzerStackConfigureResponse>, Status> {
        Ok(Response::new(AnalyzerStackConfigureResponse {}))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            version: VERSION.to_owned(),
        }))
    }

    async fn get_analyzer_info(&self, _: Request<()>) -> Result<Response<AnalyzerInfo>, Status> {
        Ok(Response::new(AnalyzerInfo {
            name: NAME.to_owned(),
            display_name: "Groundwork".to_owned(),
            policies: self.rules.iter().map(policy).collect(),
            version: VERSION.to_owned(),
            supports_config: true,
            description: "What is unsafe about the ground under a platform".to_owned(),
            ..AnalyzerInfo::default()
        }))
    }

    async fn configure(&self, request: Request<ConfigureAnalyzerRequest>) -> Result<Response<()>, Status> {
        let levels = Levels::new(self.rules, request.into_inner().policy_config)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        *self.levels.write().unwrap_or_else(PoisonError::into_inner) = levels;
        Ok(Response::new(()))
    }

    async fn analyze(&self, request: Request<AnalyzeRequest>) -> Result<Response<AnalyzeResponse>, Status> {
        let AnalyzeRequest {
            r#type,
            properties,
            urn,
            name: _,
            options: _,
            provider: _,
        } = request.into_inner();
        let resource = Resource {
            token: r#type,
            urn,
            properties: from_optional(properties.as_ref()),
        };
        Ok(self.answer(|rule| rule.on_resource(&resource).into_iter().collect()))
    }

    async fn analyze_stack(&self, request: Request<AnalyzeStackRequest>) -> Result<Response<AnalyzeResponse>, Status> {
        let stack = Stack {
            members: request.into_inner().resources.into_iter().map(member).collect(),
        };
        Ok(self.answer(|rule| rule.on_stack(&stack)))
    }

    /// Findings are told, never mended behind the user's back.
    async fn remediate(&self, _: Request<AnalyzeRequest>) -> Result<Response<RemediateResponse>, Status> {
        Ok(Response::new(RemediateResponse::default()))
    }

    /// Nothing takes long enough to be cancelled, and the engine says it at every exit.
    async fn cancel(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[cfg(test)]
#[path = "analyzer_tests.rs"]
mod tests;
