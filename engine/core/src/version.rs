//! Version constraints: `~> 1.51.1`, `>= 0.14.0, < 2.0`.

use std::cmp::Ordering;
use std::fmt;

/// Numbers of a version, most significant first; a pre-release suffix sorts before its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: Vec<u64>,
    pre: Option<String>,
}

impl Version {
    /// Reads `1.51`, `1.51.1-rc1`; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre.to_owned())),
            None => (text, None),
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
        numbers.map(|numbers| Self { numbers, pre })
    }

    fn at(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or_default()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let numbers =
            (0..length).map(|at| self.at(at).cmp(&other.at(at))).find(|order| order.is_ne());
        numbers.unwrap_or_else(|| match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(mine), Some(theirs)) => mine.cmp(theirs),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A list of conditions, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Constraint(Vec<(Operator, Version)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Pessimistic,
}

/// A constraint that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadConstraint(String);

impl fmt::Display for BadConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no version constraint", self.0)
    }
}

impl Constraint {
    /// Reads a constraint; an empty text admits everything.
    pub(crate) fn parse(text: &str) -> Result<Self, BadConstraint> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',')
            .map(Self::part)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| BadConstraint(text.to_owned()))
    }

    fn part(text: &str) -> Option<(Operator, Version)> {
        const OPERATORS: [(&str, Operator); 7] = [
            ("~>", Operator::Pessimistic),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            ("!=", Operator::NotEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("=", Operator::Equal),
        ];
        let text = text.trim();
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
        let (operator, version) = found.unwrap_or((Operator::Equal, text));
        Some((operator, Version::parse(version)?))
    }

    /// Returns whether a version satisfies all conditions.
    pub(crate) fn admits(&self, version: &Version) -> bool {
        self.0.iter().all(|(operator, bound)| match operator {
            Operator::Equal => version == bound || version.cmp(bound).is_eq(),
            Operator::NotEqual => version.cmp(bound).is_ne(),
            Operator::Less => version < bound,
            Operator::LessOrEqual => version <= bound,
            Operator::Greater => version > bound,
            Operator::GreaterOrEqual => version >= bound,
            Operator::Pessimistic => {
                let fixed = bound.numbers.len().saturating_sub(1).max(1);
                version >= bound && (0..fixed).all(|at| version.at(at) == bound.at(at))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_admit_what_terraform_admits() {
        for (constraint, version, admitted) in [
            ("~> 1.51.1", "1.51.9", true),
            ("~> 1.51.1", "1.52.0", false),
            ("~> 1.51", "1.60.0", true),
            ("~> 1.51", "2.0.0", false),
            ("~> 1", "1.9.0", true),
            (">= 0.14.0, < 2.0", "1.11.4", true),
            (">= 0.14.0, < 2.0", "2.0.0", false),
            ("1.0", "1.0.0", true),
            ("!= 1.0.0", "1.0.0", false),
            ("> 1.0.0-beta", "1.0.0", true),
            ("", "7.0", true),
        ] {
            let parsed = Constraint::parse(constraint).unwrap();
            assert_eq!(
                parsed.admits(&Version::parse(version).unwrap()),
                admitted,
                "{constraint} {version}"
            );
        }
        assert!(Constraint::parse("~> one").is_err());
    }
}
