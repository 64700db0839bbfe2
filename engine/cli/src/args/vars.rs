//! `-var` and `-var-file`, in the order in which they were given: a later one wins.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableArg {
    /// `-var 'name=value'`
    Value(String),
    /// `-var-file=path`
    File(String),
}

/// All of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableArgs(pub Vec<VariableArg>);

impl FromArgMatches for VariableArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut found: Vec<(usize, VariableArg)> = Vec::new();
        for (name, make) in [
            ("var", VariableArg::Value as fn(String) -> VariableArg),
            ("var-file", VariableArg::File),
        ] {
            let values = matches.get_many::<String>(name).into_iter().flatten().cloned().map(make);
            found.extend(matches.indices_of(name).into_iter().flatten().zip(values));
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(Self(found.into_iter().map(|(_, arg)| arg).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for VariableArgs {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("var")
                    .long("var")
                    .value_name("NAME=VALUE")
                    .action(ArgAction::Append)
                    .help("Set a variable of the root module; may be given more than once"),
            )
            .arg(
                Arg::new("var-file")
                    .long("var-file")
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .help("Read variables from a file, beside terraform.tfvars and *.auto.tfvars"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
