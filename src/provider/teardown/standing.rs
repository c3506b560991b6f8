//! What still stands: one thing, what it costs, and what removes it.

use std::fmt;

use groundwork_contract::prices::Monthly;

/// What a thing costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cost {
    /// Nothing.
    Free,
    /// About this much.
    About(Monthly),
    /// Something, and the price file does not know how much.
    Unknown,
}

impl Cost {
    /// What the price file says.
    pub(super) fn of(price: Option<Monthly>) -> Self {
        price.map_or(Self::Unknown, Self::About)
    }
}

/// One thing of the platform's that is still there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    /// What it is: `NAT gateway`.
    pub(super) kind: String,
    /// Its id or name.
    pub(super) id: String,
    /// What it costs.
    pub(super) cost: Cost,
    /// The command that removes it.
    pub(super) removal: String,
    /// Whether it may stay.
    pub(super) kept: bool,
}

impl Standing {
    /// Whether an audit must not pass over it.
    pub(super) fn counts(&self) -> bool {
        self.cost != Cost::Free && !self.kept
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            id,
            cost,
            removal,
            kept: _,
        } = self;
        write!(f, "{kind} {id} (")?;
        match cost {
            Cost::Free => f.write_str("free")?,
            Cost::About(price) => write!(f, "about {price}")?,
            Cost::Unknown => f.write_str("it costs, how much is not known here")?,
        }
        write!(f, "; {removal})")
    }
}

/// What all of them cost, in words.
pub(super) fn summary(standing: &[&Standing]) -> String {
    let mut total = 0.0;
    let mut at_least = "";
    for one in standing {
        match one.cost {
            Cost::Free => {}
            Cost::About(Monthly(price)) => total += price,
            Cost::Unknown => at_least = "at least ",
        }
    }
    let things = match standing.len() {
        1 => "1 thing of this platform still stands and costs".to_owned(),
        many => format!("{many} things of this platform still stand and cost"),
    };
    format!("{things} {at_least}about {}", Monthly(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(id: &str, cost: Cost) -> Standing {
        Standing {
            kind: "NAT gateway".to_owned(),
            id: id.to_owned(),
            cost,
            removal: format!("aws ec2 delete-nat-gateway --nat-gateway-id {id}"),
            kept: false,
        }
    }

    #[test]
    fn a_thing_is_told_with_its_price_and_the_way_to_remove_it() {
        assert_eq!(
            standing("nat-1", Cost::About(Monthly(32.85))).to_string(),
            "NAT gateway nat-1 (about $32.85 a month; aws ec2 delete-nat-gateway --nat-gateway-id nat-1)"
        );
    }

    #[test]
    fn prices_add_up_and_an_unknown_one_is_told() {
        let (one, other) = (
            standing("nat-1", Cost::About(Monthly(32.85))),
            standing("nat-2", Cost::Unknown),
        );
        assert_eq!(
            summary(&[&one]),
            "1 thing of this platform still stands and costs about $32.85 a month"
        );
        assert_eq!(
            summary(&[&one, &other]),
            "2 things of this platform still stand and cost at least about $32.85 a month"
        );
    }

    #[test]
    fn what_is_free_or_may_stay_does_not_count() {
        assert!(!standing("nat-1", Cost::Free).counts());
        assert!(standing("nat-1", Cost::Unknown).counts());
        let mut kept = standing("nat-1", Cost::Unknown);
        kept.kept = true;
        assert!(!kept.counts());
    }
}
