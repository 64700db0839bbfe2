//! The flags that several commands share; those of one command stand beside it.

use terrarium_core::Parallelism;

use super::refused::{self, Refused};
use super::time::TimeFlags;
use super::vars::VariableArgs;

/// What every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Shared {
    /// Print without colour
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Work on a testbed: the embedded one, the world in a file, or a served one
    #[arg(
        long,
        global = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_name = "WORLD"
    )]
    pub testbed: Option<String>,
    /// Look at another time: 2025-03-01T09:00-05:00, or 2025-03-01 09:00 for local time
    #[arg(long, global = true, value_name = "INSTANT")]
    pub at: Option<String>,
}

/// Flags of the commands that use the state; most are moot here and accepted for old scripts.
#[derive(Clone, Debug, clap::Args)]
pub struct StateFlags {
    /// Ask for what is missing, where there is a terminal
    #[arg(long, default_value = "true")]
    pub input: bool,
    /// =false: `plan` reads the state without its lock
    #[arg(long, default_value = "true")]
    pub lock: bool,
    /// How long to wait for a lock that somebody else holds
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
    /// Refused: a state is chosen by directory and workspace
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::state)]
    pub state: Option<Refused>,
    /// Refused: a state is written where it is read
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::state_out)]
    pub state_out: Option<Refused>,
    /// Refused but for `-`, which asks for no file: every change keeps its history
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::backup)]
    pub backup: Option<String>,
}

/// Flags of everything that plans.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Clone, Debug, clap::Args)]
pub struct PlanFlags {
    /// Plan to destroy all objects that this configuration manages
    #[arg(long)]
    pub destroy: bool,
    /// Only check whether real objects still are as they were recorded
    #[arg(long)]
    pub refresh_only: bool,
    /// Read the real objects first; -refresh=false trusts the state
    #[arg(long, default_value = "true")]
    pub refresh: bool,
    /// Replace this resource instance, whatever its plan; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Plan only this module, resource or instance and what it needs; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// What becomes of what can't be done now.
    #[command(flatten)]
    pub time: TimeFlags,
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Calls and operations.
    #[command(flatten)]
    pub parallelism: ParallelismArgs,
    /// Show only the summaries of warnings that come without errors
    #[arg(long)]
    pub compact_warnings: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
}

/// How much goes on at a time.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ParallelismArgs {
    /// Most calls and operations at a time; without, 10 calls, and as many operations as services take on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: Option<u16>,
}

impl From<ParallelismArgs> for Parallelism {
    fn from(args: ParallelismArgs) -> Self {
        args.parallelism.map(|given| Self::Work(given.into())).unwrap_or_default()
    }
}

/// Parses Go's durations: `0s`, `90s`, `1m30s`, `500ms`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let refuse = || format!("\"{text}\" is no duration such as 30s or 5m");
    let mut rest = text;
    let mut total = std::time::Duration::ZERO;
    if rest == "0" {
        return Ok(total);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let (number, tail) = rest.split_at(digits);
        let number: u32 = number.parse().map_err(|_| refuse())?;
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "ms" => std::time::Duration::from_millis(1),
            "s" => std::time::Duration::from_secs(1),
            "m" => std::time::Duration::from_mins(1),
            "h" => std::time::Duration::from_hours(1),
            _ => return Err(refuse()),
        };
        total =
            unit.checked_mul(number).and_then(|part| total.checked_add(part)).ok_or_else(refuse)?;
        rest = tail;
    }
    if text.is_empty() { Err(refuse()) } else { Ok(total) }
}
