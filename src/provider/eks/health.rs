//! What is wrong with a part of a cluster, in EKS's words.

use crate::error::{Error, Kind};

/// An issue as a user reads it: `NodeCreationFailure: Instances failed to join the cluster (i-0a)`.
pub(super) fn issue(code: Option<&str>, message: Option<&str>, about: &[String]) -> String {
    let about = match about {
        [] => String::new(),
        ids => format!(" ({})", ids.join(", ")),
    };
    format!(
        "{}: {}{about}",
        code.unwrap_or("Unknown"),
        message.unwrap_or("EKS gives no reason")
    )
}

/// Says how to get past a name that is taken: the new one comes before the old one goes.
pub(super) fn name_taken(error: Error) -> Error {
    if error.kind() == Kind::Exists {
        error.adding("if it is the one that is to be replaced, give the new one another name, or leave the name out")
    } else {
        error
    }
}

/// A status with what is wrong.
pub(super) fn with_issues(status: &str, issues: &[String]) -> String {
    match issues {
        [] => status.to_owned(),
        issues => format!("{status} ({})", issues.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_says_what_and_whom() {
        let one = issue(
            Some("AccessDenied"),
            Some("no role"),
            &["i-0a".to_owned(), "i-0b".to_owned()],
        );
        assert_eq!(one, "AccessDenied: no role (i-0a, i-0b)");
        assert_eq!(issue(None, None, &[]), "Unknown: EKS gives no reason");
        assert_eq!(
            with_issues("DEGRADED", &[one]),
            "DEGRADED (AccessDenied: no role (i-0a, i-0b))"
        );
        assert_eq!(with_issues("CREATING", &[]), "CREATING");
    }
}
