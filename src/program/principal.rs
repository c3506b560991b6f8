//! Who somebody is for EKS: the role or user behind a session.

use groundwork_contract::Arn;

/// The role or user of IAM that a caller of AWS is.
///
/// STS tells a role's session without the path of the role, and EKS knows the role by its whole ARN.
///
/// # Errors
/// It cannot be told from the ARN.
pub fn principal_of(caller: &Arn) -> Result<Arn, String> {
    let parts: Vec<&str> = caller.resource().split('/').collect();
    let ours = |resource: String| {
        format!("arn:{}:iam::{}:{resource}", caller.partition(), caller.account())
            .parse()
            .map_err(|error| format!("{error}"))
    };
    match (caller.service(), parts.as_slice()) {
        ("iam", ["user" | "role", ..]) => Ok(caller.clone()),
        // Whoever has the account's root has everything; EKS takes no entry for it.
        (_, ["root"]) => Err(format!(
            "{caller} is the account's root, whom EKS lets in by no access entry; run Pulumi as a role, or name one"
        )),
        ("sts", ["assumed-role", role, _]) if role.starts_with("AWSReservedSSO_") => Err(format!(
            "the session {caller} is of a role with a path, which the session does not tell; name the role: `aws iam \
             get-role --role-name {role} --query Role.Arn`"
        )),
        ("sts", ["assumed-role", role, _]) => ours(format!("role/{role}")),
        ("sts", ["user", user]) => ours(format!("user/{user}")),
        _ => Err(format!(
            "{caller} is neither a role nor a user; name the one that runs Pulumi"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(caller: &str) -> Option<String> {
        principal_of(&caller.parse().unwrap()).ok().map(|arn| arn.to_string())
    }

    #[test]
    fn a_sessions_role_is_who_somebody_is() {
        assert_eq!(
            of("arn:aws-cn:sts::111122223333:assumed-role/deploy/ci").unwrap(),
            "arn:aws-cn:iam::111122223333:role/deploy"
        );
        assert_eq!(
            of("arn:aws:iam::111122223333:user/team/me").unwrap(),
            "arn:aws:iam::111122223333:user/team/me"
        );
    }

    #[test]
    fn who_cannot_be_told_is_asked_for() {
        for caller in [
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123/me",
            "arn:aws:iam::111122223333:root",
            "arn:aws:sts::111122223333:federated-user/me",
        ] {
            assert_eq!(of(caller), None, "{caller}");
        }
    }
}
