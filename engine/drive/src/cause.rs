//! What failed for the same cause is told once: 480 servers and one quota are one line a round.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use terrarium_address::{InstanceKey, ResourceAddr};
use terrarium_diagnostic::{Code, Diagnostics, Severity};

use crate::came::{FailedDue, Prospect};

/// What failed in a round for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// The instances, in the order of addresses.
    pub addrs: Vec<ResourceAddr>,
    /// Why the first of them failed, in a line.
    pub why: String,
    /// What comes next, of all of them the soonest.
    pub prospect: Prospect,
}

/// Brings together what failed for the same cause and has the same kind of prospect.
pub(crate) fn setbacks(failed: &[FailedDue]) -> Vec<Setback> {
    let mut known: BTreeMap<(String, u8), usize> = BTreeMap::new();
    let mut found: Vec<Setback> = Vec::new();
    let mut failed: Vec<&FailedDue> = failed.iter().collect();
    failed.sort_by(|one, other| one.addr.cmp(&other.addr));
    for one in failed {
        let kind = match one.prospect {
            Prospect::Again(_) => 0,
            Prospect::Closes(_) => 1,
            Prospect::GivenUp => 2,
        };
        let place = *known.entry((cause(&one.why, &one.addr), kind)).or_insert(found.len());
        if let Some(setback) = found.get_mut(place) {
            setback.addrs.push(one.addr.clone());
            setback.prospect = setback.prospect.sooner(one.prospect);
        } else {
            let (addrs, why) = (vec![one.addr.clone()], one.why.clone());
            found.push(Setback { addrs, why, prospect: one.prospect });
        }
    }
    found
}

/// How many instances a condensed error names.
const NAMED: usize = 3;

/// Says once what befell many instances for the same cause, with how many they are.
pub(crate) fn condensed(found: &Diagnostics) -> Diagnostics {
    let mut known: BTreeMap<(Severity, Code, String), (usize, Vec<&ResourceAddr>)> =
        BTreeMap::new();
    let mut said = Diagnostics::new();
    for one in found {
        let Some(addr) = &one.origin.addr else {
            said.push(one.clone());
            continue;
        };
        let key = cause(&format!("{}: {}", one.summary, one.detail), addr);
        match known.entry((one.severity, one.code, key)) {
            Entry::Occupied(mut first) => first.get_mut().1.push(addr),
            Entry::Vacant(first) => {
                first.insert((said.0.len(), Vec::new()));
                said.push(one.clone());
            }
        }
    }
    for (at, others) in known.into_values().filter(|(_, others)| !others.is_empty()) {
        let mut names: Vec<String> = others.iter().take(NAMED).map(ToString::to_string).collect();
        if others.len() > NAMED {
            names.push(format!("{} more", others.len() - NAMED));
        }
        if let Some(first) = said.0.get_mut(at) {
            first.detail = format!("{}\nThe same befell {}.", first.detail, names.join(", "));
        }
    }
    said
}

/// Leaves out the errors that setbacks tell already.
pub(crate) fn untold(diagnostics: &Diagnostics, failed: &[&ResourceAddr]) -> Diagnostics {
    let told: std::collections::BTreeSet<&ResourceAddr> = failed.iter().copied().collect();
    let is_told = |addr: &ResourceAddr| told.contains(addr);
    let rest = diagnostics
        .iter()
        .filter(|one| !(one.is_error() && one.origin.addr.as_ref().is_some_and(is_told)));
    Diagnostics(rest.cloned().collect())
}

/// Returns what failures of one cause have in common: their words without the numbers, the ids of objects and
/// requests, and the key of the instance, which names are made of.
fn cause(why: &str, addr: &ResourceAddr) -> String {
    let keyless = match &addr.key {
        InstanceKey::Str(key) if !key.is_empty() => why.replace(&**key, "#"),
        _ => why.to_owned(),
    };
    shared_words(&keyless)
}

