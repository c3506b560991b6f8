//! What a rule is, and what it says.

use groundwork_contract::findings::Finding;

use crate::{Acceptance, Member, Resource, Stack};

/// What is wrong, in a few words: the parts of the resource that a finding is about.
pub type Verdict = Option<String>;

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// Each resource by itself, before anything is done.
    Resource(fn(&Resource) -> Verdict),
    /// All of them together, with what they refer to; it speaks of some of them.
    Stack(for<'a> fn(&'a Stack) -> Vec<(&'a Member, String)>),
}

/// A rule: a finding, and how to find it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, as the policy pack's configuration has it.
    pub name: &'static str,
    /// What it speaks of.
    pub finding: &'static Finding,
    /// What it looks at.
    pub subject: Subject,
}

/// What a rule came to about a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The finding.
    Found {
        /// The resource.
        urn: String,
        /// All of it, for people.
        message: String,
    },
    /// The resource has accepted it.
    Accepted {
        /// The resource.
        urn: String,
    },
}

impl Rule {
    /// What it says about one resource.
    pub(crate) fn on_resource(&self, resource: &Resource) -> Option<Outcome> {
        match self.subject {
            Subject::Resource(check) => check(resource).and_then(|what| self.outcome(resource, &what)),
            Subject::Stack(_) => None,
        }
    }

    /// What it says about a stack.
    pub(crate) fn on_stack(&self, stack: &Stack) -> Vec<Outcome> {
        match self.subject {
            Subject::Resource(_) => Vec::new(),
            Subject::Stack(check) => check(stack)
                .into_iter()
                .filter_map(|(member, what)| self.outcome(&member.resource, &what))
                .collect(),
        }
    }

    fn outcome(&self, resource: &Resource, what: &str) -> Option<Outcome> {
        let urn = resource.urn.clone();
        match Acceptance::of(self.finding, &resource.properties) {
            Acceptance::Unknown => None,
            Acceptance::Accepted => Some(Outcome::Accepted { urn }),
            Acceptance::Open => Some(Outcome::Found {
                urn,
                message: format!(
                    "{}\n(see {})",
                    self.finding.about(what),
                    self.finding.references.join("; ")
                ),
            }),
        }
    }
}
