//! Who somebody is in a cluster: what EKS makes of an identity of AWS.

use k8s_openapi::api::core::v1::ConfigMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::eks::{AccessEntry, AccessPolicy, ClusterView};

/// An identity of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// As STS tells it.
    pub(super) arn: String,
    /// What access is given to: for a session, its role.
    pub(super) principal: String,
    /// The session's name, if it is one.
    pub(super) session: Option<String>,
}

/// Somebody in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    /// The rights that some of the groups stand for and that must be there.
    pub(super) grants: Vec<Grant>,
}

/// A role of Kubernetes for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) group: String,
    pub(super) role: &'static str,
    /// Everywhere when none.
    pub(super) namespace: Option<String>,
}

impl Caller {
    /// The identity behind this ARN.
    pub(super) fn of(arn: &str) -> Self {
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        if let [_, partition, "sts", _, account, resource] = parts.as_slice()
            && let Some(role) = resource.strip_prefix("assumed-role/")
        {
            let (role, session) = role.split_once('/').unwrap_or((role, ""));
            return Self {
                arn: arn.to_owned(),
                principal: format!("arn:{partition}:iam::{account}:role/{role}"),
                session: Some(session.to_owned()),
            };
        }
        Self {
            arn: arn.to_owned(),
            principal: arn.to_owned(),
            session: None,
        }
    }

    /// Whether access for this user or role is access for the caller. A session does not tell its role's path.
    fn is(&self, principal: &str) -> bool {
        let without_path = |arn: &str| match arn.split_once(":role/") {
            Some((front, path)) => format!("{front}:role/{}", path.rsplit('/').next().unwrap_or_default()),
            None => arn.to_owned(),
        };
        without_path(principal) == self.principal
    }

    fn fill(&self, template: &str) -> String {
        let session = self.session.as_deref().unwrap_or_default();
        let account = self.principal.split(':').nth(4).unwrap_or_default();
        template
            .replace("{{SessionName}}", &session.replace('@', "-"))
            .replace("{{SessionNameRaw}}", session)
            .replace("{{EC2PrivateDNSName}}", session)
            .replace("{{AccountID}}", account)
    }
}

/// Who the caller is in a cluster, if anybody. `aws_auth` is the cluster's `ConfigMap` of that name; the mode says whether it counts
/// ("Grant IAM users and roles access to Kubernetes APIs"). Where both name somebody, the access entry does.
pub(super) fn admit(view: &ClusterView, caller: &Caller, aws_auth: Option<&ConfigMap>) -> Option<User> {
    let access = &view.cluster.access_config;
    let mode = access.authentication_mode.as_str();
    if mode != "CONFIG_MAP"
        && let Some(entry) = view.access_entries.iter().find(|entry| caller.is(&entry.principal_arn))
    {
        return Some(by_entry(entry, caller));
    }
    if mode == "API" {
        return None;
    }
    if access.bootstrap_cluster_creator_admin_permissions && caller.is(&view.creator) {
        return Some(User {
            name: "kubernetes-admin".to_owned(),
            groups: vec!["system:masters".to_owned()],
            grants: Vec::new(),
        });
    }
    by_map(aws_auth?, caller)
}

fn by_entry(entry: &AccessEntry, caller: &Caller) -> User {
    let mut groups = entry.kubernetes_groups.clone();
    let mut grants = Vec::new();
    for policy in &entry.policies {
        for grant in granted(policy) {
            groups.push(grant.group.clone());
            if grant.group != MASTERS {
                grants.push(grant);
            }
        }
    }
    User {
        name: caller.fill(&entry.username),
        groups,
        grants,
    }
}

const MASTERS: &str = "system:masters";

/// What an access policy comes to in roles of Kubernetes ("Review access policy permissions"); `AdminView` is told as `View`.
fn granted(policy: &AccessPolicy) -> Vec<Grant> {
    let name = policy.policy_arn.rsplit('/').next().unwrap_or_default();
    let role = match name {
        "AmazonEKSClusterAdminPolicy" => "cluster-admin",
        "AmazonEKSAdminPolicy" => "admin",
        "AmazonEKSEditPolicy" => "edit",
        "AmazonEKSViewPolicy" | "AmazonEKSAdminViewPolicy" => "view",
        _ => return Vec::new(),
    };
    if policy.access_scope.kind != "namespace" {
        let group = if role == "cluster-admin" {
            MASTERS.to_owned()
        } else {
            format!("eks:{name}")
        };
        return vec![Grant {
            group,
            role,
            namespace: None,
        }];
    }
    let scoped = |namespace: &String| Grant {
        group: format!("eks:{name}:{namespace}"),
        role,
        namespace: Some(namespace.clone()),
    };
    policy.access_scope.namespaces.iter().map(scoped).collect()
}