/// Returns words without the numbers and the ids of objects and requests.
pub(crate) fn shared_words(words: &str) -> String {
    let mut shared = String::with_capacity(words.len());
    for word in words.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '-')) {
        let (word, end) = match word.char_indices().next_back() {
            Some((at, last)) if !(last.is_alphanumeric() || last == '-') => word.split_at(at),
            _ => (word, ""),
        };
        if is_id(word) {
            shared.push('#');
        } else {
            for c in word.chars() {
                match c.is_ascii_digit() {
                    true if shared.ends_with('#') => {}
                    true => shared.push('#'),
                    false => shared.push(c),
                }
            }
        }
        shared.push_str(end);
    }
    shared
}

/// Returns whether a word is the id of an object or a request: hexadecimal digits, at least one of them no letter.
fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix("req-").unwrap_or(word);
    digits.len() >= 8
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use terrarium_diagnostic::Diagnostic;

    use super::*;

    fn failed(addr: &str, why: &str, again: i64) -> FailedDue {
        let again = Timestamp::from_second(again).unwrap();
        let prospect = Prospect::Again(again);
        FailedDue { addr: addr.parse().unwrap(), why: why.to_owned(), prospect }
    }

    /// Groups failures, and returns how many there are of each, with the first one's words.
    fn groups(failed: &[FailedDue]) -> Vec<(usize, String)> {
        setbacks(failed).into_iter().map(|one| (one.addrs.len(), one.why)).collect()
    }

    #[test]
    fn one_quota_is_one_cause_however_many_it_befell() {
        let many: Vec<FailedDue> = (0..480)
            .map(|n| {
                let why = format!(
                    "Error creating a server: POST /v2.1/servers: 403: Quota exceeded for instances: Requested 1, but \
                     already used {n} of 480 (req-{n:08x}-1c4e-4b1f-9a55-0123456789ab)"
                );
                failed(&format!("lab_server.s[{n}]"), &why, 100)
            })
            .collect();
        let found = setbacks(&many);
        assert_eq!((found.len(), found[0].addrs.len()), (1, 480));
        assert!(found[0].why.contains("used 0 of 480"), "{}", found[0].why);
    }

    #[test]
    fn what_keeps_a_round_from_being_planned_is_said_once_a_cause() {
        let about = |n: usize| {
            let addr = format!("lab_server.s[{n}]").parse().unwrap();
            Diagnostic::error(Code("T0000"), "No such image")
                .detail(format!("No image fits server s-{n}."))
                .about(addr)
        };
        let mut found: Diagnostics = Diagnostics((0..480).map(about).collect());
        found.push(Diagnostic::error(Code("T0000"), "No such image"));
        let said = condensed(&found);
        assert_eq!(said.0.len(), 2);
        let detail = &said.0[0].detail;
        assert!(detail.ends_with("lab_server.s[2], lab_server.s[3], 476 more."), "{detail}");
    }

    #[test]
    fn names_that_are_made_of_keys_are_no_cause_of_their_own() {
        let of = |key: &str| {
            let why = format!(
                "no port for \"lab-{key}\" on 7d1f0d2a-55aa-4c1e-8f2e-1122334455{:02}",
                key.len()
            );
            failed(&format!("module.m[\"x\"].lab_server.s[\"{key}\"]"), &why, 100)
        };
        assert_eq!(groups(&[of("train"), of("serve"), of("alice")]).len(), 1);
    }

    #[test]
    fn other_words_are_another_cause_and_the_soonest_try_is_named() {
        let found = setbacks(&[
            failed("a.b[0]", "No valid host was found", 300),
            failed("a.c", "Quota exceeded", 100),
            failed("a.b[1]", "No valid host was found", 200),
        ]);
        let found: Vec<(usize, Prospect)> =
            found.iter().map(|one| (one.addrs.len(), one.prospect)).collect();
        let again = |at| Prospect::Again(Timestamp::from_second(at).unwrap());
        assert_eq!(found, [(2, again(200)), (1, again(100))]);
    }

    #[test]
    fn what_is_tried_again_and_what_is_given_up_are_two_things_to_say() {
        let given_up = FailedDue { prospect: Prospect::GivenUp, ..failed("a.b", "broken", 0) };
        assert_eq!(setbacks(&[failed("a.c", "broken", 1), given_up]).len(), 2);
    }
}
