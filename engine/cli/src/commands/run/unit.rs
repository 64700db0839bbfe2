//! `run -unit`: the systemd unit that keeps this very run going on a machine that lasts.

use std::fmt::Write;
use std::path::Path;

use terrarium_lang::Configuration;

use crate::context::{Context, Failed, Outcome};
use crate::env::TF_WORKSPACE;
use crate::exit_codes;
use crate::setup::{config, workspace};

/// Variables of the environment that say where and how to work, and are no secret.
const PLAIN: &[&str] = &[
    "OS_CLIENT_CONFIG_FILE",
    "OS_CLOUD",
    "OS_REGION_NAME",
    "TERRARIUM_LIMITS",
    "TERRARIUM_TESTBED",
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_run",
    "TF_DATA_DIR",
];

/// What the unit is made of.
struct Unit<'a> {
    /// Name of its file, without the suffix.
    name: String,
    user: &'a str,
    /// Where the command is started.
    cwd: &'a Path,
    /// The program and its arguments.
    command: Vec<String>,
    environment: Vec<(String, String)>,
    /// Names of what the environment must have beside, and no file that others read.
    secrets: Vec<String>,
}

/// Prints the unit.
pub(super) fn print(context: &Context) -> Outcome {
    config::require(context, "Run")?;
    let (configuration, diagnostics) = config::load(context);
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    context.out.data(&unit(context, &configuration)?.text());
    Ok(exit_codes::SUCCESS)
}

fn unit<'a>(context: &'a Context, config: &Configuration) -> Result<Unit<'a>, Failed> {
    let selected = workspace::selected(context)?;
    let is_default = selected == workspace::DEFAULT;
    let place = context.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = if is_default { place } else { format!("{place}-{selected}") };
    let (words, mut secrets) = words(context, config);
    let program = std::env::current_exe().map(|path| path.display().to_string());
    let mut command = vec![program.unwrap_or_else(|_| "terrarium".to_owned())];
    if context.root != context.cwd {
        command.push(format!("-chdir={}", context.root.display()));
    }
    command.extend(words);
    let env = |name: &&str| Some(((*name).to_owned(), context.env.get(name)?.to_owned()));
    let mut environment: Vec<(String, String)> = PLAIN.iter().filter_map(env).collect();
    if !is_default {
        environment.push((TF_WORKSPACE.to_owned(), selected));
    }
    let others = context.env.all().keys().filter(|name| {
        (name.starts_with("OS_") || name.starts_with("TF_VAR_")) && !PLAIN.contains(&name.as_str())
    });
    secrets.extend(others.cloned());
    secrets.sort();
    secrets.dedup();
    let user = context.env.get("USER").unwrap_or("root");
    Ok(Unit { name: file_name(&name), user, cwd: &context.cwd, command, environment, secrets })
}

/// Returns the command line from `run` on, without `-unit`; of variables that are secret the names in the environment.
fn words(context: &Context, config: &Configuration) -> (Vec<String>, Vec<String>) {
    let mut words = Vec::new();
    let mut secrets = Vec::new();
    let mut given = context.args.iter();
    while let Some(arg) = given.next() {
        let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).unwrap_or_default();
        let value = match flag {
            "unit" | "unit=true" => continue,
            "chdir" => {
                given.next();
                continue;
            }
            _ if flag.starts_with("chdir=") => continue,
            "var" => given.next().cloned().unwrap_or_default(),
            _ if flag.starts_with("var=") => flag.trim_start_matches("var=").to_owned(),
            _ => {
                words.push(arg.clone());
                continue;
            }
        };
        let name = value.split('=').next().unwrap_or_default().trim();
        let variable = config.root().and_then(|root| root.variables.get(name));
        if variable.is_some_and(|variable| variable.sensitive || variable.ephemeral) {
            secrets.push(format!("TF_VAR_{name}"));
        } else {
            words.extend(["-var".to_owned(), value]);
        }
    }
    (words, secrets)
}

/// Makes the name of a unit's file of a directory's.
fn file_name(place: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    format!("terrarium-{}", place.chars().map(plain).collect::<String>())
}

impl Unit<'_> {
    fn text(&self) -> String {
        let Self { name, user, .. } = self;
        let cwd = specifiers(&self.cwd.display().to_string());
        let command: Vec<String> =
            self.command.iter().map(|word| quoted(word).replace('$', "$$")).collect();
        let mut environment = String::new();
        for (name, value) in &self.environment {
            let _infallible =
                writeln!(environment, "Environment={}", quoted(&format!("{name}={value}")));
        }
        let secrets = if self.secrets.is_empty() {
            String::new()
        } else {
            format!(
                "# Lines of the form NAME=VALUE, readable by root alone (chmod 600), for: {}\nEnvironmentFile=/etc/terrarium/{name}.env\n",
                self.secrets.join(", ")
            )
        };
        format!(
            "\
# Keeps `terrarium run` going on this machine, also when nobody is logged in and after it was started anew.
# Put it into /etc/systemd/system/{name}.service:
#     terrarium run -unit | sudo tee /etc/systemd/system/{name}.service
#     sudo systemctl daemon-reload && sudo systemctl enable --now {name}
# What it says: journalctl -u {name}. It ends by itself, and well, when nothing is left to wait for; after the next
# `terrarium apply`: sudo systemctl start {name}

[Unit]
Description=terrarium run in {cwd}
Wants=network-online.target
After=network-online.target
# However often it has to begin again, it does.
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
WorkingDirectory={cwd}
ExecStart={command}
{environment}{secrets}Restart=on-failure
RestartSec=60
# The first signal finishes the calls under way; whatever is left then is in the journal of the state.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=300

NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
",
            command = command.join(" "),
        )
    }
}

/// Writes a percent sign as systemd reads one.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// Quotes a word as systemd reads it, where it would be taken apart.
fn quoted(word: &str) -> String {
    let word = specifiers(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%$~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::{file_name, quoted};

    #[test]
    fn words_reach_the_command_as_they_are() {
        assert_eq!(quoted("-var-file=course.vars"), "-var-file=course.vars");
        assert_eq!(quoted("label=a \"b\" 100%"), "\"label=a \\\"b\\\" 100%%\"");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("x=a\\b\nc"), "\"x=a\\\\b\\nc\"");
        assert_eq!(file_name("gpu lab/ü"), "terrarium-gpu-lab--");
    }
}
