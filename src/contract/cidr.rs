//! Address ranges: parsed, split and compared by arithmetic, never as text.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::text_type;

/// Why a text is no range, with the range that was probably meant.
fn parse_v4(text: &str) -> Result<String, String> {
    let net: Ipv4Net = text
        .parse()
        .map_err(|_| "expected four numbers and a prefix length".to_owned())?;
    if net.addr() == net.network() {
        Ok(net.to_string())
    } else {
        Err(format!("bits are set beyond its prefix; did you mean {}?", net.trunc()))
    }
}

fn parse_v6(text: &str) -> Result<String, String> {
    let net: Ipv6Net = text
        .parse()
        .map_err(|_| "expected an IPv6 address and a prefix length".to_owned())?;
    if net.addr() == net.network() {
        Ok(net.to_string())
    } else {
        Err(format!("bits are set beyond its prefix; did you mean {}?", net.trunc()))
    }
}

text_type!(
    /// A range of IPv4 addresses, such as `10.0.0.0/16`.
    Ipv4Cidr, "an IPv4 CIDR block", "10.0.0.0/16", parse_v4
);

text_type!(
    /// A range of IPv6 addresses, such as `2001:db8::/56`.
    Ipv6Cidr, "an IPv6 CIDR block", "2001:db8::/56", parse_v6
);

text_type!(
    /// An IPv4 address, such as `10.0.0.4`.
    Ipv4Address, "an IPv4 address", "10.0.0.4", |text| {
        text.parse::<Ipv4Addr>()
            .map(|address| address.to_string())
            .map_err(|_| "expected four numbers from 0 to 255 joined by dots".to_owned())
    }
);

impl Ipv4Cidr {
    /// The range that holds an address, of a prefix length of at most 32.
    pub fn of(address: Ipv4Addr, prefix: u8) -> Self {
        Self::from(Ipv4Net::new_assert(address, prefix.min(32)))
    }

    /// Every IPv4 address.
    pub fn everywhere() -> Self {
        Self::from(Ipv4Net::default())
    }

    fn net(&self) -> Ipv4Net {
        // Parsed at the door: a text of another form cannot be held.
        self.as_str().parse().unwrap_or_default()
    }

    /// The prefix length, 0 to 32.
    pub fn prefix(&self) -> u8 {
        self.net().prefix_len()
    }

    /// Whether it is wider than the widest that was ever anybody's own: a few of these are the whole internet.
    pub fn is_wide(&self) -> bool {
        self.prefix() < 8
    }

    /// The first address.
    pub fn first(&self) -> Ipv4Addr {
        self.net().network()
    }

    /// How many addresses.
    pub fn size(&self) -> u64 {
        1 << (32 - u32::from(self.prefix()))
    }

    /// Whether the other lies within this one.
    pub fn contains(&self, other: &Self) -> bool {
        self.net().contains(&other.net())
    }

    /// Whether the two share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The ranges of a longer prefix within this one, in order; none when the prefix is not longer or above 32.
    pub fn subnets(&self, prefix: u8) -> Vec<Self> {
        self.net()
            .subnets(prefix)
            .map(|nets| nets.map(Self::from).collect())
            .unwrap_or_default()
    }
}

impl From<Ipv4Net> for Ipv4Cidr {
    fn from(net: Ipv4Net) -> Self {
        Self(net.trunc().to_string())
    }
}

impl Ipv6Cidr {
    /// Every IPv6 address.
    pub fn everywhere() -> Self {
        Self::from(Ipv6Net::default())
    }

    fn net(&self) -> Ipv6Net {
        self.as_str().parse().unwrap_or_default()
    }

    /// Whether it is wider than any that is anybody's own, as [`Ipv4Cidr::is_wide`].
    pub fn is_wide(&self) -> bool {
        self.prefix() < 16
    }

    /// The prefix length, 0 to 128.
    pub fn prefix(&self) -> u8 {
        self.net().prefix_len()
    }

    /// The first address.
    pub fn first(&self) -> Ipv6Addr {
        self.net().network()
    }

    /// Whether the other lies within this one.
    pub fn contains(&self, other: &Self) -> bool {
        self.net().contains(&other.net())
    }

    /// The range number `index` of a longer prefix within this one.
    pub fn subnet(&self, prefix: u8, index: usize) -> Option<Self> {
        self.net().subnets(prefix).ok()?.nth(index).map(Self::from)
    }
}

impl From<Ipv6Net> for Ipv6Cidr {
    fn from(net: Ipv6Net) -> Self {
        Self(net.trunc().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> Ipv4Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn stray_bits_are_refused_with_the_range_that_was_meant() {
        let error = "10.0.0.1/16".parse::<Ipv4Cidr>().unwrap_err().to_string();
        assert!(error.contains("did you mean 10.0.0.0/16?"), "{error}");
    }

    #[test]
    fn containment_and_overlap() {
        assert!(v4("10.0.0.0/16").contains(&v4("10.0.255.0/24")));
        assert!(!v4("10.0.0.0/16").contains(&v4("10.1.0.0/24")));
        assert!(v4("10.0.0.0/24").overlaps(&v4("10.0.0.0/16")));
        assert!(!v4("10.0.0.0/24").overlaps(&v4("10.0.1.0/24")));
    }

    #[test]
    fn splitting() {
        let subnets = v4("10.200.0.0/16").subnets(20);
        assert_eq!(subnets.len(), 16);
        assert_eq!(subnets[2].as_str(), "10.200.32.0/20");
        assert!(v4("10.0.0.0/24").subnets(16).is_empty());
        assert_eq!(
            "2001:db8::/56"
                .parse::<Ipv6Cidr>()
                .unwrap()
                .subnet(64, 3)
                .unwrap()
                .as_str(),
            "2001:db8:0:3::/64"
        );
    }

    #[test]
    fn spelling_of_ipv6_is_canonical() {
        assert_eq!(
            "2001:0DB8:0::/56".parse::<Ipv6Cidr>().unwrap().as_str(),
            "2001:db8::/56"
        );
    }
}
