//! A reply of the testbed beside the recorded one.

use serde_json::Value;

use crate::real::{Kept, fill};

/// Members that depend on what a site has switched on, or on the services' inner works.
const OF_THE_SITE: &[(&str, &str)] = &[
    ("availability_zones", "the recorded site has no network agents"),
    ("belongs_to_default_sg", "Neutron tells it only where it has it at hand"),
    ("dns_assignment", "the recorded site names its ports"),
    ("dns_domain", "the recorded site names its ports"),
    ("is_default", "an extension that clients of a course never meet"),
    ("l2_adjacency", "the recorded site has no segments"),
    ("segment_id", "the recorded site has no segments"),
    ("mtu", "the size of a packet is each site's own"),
    ("port_forwardings", "the recorded site has no port forwarding"),
    ("qos_policy_id", "the recorded site has no quality of service"),
    ("qos_network_policy_id", "the recorded site has no quality of service"),
    ("dns_publish_fixed_ip", "the recorded site doesn't publish names"),
    ("dns_name", "the recorded site names its ports"),
    ("device", "the hypervisor's own name"),
    ("volume_type", "each site has its own"),
    ("revision_number", "counts what services write behind the scenes, too"),
    ("standard_attr_id", "an inner number that the services let slip"),
    ("router:external", "subnets tell it since a release that the testbed doesn't follow"),
    ("links", "they hold addresses of hosts"),
    ("extras", "Chameleon's fork adds it"),
    ("on_start", "Chameleon's fork tells it"),
    ("aggregate_id", "numbers of aggregates that users never see"),
];

/// Lists whose order means nothing.
const UNORDERED: &[&str] =
    &["security_group_rules", "security_groups", "tags", "subnets", "ports", "events"];

/// A reply beside the expected one.
pub(crate) struct Comparison<'a> {
    pub(crate) kept: &'a Kept,
    /// Members that differ, with the reason of each.
    pub(crate) apart: &'a Value,
    /// Where the list stands in which other members may stand, too, and in any order.
    pub(crate) among: Option<&'a str>,
    pub(crate) differences: &'a mut Vec<String>,
}

impl Comparison<'_> {
    pub(crate) fn compare(&mut self, at: &str, expected: &Value, actual: &Value) {
        let name = at.rsplit('/').next().unwrap_or_default();
        if self.apart.get(at).is_some() {
            return;
        }
        let (expected, actual) = if UNORDERED.contains(&name) {
            (&self.sorted(expected), &self.sorted(actual))
        } else {
            (expected, actual)
        };
        match (expected, actual) {
            (Value::Array(expected), Value::Array(actual)) if self.among == Some(at) => {
                self.members_among(at, expected, actual);
            }
            (Value::Object(expected), Value::Object(actual)) => self.members(at, expected, actual),
            (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
                for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.compare(&format!("{at}/{index}"), expected, actual);
                }
            }
            (Value::String(expected), Value::String(actual)) => {
                if !fits(&fill(expected, self.kept), actual) {
                    self.differs(
                        at,
                        &format!("{actual:?} instead of {:?}", fill(expected, self.kept)),
                    );
                }
            }
            (expected, actual) if expected == actual => {}
            (expected, actual) => self.differs(at, &format!("{actual} instead of {expected}")),
        }
    }

    /// Looks for each expected member among the actual ones.
    fn members_among(&mut self, at: &str, expected: &[Value], actual: &[Value]) {
        for (index, expected) in expected.iter().enumerate() {
            let at = format!("{at}/{index}");
            let nearest = actual
                .iter()
                .map(|actual| {
                    let mut differences = Vec::new();
                    let mut one = Comparison {
                        kept: self.kept,
                        apart: self.apart,
                        among: None,
                        differences: &mut differences,
                    };
                    one.compare(&at, expected, actual);
                    differences
                })
                .min_by_key(Vec::len);
            match nearest {
                Some(nearest) => self.differences.extend(nearest),
                None => self.differs(&at, "the list is empty"),
            }
        }
    }

    fn members(
        &mut self,
        at: &str,
        expected: &serde_json::Map<String, Value>,
        actual: &serde_json::Map<String, Value>,
    ) {
        for (key, value) in expected {
            let inner = format!("{at}/{key}");
            if OF_THE_SITE.iter().any(|(name, _)| name == key) {
                continue;
            }
            let key = fill(key, self.kept);
            let found = actual.iter().find(|(name, _)| fits(&key, name));
            match found {
                Some((_, actual)) => self.compare(&inner, value, actual),
                None if self.apart.get(&inner).is_some() => {}
                None => self.differs(&inner, &format!("missing, should be {value}")),
            }
        }
        for (key, value) in actual {
            let inner = format!("{at}/{key}");
            let of_the_site = OF_THE_SITE.iter().any(|(name, _)| name == key);
            let known =
                of_the_site || expected.keys().any(|name| fits(&fill(name, self.kept), key));
            let more = self.apart.get(format!("{at}/*")).is_some();
            if !known && !more && self.apart.get(&inner).is_none() {
                self.differs(&inner, &format!("should be missing, is {value}"));
            }
        }
    }

    /// Returns a list in an order of its elements' own: by what they say apart from ids and times.
    fn sorted(&self, list: &Value) -> Value {
        const TELLING: [&str; 9] = [
            "direction",
            "ethertype",
            "protocol",
            "port_range_min",
            "remote_ip_prefix",
            "name",
            "device_owner",
            "fixed_ips",
            "event_type",
        ];
        let Value::Array(elements) = list else { return list.clone() };
        let mut elements = elements.clone();
        elements.sort_by_key(|element| match element {
            Value::String(text) => fill(text, self.kept),
            other => TELLING.map(|key| fill(&other[key].to_string(), self.kept)).join(" "),
        });
        elements.into()
    }

    fn differs(&mut self, at: &str, what: &str) {
        self.differences.push(format!("{at}: {what}"));
    }
}

/// Returns whether a text is the expected one, in which `<…>` stands for some text.
fn fits(expected: &str, actual: &str) -> bool {
    const STAND_INS: [&str; 7] =
        ["<id>", "<time>", "<mac>", "<address>", "<text>", "<url>", "<request>"];
    let next = STAND_INS.iter().filter_map(|one| Some((expected.find(one)?, one.len()))).min();
    let Some((before, length)) = next else { return expected == actual };
    let (Some(head), Some(tail)) = (expected.get(..before), expected.get(before + length..)) else {
        return false;
    };
    let Some(rest) = actual.strip_prefix(head) else { return false };
    (1..=rest.len()).filter_map(|end| rest.get(end..)).any(|rest| fits(tail, rest))
}
