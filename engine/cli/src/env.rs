//! Environment variables: every name that is read, what it does, and the one place that reads them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;

/// Arguments put before those of every command, split as a shell does.
pub const TF_CLI_ARGS: &str = "TF_CLI_ARGS";
/// With `_plan`, `_apply` … appended: arguments for one command; put after [`TF_CLI_ARGS`]'s.
pub const TF_CLI_ARGS_PREFIX: &str = "TF_CLI_ARGS_";
/// With a variable's name appended: the value of a root variable, of lowest precedence.
pub const TF_VAR_PREFIX: &str = "TF_VAR_";
/// The workspace; wins over `.terraform/environment`.
pub const TF_WORKSPACE: &str = "TF_WORKSPACE";
/// Directory of caches and the selected workspace, instead of `.terraform`.
pub const TF_DATA_DIR: &str = "TF_DATA_DIR";
/// Any non-empty value: leave out advice on what to run next.
pub const TF_IN_AUTOMATION: &str = "TF_IN_AUTOMATION";
/// `0` or `false`: never ask, like `-input=false`.
pub const TF_INPUT: &str = "TF_INPUT";
/// Level of the log on stderr: `error`, `warn`, `info`, `debug`, `trace`.
pub const TF_LOG: &str = "TF_LOG";
/// File that the log is appended to, instead of stderr.
pub const TF_LOG_PATH: &str = "TF_LOG_PATH";
/// Accepted; nothing is downloaded, so there is nothing to cache.
pub const TF_PLUGIN_CACHE_DIR: &str = "TF_PLUGIN_CACHE_DIR";
/// `1`, the path of a world, or the address of a served testbed: like `-testbed`.
pub const TERRARIUM_TESTBED: &str = "TERRARIUM_TESTBED";
/// Limits by name: `value_parts=8000000,text_bytes=100MiB,rounds=50000000,state_file=2GiB,source_file=256MiB`.
pub const TERRARIUM_LIMITS: &str = terrarium_lang::expr::LIMITS_VARIABLE;
/// Any non-empty value: no colour.
pub const NO_COLOR: &str = "NO_COLOR";
/// Any value but `0`: show a panic's own words, too, and where it came from. They may quote values.
pub const RUST_BACKTRACE: &str = "RUST_BACKTRACE";
/// Time zone in which instants are shown where the configuration declares none: an IANA name.
pub const TZ: &str = "TZ";
/// Width of the text where no terminal tells it.
pub const COLUMNS: &str = "COLUMNS";
/// The user's home, for `~/.config/openstack/clouds.yaml`, and for `file("~/…")` and the like.
pub const HOME: &str = "HOME";
/// The user's name, for the lock's holder.
pub const USER: &str = "USER";
/// The machine's name, for the lock's holder.
pub const HOSTNAME: &str = "HOSTNAME";

/// The environment of the process, read once.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the process's environment; what is no UTF-8 is left out.
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os();
        Self(
            pairs
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// Builds an environment, for tests.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    /// Returns a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns everything.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Returns the variables whose names begin with `prefix`, the prefix taken off.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.0.iter().filter_map(move |(k, v)| Some((k.strip_prefix(prefix)?, v.as_str())))
    }

    /// Returns the home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.get(HOME).map(PathBuf::from)
    }

    /// Returns whether advice on what to run next is unwanted.
    pub fn in_automation(&self) -> bool {
        self.get(TF_IN_AUTOMATION).is_some()
    }

    /// Returns whether questions may be asked.
    pub fn input(&self) -> bool {
        !matches!(self.get(TF_INPUT), Some("0" | "false" | "FALSE" | "False" | "f" | "F"))
    }

    /// Returns the user's time zone: [`TZ`], else the machine's, else UTC.
    pub fn time_zone(&self) -> TimeZone {
        let named = self.get(TZ).map(|name| name.strip_prefix(':').unwrap_or(name));
        match named {
            Some(name) => TimeZone::get(name).or_else(|_| TimeZone::posix(name)),
            None => TimeZone::try_system(),
        }
        .unwrap_or(TimeZone::UTC)
    }

    /// Returns `user@host`.
    pub fn who(&self) -> String {
        let host = self.get(HOSTNAME).map(str::to_owned).or_else(|| {
            std::fs::read_to_string("/proc/sys/kernel/hostname")
                .ok()
                .map(|name| name.trim().to_owned())
        });
        format!(
            "{}@{}",
            self.get(USER).unwrap_or("unknown"),
            host.as_deref().unwrap_or("localhost")
        )
    }
}
