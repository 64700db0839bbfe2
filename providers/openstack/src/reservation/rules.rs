//! Chameleon's rules, as data: `data/chameleon.json`. They hold where the region is one of its sites.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::Deserialize;

use super::date;
use super::part::{Part, PartKind};

/// The rules of a testbed.
#[derive(Debug, Deserialize)]
pub(super) struct Rules {
    regions: Vec<String>,
    home_zone: String,
    /// What Blazar puts in for an empty filter of hosts.
    pub(super) default_filter: String,
    cleaning_minutes: i64,
    longest: Longest,
    extension: Extension,
    /// When idle leases are taken back.
    pub(super) idle_hours: Idle,
    /// What one project should not hold.
    pub(super) stacking: Stacking,
    rates_milli: Rates,
}

#[derive(Debug, Deserialize)]
struct Longest {
    host_hours: i64,
    gpu_flavor_prefix: String,
    gpu_flavor_hours: i64,
    flavor_months: i32,
}

#[derive(Debug, Deserialize)]
struct Extension {
    last_hours: i64,
    last_part: (i32, i32),
}

/// After how many hours a lease whose hosts nobody uses is looked at, warned of, ended.
#[derive(Debug, Deserialize)]
pub(super) struct Idle {
    /// From how many hours on we look.
    pub(super) look: i64,
    /// After how many hours its owner is warned.
    pub(super) warned: i64,
    /// After how many hours it is ended.
    pub(super) ended: i64,
}

/// How much of a node, or of a type, one project should hold at most.
#[derive(Debug, Deserialize)]
pub(super) struct Stacking {
    pub(super) days: i64,
    pub(super) percent_of_node: i64,
    pub(super) percent_of_type: usize,
    pub(super) type_larger_than: usize,
}

#[derive(Debug, Deserialize)]
struct Rates {
    host: BTreeMap<String, u64>,
    flavor: BTreeMap<String, u64>,
    flavor_ids: BTreeMap<String, String>,
    network: u64,
    stitchable_network: u64,
    floatingip: u64,
}

static RULES: LazyLock<Option<Rules>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/chameleon.json")).ok());

/// Returns the rules that hold in a region; `None` where it is no testbed that we know.
pub(super) fn of(region: &str) -> Option<&'static Rules> {
    let rules = RULES.as_ref()?;
    rules.regions.iter().any(|prefix| region.starts_with(prefix.as_str())).then_some(rules)
}

/// Returns the time zone of the testbed's own sites.
pub(super) fn home() -> Option<TimeZone> {
    TimeZone::get(&RULES.as_ref()?.home_zone).ok()
}

impl Rules {
    /// Returns how long things are cleaned before and after each lease.
    pub(super) fn cleaning(&self) -> SignedDuration {
        SignedDuration::from_mins(self.cleaning_minutes)
    }

    /// Returns the latest end of a lease that is counted from `from`, and the limit in words; `None`
    /// where no part of it has one.
    pub(super) fn latest_end(
        &self,
        parts: &[Part],
        from: Timestamp,
    ) -> Option<(Timestamp, String)> {
        parts.iter().filter_map(|part| self.limit(part, from)).min_by_key(|(end, _)| *end)
    }

    fn limit(&self, part: &Part, from: Timestamp) -> Option<(Timestamp, String)> {
        let hours = |hours: i64, what: &str| {
            let length = SignedDuration::from_hours(hours);
            (date::later(from, length), format!("{} for {what}", date::span(length)))
        };
        match part.kind {
            PartKind::Host => Some(hours(self.longest.host_hours, "bare metal")),
            PartKind::Flavor => match self.flavor_name(part) {
                Some(name) if name.starts_with(&self.longest.gpu_flavor_prefix) => {
                    Some(hours(self.longest.gpu_flavor_hours, "GPU flavors"))
                }
                Some(_) => {
                    let months = self.longest.flavor_months;
                    let end = from
                        .to_zoned_datetime(TimeZone::UTC)
                        .checked_add(Span::new().months(months));
                    Some((end.ok()?.timestamp(), format!("{months} months for virtual machines")))
                }
                None => None,
            },
            _ => None,
        }
    }

    /// Returns from when a lease that ends at `end` can be extended: leases without a longest length have
    /// their last hours for it, too.
    pub(super) fn extension_opens(&self, parts: &[Part], end: Timestamp) -> Timestamp {
        let (part, of) = self.extension.last_part;
        let last_part = self
            .latest_end(parts, end)
            .and_then(|(far, _)| far.duration_since(end).checked_mul(part)?.checked_div(of));
        let last_hours = SignedDuration::from_hours(self.extension.last_hours);
        date::earlier(end, last_part.unwrap_or(last_hours).max(last_hours))
    }

    fn flavor_name<'p>(&'p self, part: &'p Part) -> Option<&'p str> {
        part.text("flavor_name").or_else(|| {
            self.rates_milli.flavor_ids.get(part.text("flavor_id")?).map(String::as_str)
        })
    }

    /// Returns what one of the things of a part costs an hour, in thousandths of a service unit.
    pub(super) fn rate_milli(&self, part: &Part) -> Option<u64> {
        let filter = part.text("resource_properties").unwrap_or_default();
        let conditions = super::filter::parse(filter).ok()?;
        let demanded = |name: &str| super::filter::demanded(&conditions, name);
        match part.kind {
            PartKind::Host => self.rates_milli.host.get(demanded("node_type")?).copied(),
            PartKind::Flavor => self.rates_milli.flavor.get(self.flavor_name(part)?).copied(),
            PartKind::Network => Some(match demanded("stitch_provider") {
                None | Some("none") => self.rates_milli.network,
                Some(_) => self.rates_milli.stitchable_network,
            }),
            PartKind::FloatingIp => Some(self.rates_milli.floatingip),
            PartKind::Instance | PartKind::Device | PartKind::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_those_of_chameleon_and_of_nobody_else() {
        assert!(of("KVM@TACC").is_some() && of("CHI@UC").is_some());
        assert!(of("RegionOne").is_none() && of("").is_none());
        assert_eq!(home().unwrap().iana_name(), Some("America/Chicago"));
    }

    #[test]
    fn an_extension_opens_for_its_last_two_sevenths_or_two_days() {
        let rules = of("CHI@UC").unwrap();
        let part = |kind, name: &str, text: &str| {
            let values = [(name.into(), terrarium_value::Value::string(text))].into();
            vec![Part { kind, at: 0, values }]
        };
        let end: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        let opens = |parts: &[Part]| date::stored(rules.extension_opens(parts, end));
        let host = part(PartKind::Host, "name", "x");
        assert_eq!(opens(&host), "2026-06-29T12:00:00Z");
        // From July on, six months have 184 days.
        let flavor = part(PartKind::Flavor, "flavor_id", "3");
        assert_eq!(opens(&flavor), "2026-05-09T22:17:08Z");
        assert_eq!(opens(&part(PartKind::FloatingIp, "pool", "public")), "2026-06-29T12:00:00Z");
    }
}
