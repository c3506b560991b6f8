//! Names of IAM's things. Source: IAM User Guide, "IAM and AWS STS quotas", "IAM name requirements".

use crate::text_type;

/// Letters, digits and `+=,.@_-`, as many as fit.
fn name(text: &str, longest: usize) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if text.is_empty() || text.len() > longest || !text.chars().all(plain) {
        return Err(format!("expected 1 to {longest} letters, digits and any of +=,.@_-"));
    }
    Ok(text.to_owned())
}

text_type!(
    /// A role's name: 1 to 64 letters, digits and any of `+=,.@_-`. An account has each name once, however it is written.
    RoleName, "the name of an IAM role", "example-role", |text| name(text, 64)
);

text_type!(
    /// A policy's name: 1 to 128 letters, digits and any of `+=,.@_-`.
    PolicyName, "the name of an IAM policy", "example-policy", |text| name(text, 128)
);

text_type!(
    /// An instance profile's name: 1 to 128 letters, digits and any of `+=,.@_-`.
    InstanceProfileName, "the name of an instance profile", "example-profile", |text| name(text, 128)
);

text_type!(
    /// Where among an account's names something stands: `/`, or words between slashes such as `/platform/`.
    IamPath, "a path of IAM", "/platform/", |text| {
        let plain = text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
        if plain && text.starts_with('/') && text.ends_with('/') {
            Ok(text.to_owned())
        } else {
            Err("expected a slash at the beginning and at the end, and no spaces".to_owned())
        }
    }
);

impl IamPath {
    /// The path of what has none: `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }
}

text_type!(
    /// A policy on a role: the role's name, a slash, and the policy's ARN.
    RolePolicyAttachmentId, "a role's name and a policy's ARN",
    "example-role/arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", |text| {
        let (role, policy) = text.split_once('/').unwrap_or((text, ""));
        name(role, 64)?;
        policy
            .parse::<crate::Arn>()
            .map(|_| text.to_owned())
            .map_err(|_| "expected `<role>/<policy ARN>`".to_owned())
    }
);

impl RolePolicyAttachmentId {
    /// Of this role and this policy.
    pub fn new(role: &RoleName, policy: &crate::Arn) -> Self {
        Self(format!("{role}/{policy}"))
    }

    /// The role's name and the policy's ARN.
    pub fn parts(&self) -> (&str, &str) {
        self.as_str().split_once('/').unwrap_or((self.as_str(), ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_have_their_form() {
        assert!("KarpenterNodeRole-demo".parse::<RoleName>().is_ok());
        assert!("a".repeat(65).parse::<RoleName>().is_err());
        assert!("with space".parse::<PolicyName>().is_err());
        assert!("/platform/".parse::<IamPath>().is_ok());
        assert!("platform".parse::<IamPath>().is_err());
    }

    #[test]
    fn an_attachment_is_a_role_and_a_policy() {
        let id: RolePolicyAttachmentId = "node/arn:aws:iam::aws:policy/service-role/X".parse().unwrap();
        assert_eq!(id.parts(), ("node", "arn:aws:iam::aws:policy/service-role/X"));
        assert!("arn:aws:iam::aws:policy/X".parse::<RolePolicyAttachmentId>().is_err());
        assert!("node/X".parse::<RolePolicyAttachmentId>().is_err());
    }
}
