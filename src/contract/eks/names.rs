//! The texts of EKS: names, versions, ranges.

use crate::{Ipv4Cidr, Ipv6Cidr, text_type};

text_type!(
    /// A cluster's name: 1 to 100 letters, digits, hyphens and underscores, beginning with a letter or a digit.
    /// Source: EKS API Reference, `CreateCluster`.
    ClusterName, "the name of an EKS cluster", "platform", |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > 100 {
            Err("expected 1 to 100 characters".to_owned())
        } else if !text.bytes().all(allowed) {
            Err("expected letters, digits, hyphens and underscores".to_owned())
        } else if text.starts_with(['-', '_']) {
            Err("expected a letter or a digit at the beginning".to_owned())
        } else {
            Ok(text.to_owned())
        }
    }
);

text_type!(
    /// A version of Kubernetes as EKS counts them: `1.35`. Patches are EKS's own matter.
    KubernetesVersion, "a version of Kubernetes", "1.35", |text| {
        let number = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.split('.').collect::<Vec<_>>().as_slice() {
            ["1", minor] if number(minor) => Ok(text.to_owned()),
            ["1" | "v1", minor, ..] if number(minor) => Err(format!("EKS takes no patch and no `v`; write 1.{minor}")),
            _ => Err("expected `1.` and a number".to_owned()),
        }
    }
);

impl KubernetesVersion {
    /// The number after the point: EKS goes from one to the next.
    pub fn minor(&self) -> u32 {
        self.as_str()
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok())
            .unwrap_or_default()
    }

    /// The version after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self(format!("1.{}", self.minor() + 1))
    }
}

text_type!(
    /// A range of addresses, IPv4 or IPv6.
    AccessCidr, "a range of IPv4 or IPv6 addresses", "203.0.113.0/24", |text| {
        match (text.parse::<Ipv4Cidr>(), text.parse::<Ipv6Cidr>()) {
            (Ok(cidr), _) => Ok(cidr.to_string()),
            (_, Ok(cidr)) => Ok(cidr.to_string()),
            (Err(why), _) if !text.contains(':') => Err(why.why),
            (_, Err(why)) => Err(why.why),
        }
    }
);

impl AccessCidr {
    /// Whether it is every address that there is, or so many that a few such ranges are.
    pub fn is_wide(&self) -> bool {
        let text = self.as_str();
        text.parse::<Ipv4Cidr>().is_ok_and(|cidr| cidr.is_wide())
            || text.parse::<Ipv6Cidr>().is_ok_and(|cidr| cidr.is_wide())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_have_ekss_form() {
        for name in ["a", "demo-k8s_1", "9lives"] {
            assert!(name.parse::<ClusterName>().is_ok(), "{name}");
        }
        for name in ["", "-a", "_a", "a.b", "a b", &"a".repeat(101)] {
            assert!(name.parse::<ClusterName>().is_err(), "{name}");
        }
        let version: KubernetesVersion = "1.9".parse().unwrap();
        assert_eq!((version.minor(), version.next().as_str()), (9, "1.10"));
        for version in ["1", "1.", "2.0", "latest", "1.x"] {
            assert!(version.parse::<KubernetesVersion>().is_err(), "{version}");
        }
        let patched = "v1.35.2".parse::<KubernetesVersion>().unwrap_err();
        assert!(patched.why.contains("write 1.35"), "{patched}");
    }

    #[test]
    fn a_wide_range_is_nobodys_own() {
        for (text, wide) in [
            ("0.0.0.0/0", true),
            ("::/0", true),
            ("128.0.0.0/1", true),
            ("16.0.0.0/7", true),
            ("17.0.0.0/8", false),
            ("203.0.113.0/24", false),
            ("2000::/3", true),
            ("2001:db8::/32", false),
        ] {
            assert_eq!(text.parse::<AccessCidr>().unwrap().is_wide(), wide, "{text}");
        }
        assert!("203.0.113.1/24".parse::<AccessCidr>().is_err());
    }
}
