//! The ids of what belongs to a cluster: `<cluster>/<name>`.

/// Parts `<cluster>/<rest>` and says what is wrong with it.
pub(super) fn parts<'a>(text: &'a str, rest: &str) -> Result<(&'a str, &'a str), String> {
    match text.split_once('/') {
        Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() && !text.contains(char::is_whitespace) => {
            Ok((cluster, name))
        }
        _ => Err(format!("expected the cluster's name, a slash and {rest}")),
    }
}

/// Declares the ids of what belongs to a cluster.
macro_rules! part_ids {
    ($($(#[$docs:meta])* $name:ident, $what:literal, $example:literal, $rest:literal;)+) => {$(
        $crate::text_type!(
            $(#[$docs])* $name, $what, $example,
            |text| $crate::eks::part_id::parts(text, $rest).map(|_| text.to_owned())
        );

        impl $name {
            /// The id of this one in that cluster.
            ///
            /// # Errors
            /// One of them is empty.
            pub fn of(cluster: &str, name: &str) -> Result<Self, $crate::text::Malformed> {
                format!("{cluster}/{name}").parse()
            }

            /// The cluster's name.
            pub fn cluster(&self) -> &str {
                self.as_str().split_once('/').map_or("", |(cluster, _)| cluster)
            }

            /// What tells it from the others in the cluster.
            pub fn name(&self) -> &str {
                self.as_str().split_once('/').map_or("", |(_, name)| name)
            }
        }
    )+};
}

part_ids! {
    /// An access entry's id: the cluster's name and the principal's ARN.
    AccessEntryId, "an access entry's id", "platform/arn:aws:iam::111122223333:role/admin", "the principal's ARN";
    /// An addon's id: the cluster's name and its own.
    AddonId, "an addon's id", "platform/coredns", "the addon's name";
    /// A managed node group's id: the cluster's name and its own.
    NodeGroupId, "a node group's id", "platform/initial", "the node group's name";
    /// A Fargate profile's id: the cluster's name and its own.
    FargateProfileId, "a Fargate profile's id", "platform/system", "the profile's name";
    /// A pod identity association's id: the cluster's name and EKS's id of it.
    PodIdentityAssociationId, "a pod identity association's id", "platform/a-0123456789abcdef0", "the association's id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_parted_at_the_first_slash() {
        let id: AccessEntryId = "platform/arn:aws:iam::111122223333:role/team/admin".parse().unwrap();
        assert_eq!(
            (id.cluster(), id.name()),
            ("platform", "arn:aws:iam::111122223333:role/team/admin")
        );
        for wrong in ["platform", "/coredns", "platform/", "no id!"] {
            assert!(wrong.parse::<AddonId>().is_err(), "{wrong}");
        }
    }
}
