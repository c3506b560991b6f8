//! AWS's own vocabulary: partitions, regions, accounts, zones, ARNs.

use std::fmt;

use crate::text_type;

text_type!(
    /// A region's code, such as `eu-central-1`. Source: EC2 User Guide, "Regions and Zones".
    Region, "an AWS region", "eu-central-1", |text| {
        let parts: Vec<&str> = text.split('-').collect();
        let letters = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
        match parts.as_slice() {
            [words @ .., number]
                if words.len() >= 2
                    && words.iter().all(letters)
                    && !number.is_empty()
                    && number.bytes().all(|b| b.is_ascii_digit()) => Ok(text.to_owned()),
            _ => Err("expected words and a number joined by hyphens".to_owned()),
        }
    }
);

text_type!(
    /// An AWS account's id: twelve digits.
    AccountId, "an AWS account id", "111122223333", |text| {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(text.to_owned())
        } else {
            Err("expected twelve digits".to_owned())
        }
    }
);

text_type!(
    /// An Availability Zone's name, such as `eu-central-1a`.
    ZoneName, "the name of an Availability Zone", "eu-central-1a", |text| {
        let region = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
        if region.len() < text.len() && region.ends_with(|c: char| c.is_ascii_digit()) && text.contains('-') {
            Ok(text.to_owned())
        } else {
            Err("expected a region's code and a letter".to_owned())
        }
    }
);

text_type!(
    /// An Amazon Resource Name. Source: IAM User Guide, "Amazon Resource Names (ARNs)".
    Arn, "an ARN", "arn:aws:s3:::bucket", |text| {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, _, _, resource] if !partition.is_empty() && !service.is_empty() && !resource.is_empty() => {
                Ok(text.to_owned())
            }
            _ => Err("expected `arn:<partition>:<service>:<region>:<account>:<resource>`".to_owned()),
        }
    }
);

impl Arn {
    fn part(&self, index: usize) -> &str {
        self.as_str().splitn(6, ':').nth(index).unwrap_or_default()
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`…
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The service: `ec2`, `s3`, `logs`…
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region; empty for what is global.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account; empty where AWS leaves it out.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// The resource, with its kind.
    pub fn resource(&self) -> &str {
        self.part(5)
    }
}

/// A partition of AWS: a group of regions with accounts, names and prices of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The standard partition.
    Standard,
    /// China.
    China,
    /// GovCloud (US).
    GovCloud,
    /// The European Sovereign Cloud.
    EuropeanSovereign,
    /// Isolated regions (`us-iso`, `us-isob`, `eu-isoe`, `us-isof`).
    Isolated(&'static str, &'static str),
}

impl Partition {
    /// The partition of a region. Source: AWS General Reference, "Service endpoints", and botocore's `partitions.json`.
    pub fn of(region: &Region) -> Self {
        let region = region.as_str();
        match region.split('-').next().unwrap_or_default() {
            "cn" => Self::China,
            "eusc" => Self::EuropeanSovereign,
            _ if region.starts_with("us-gov-") => Self::GovCloud,
            _ if region.starts_with("us-iso-") => Self::Isolated("aws-iso", "c2s.ic.gov"),
            _ if region.starts_with("us-isob-") => Self::Isolated("aws-iso-b", "sc2s.sgov.gov"),
            _ if region.starts_with("eu-isoe-") => Self::Isolated("aws-iso-e", "cloud.adc-e.uk"),
            _ if region.starts_with("us-isof-") => Self::Isolated("aws-iso-f", "csp.hci.ic.gov"),
            _ => Self::Standard,
        }
    }

    /// Its name in ARNs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::EuropeanSovereign => "aws-eusc",
            Self::Isolated(name, _) => name,
        }
    }

    /// The suffix of its DNS names.
    pub const fn dns_suffix(self) -> &'static str {
        match self {
            Self::Standard | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::EuropeanSovereign => "amazonaws.eu",
            Self::Isolated(_, suffix) => suffix,
        }
    }

    /// The first words of the names of its endpoint services, as in `com.amazonaws.eu-central-1.s3`.
    pub fn reverse_dns_prefix(self) -> String {
        self.dns_suffix().split('.').rev().collect::<Vec<_>>().join(".")
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_know_their_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(Partition::of(&region.parse().unwrap()).name(), partition);
        }
    }

    #[test]
    fn endpoint_services_are_named_backwards() {
        assert_eq!(Partition::China.reverse_dns_prefix(), "cn.com.amazonaws");
    }

    #[test]
    fn malformed_text_is_refused_with_its_reason() {
        assert!("eu-central".parse::<Region>().is_err());
        assert!("Frankfurt".parse::<Region>().is_err());
        assert!("12345".parse::<AccountId>().is_err());
        assert!("eu-central-1".parse::<ZoneName>().is_err());
        assert!("arn:aws".parse::<Arn>().is_err());
        assert_eq!("arn:aws:s3:::b".parse::<Arn>().unwrap().service(), "s3");
    }
}
