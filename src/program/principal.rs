//! Who somebody is for EKS: the role or user behind a session.

use groundwork_contract::{Arn, iam::RoleName};

/// The role or user of IAM that a caller of AWS is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// This one.
    Known(Arn),
    /// The role of this name: its session does not tell its path, and EKS knows it by its whole ARN.
    Role(RoleName),
}

/// Who a caller is.
///
/// # Errors
/// It cannot be told from the ARN.
pub fn principal_of(caller: &Arn) -> Result<Principal, String> {
    let parts: Vec<&str> = caller.resource().split('/').collect();
    match (caller.service(), parts.as_slice()) {
        ("iam", ["user" | "role", ..]) => Ok(Principal::Known(caller.clone())),
        // Whoever has the account's root has everything; EKS takes no entry for it.
        (_, ["root"]) => Err(format!(
            "{caller} is the account's root, whom EKS lets in by no access entry; run Pulumi as a role, or name one"
        )),
        ("sts", ["assumed-role", role, _]) => role.parse().map(Principal::Role).map_err(|error| format!("{error}")),
        ("sts", ["user", user]) => format!("arn:{}:iam::{}:user/{user}", caller.partition(), caller.account())
            .parse()
            .map(Principal::Known)
            .map_err(|error| format!("{error}")),
        _ => Err(format!(
            "{caller} is neither a role nor a user; name the one that runs Pulumi"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(caller: &str) -> Option<Principal> {
        principal_of(&caller.parse().unwrap()).ok()
    }

    #[test]
    fn a_sessions_role_is_who_somebody_is() {
        for role in ["deploy", "AWSReservedSSO_Admin_0123456789abcdef"] {
            assert_eq!(
                of(&format!("arn:aws-cn:sts::111122223333:assumed-role/{role}/ci")),
                Some(Principal::Role(role.parse().unwrap()))
            );
        }
        let user = "arn:aws:iam::111122223333:user/team/me";
        assert_eq!(of(user), Some(Principal::Known(user.parse().unwrap())));
    }

    #[test]
    fn who_cannot_be_told_is_asked_for() {
        for caller in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:sts::111122223333:federated-user/me",
        ] {
            assert_eq!(of(caller), None, "{caller}");
        }
    }
}