/// A line of `aws-auth`.
#[derive(Debug, Deserialize)]
struct Mapping {
    #[serde(alias = "userarn")]
    rolearn: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

fn by_map(map: &ConfigMap, caller: &Caller) -> Option<User> {
    let kind = if caller.principal.contains(":role/") {
        "mapRoles"
    } else {
        "mapUsers"
    };
    let mappings: Vec<Mapping> = read(map, kind);
    // As it stands: the ARN of a role with a path is never met there.
    let found = mappings
        .into_iter()
        .find(|mapping| mapping.rolearn.eq_ignore_ascii_case(&caller.principal));
    if let Some(mapping) = found {
        let template = if mapping.username.is_empty() {
            &caller.principal
        } else {
            &mapping.username
        };
        return Some(User {
            name: caller.fill(template),
            groups: mapping.groups,
            grants: Vec::new(),
        });
    }
    let account = caller.principal.split(':').nth(4)?;
    let accounts: Vec<String> = read(map, "mapAccounts");
    accounts.iter().any(|known| known == account).then(|| User {
        name: caller.principal.clone(),
        groups: Vec::new(),
        grants: Vec::new(),
    })
}

/// A list in the `ConfigMap`; what cannot be read counts for nothing, as on EKS.
fn read<T: DeserializeOwned>(map: &ConfigMap, key: &str) -> Vec<T> {
    let text = map.data.as_ref().and_then(|data| data.get(key));
    text.and_then(|text| serde_saphyr::from_str(text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

    fn view(mode: &str, entries: &Value) -> ClusterView {
        serde_json::from_value(json!({
            "account": "123456789012", "region": "eu-central-1", "wanted": true, "birth": "now",
            "creator": "arn:aws:iam::123456789012:user/maker",
            "cluster": {
                "name": "demo",
                "accessConfig": {"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": true},
                "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
            },
            "accessEntries": entries,
        }))
        .unwrap()
    }

    fn entry(principal: &str, policies: &Value) -> Value {
        json!([{
            "principalArn": principal, "kubernetesGroups": ["team"],
            "username": "arn:aws:sts::123456789012:assumed-role/deployer/{{SessionName}}", "policies": policies,
        }])
    }

    fn policy(name: &str, scope: &Value) -> Value {
        json!([{"policyArn": format!("arn:aws:eks::aws:cluster-access-policy/{name}"), "accessScope": scope}])
    }

    fn session() -> Caller {
        Caller::of("arn:aws:sts::123456789012:assumed-role/deployer/me")
    }

    fn map(roles: &str) -> ConfigMap {
        serde_json::from_value(json!({"metadata": {}, "data": {"mapRoles": roles}})).unwrap()
    }

    #[test]
    fn a_session_has_the_access_of_its_role_whatever_the_roles_path() {
        assert_eq!(session().principal, ROLE);
        for principal in [ROLE, "arn:aws:iam::123456789012:role/teams/a/deployer"] {
            let user = admit(&view("API", &entry(principal, &json!([]))), &session(), None).unwrap();
            assert_eq!(user.name, "arn:aws:sts::123456789012:assumed-role/deployer/me");
            assert_eq!(user.groups, ["team"]);
        }
        let other = "arn:aws:iam::210987654321:role/deployer";
        assert_eq!(admit(&view("API", &entry(other, &json!([]))), &session(), None), None);
    }

    #[test]
    fn a_cluster_administrator_is_a_master_and_an_editor_of_a_namespace_is_one_there_only() {
        let admin = policy("AmazonEKSClusterAdminPolicy", &json!({"type": "cluster"}));
        let user = admit(&view("API", &entry(ROLE, &admin)), &session(), None).unwrap();
        assert_eq!(user.groups, ["team", "system:masters"]);
        assert!(user.grants.is_empty());

        let editor = policy(
            "AmazonEKSEditPolicy",
            &json!({"type": "namespace", "namespaces": ["shop"]}),
        );
        let user = admit(&view("API", &entry(ROLE, &editor)), &session(), None).unwrap();
        assert_eq!(user.groups, ["team", "eks:AmazonEKSEditPolicy:shop"]);
        let [grant] = user.grants.as_slice() else {
            panic!("{:?}", user.grants)
        };
        assert_eq!((grant.role, grant.namespace.as_deref()), ("edit", Some("shop")));
    }

    #[test]
    fn the_mode_says_whether_entries_or_the_map_count() {
        let (entries, roles) = (
            entry(ROLE, &json!([])),
            map(&format!(
                "- rolearn: {ROLE}\n  username: mapped\n  groups: [system:masters]\n"
            )),
        );
        let name =
            |mode: &str, map: Option<&ConfigMap>| admit(&view(mode, &entries), &session(), map).map(|user| user.name);
        let by_entry = Some("arn:aws:sts::123456789012:assumed-role/deployer/me".to_owned());
        assert_eq!(name("API", Some(&roles)), by_entry);
        assert_eq!(name("API_AND_CONFIG_MAP", Some(&roles)), by_entry);
        assert_eq!(name("CONFIG_MAP", Some(&roles)).as_deref(), Some("mapped"));
        assert_eq!(name("CONFIG_MAP", None), None);
    }

    #[test]
    fn the_creator_is_a_master_unless_only_entries_count() {
        let creator = Caller::of("arn:aws:iam::123456789012:user/maker");
        for (mode, groups) in [("CONFIG_MAP", Some(1)), ("API_AND_CONFIG_MAP", Some(1)), ("API", None)] {
            let user = admit(&view(mode, &json!([])), &creator, None);
            assert_eq!(user.map(|user| user.groups.len()), groups, "{mode}");
        }
    }

    #[test]
    fn a_map_that_cannot_be_read_admits_nobody() {
        assert_eq!(
            admit(
                &view("CONFIG_MAP", &json!([])),
                &session(),
                Some(&map("- rolearn: [\n"))
            ),
            None
        );
    }
}
