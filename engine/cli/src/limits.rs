//! Limits, each with a name by which a user raises it: `TERRARIUM_LIMITS`.

use terrarium_diagnostic::Diagnostic;
use terrarium_lang::expr::{self, Files};
use terrarium_lang::{SourcesWithin, StdFiles, StdStreams};

use crate::codes;
use crate::env::{Env, TERRARIUM_LIMITS};

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one evaluation may cost.
    pub evaluation: expr::Limits,
    /// `state_file`: bytes of a state of Terraform that is taken over or pushed.
    pub state_file: usize,
    /// `source_file`: bytes of a file of the configuration or of variables.
    pub source_file: usize,
}

/// Sets a limit.
type Set = fn(&mut Limits, usize);

/// The limits by name.
const NAMED: [(&str, Set); 6] = [
    ("value_parts", |it, parts| {
        it.evaluation.value_parts = u32::try_from(parts).unwrap_or(u32::MAX);
    }),
    ("text_bytes", |it, bytes| it.evaluation.text_bytes = bytes),
    ("rounds", |it, rounds| it.evaluation.rounds = rounds as u64),
    ("instances", |it, instances| it.evaluation.instances = instances),
    ("state_file", |it, bytes| it.state_file = bytes),
    ("source_file", |it, bytes| it.source_file = bytes),
];

impl Default for Limits {
    fn default() -> Self {
        Self {
            evaluation: expr::Limits::default(),
            state_file: terrarium_state::v4::LARGEST_BYTES,
            source_file: StdFiles.largest_source(),
        }
    }
}

impl Limits {
    /// Reads the limits that the environment raises or lowers: `state_file=2GiB,rounds=20000000`.
    pub fn of(env: &Env) -> Result<Self, Box<Diagnostic>> {
        let mut limits = Self::default();
        let parts = env.get(TERRARIUM_LIMITS).unwrap_or_default().split(',').map(str::trim);
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, text) = part.split_once('=').ok_or_else(|| wrong(part, "has no `=`"))?;
            let number = parse(text.trim())
                .ok_or_else(|| wrong(part, "is no whole number, with or without a unit"))?;
            let named = NAMED.iter().find(|(known, _)| *known == name.trim());
            let (_, set) = named.ok_or_else(|| wrong(part, "names no limit"))?;
            set(&mut limits, number);
        }
        Ok(limits)
    }

    /// Returns the file system, with the limit of sources.
    pub fn files(self) -> SourcesWithin<StdFiles> {
        SourcesWithin { files: StdFiles, largest_source: self.source_file }
    }

    /// As [`Limits::files`], and pipes and devices too.
    pub fn streams(self) -> SourcesWithin<StdStreams> {
        SourcesWithin { files: StdStreams, largest_source: self.source_file }
    }
}

/// Reads a number, with or without a unit.
fn parse(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text.get(digits.len()..)?.trim() {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

fn wrong(part: &str, why: &str) -> Box<Diagnostic> {
    let names = NAMED.map(|(name, _)| name);
    let error = Diagnostic::error(codes::FLAGS, "Invalid limit")
        .detail(format!("In {TERRARIUM_LIMITS}, `{part}` {why}."))
        .help(format!(
            "the limits are {}; several are separated by commas: state_file=2GiB,source_file=256MiB",
            names.join(", ")
        ));
    Box::new(error)
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::env::{Env, TERRARIUM_LIMITS};

    #[test]
    fn limits_are_raised_by_name() {
        let of = |text| Limits::of(&Env::of([(TERRARIUM_LIMITS, text)]));
        let usual = of("").unwrap();
        assert_eq!((usual.state_file, usual.source_file), (512 << 20, 64 << 20));
        let raised =
            of("state_file = 2GiB, source_file=1000, rounds=5,text_bytes=7KiB,instances=9")
                .unwrap();
        assert_eq!((raised.state_file, raised.source_file), (2 << 30, 1000));
        assert_eq!((raised.evaluation.rounds, raised.evaluation.text_bytes), (5, 7 << 10));
        assert_eq!(raised.evaluation.instances, 9);
        assert_eq!(of("state_file=3KiB").unwrap().source_file, usual.source_file);
        for text in ["rounds", "rounds=", "state_file=2GB", "rounds=-1", "round=1", "rounds=9e9"] {
            let error = of(text).unwrap_err();
            assert!(error.detail.contains(TERRARIUM_LIMITS), "{text}: {error:?}");
        }
        assert!(of("rounds=99999999999999999999").is_err());
    }
}
