//! Values for the root module's variables: environment, files, command line, and at last a question.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use terrarium_address::Name;
use terrarium_core::InputValue;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use terrarium_lang::Configuration;
use terrarium_lang::config::{Module, Variable};
use terrarium_lang::tfvars::{self, GivenValue};

use crate::args::{VariableArg, VariableArgs};
use crate::codes;
use crate::context::Context;
use crate::env::TF_VAR_PREFIX;
use crate::redact::Redactor;

/// What becomes of variables without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They are asked for, where there is a terminal.
    Asked,
    /// They are errors.
    Refused,
    /// They are known already, as a saved plan brings them, or stay unknown, as in the console.
    Left,
}

impl Missing {
    /// Returns what `-input` means.
    pub(crate) fn by_input(input: bool) -> Self {
        if input { Self::Asked } else { Self::Refused }
    }
}

/// Values by name; a later source wins.
type Values = BTreeMap<Name, InputValue>;

/// Gathers all values; what is missing is asked for, or an error.
pub(crate) fn gather(
    context: &Context,
    config: &Configuration,
    args: &VariableArgs,
    missing: Missing,
) -> (Values, Diagnostics) {
    let Some(root) = config.root() else { return (Values::new(), Diagnostics::new()) };
    let mut gathering = Gathering {
        root,
        redactor: context.redactor(),
        sources: context.sources(),
        values: Values::new(),
        diagnostics: Diagnostics::new(),
        undeclared: 0,
        context,
    };
    for (name, text) in context.env.with_prefix(TF_VAR_PREFIX) {
        // An undeclared one may be meant for another configuration.
        if let Some(variable) = root.variables.get(name) {
            gathering.text(variable, text, &format!("<value for var.{name} from the environment>"));
        }
    }
    for path in automatic(&context.dir) {
        gathering.file(&path);
    }
    for arg in &args.0 {
        match arg {
            VariableArg::File(path) => gathering.file(Path::new(path)),
            VariableArg::Value(text) => gathering.argument(text),
        }
    }
    if missing != Missing::Left {
        gathering.missing(missing);
    }
    context.redactor().learn_variables(config, &gathering.values, &gathering.sources);
    context.keep_sources(gathering.sources);
    (gathering.values, gathering.diagnostics)
}

/// Lists the files that are read without being named, in the order in which they win over each other.
fn automatic(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["terraform.tfvars", "terraform.tfvars.json"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| dir.join(path).is_file())
        .collect();
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut auto: Vec<PathBuf> = entries
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")
        })
        .collect();
    auto.sort();
    files.extend(auto);
    files
}

struct Gathering<'a> {
    root: &'a Module,
    redactor: &'a Redactor,
    sources: Sources,
    values: Values,
    diagnostics: Diagnostics,
    undeclared: usize,
    context: &'a Context,
}

/// Most warnings about undeclared variables in files, as Terraform's.
const UNDECLARED_LIMIT: usize = 3;

impl Gathering<'_> {
    fn file(&mut self, path: &Path) {
        // A pipe or a device is read as well: `-var-file=<(decrypt …)`.
        let full = self.context.path(path);
        if !full.exists() || full.is_dir() {
            self.diagnostics.push(
                Diagnostic::error(codes::FILE, "Failed to read variables file")
                    .detail(format!("Given variables file {} does not exist.", path.display())),
            );
            return;
        }
        let (given, found) =
            tfvars::read_file(&full, path, &self.context.limits.streams(), &mut self.sources);
        self.diagnostics.extend(found);
        for value in given {
            if self.root.variables.contains_key(&value.name) {
                self.take(value);
            } else {
                self.undeclared_in_file(&value, path);
            }
        }
    }

    fn undeclared_in_file(&mut self, value: &GivenValue, path: &Path) {
        self.undeclared += 1;
        if self.undeclared > UNDECLARED_LIMIT {
            return;
        }
        let name = &value.name;
        let warning = Diagnostic::warning(codes::UNDECLARED_VARIABLE, "Value for undeclared variable")
            .detail(format!(
                "The root module does not declare a variable named \"{name}\" but a value was found in file {:?}. If you \
                 meant to use this value, add a \"variable\" block to the configuration.",
                path.display().to_string()
            ))
            .at(value.span, "not declared");
        self.diagnostics.push(self.with_near(warning, name));
    }

    fn argument(&mut self, text: &str) {
        let Some((name, value)) = text.split_once('=') else {
            self.diagnostics.push(Diagnostic::error(codes::FLAGS, "Invalid -var option").detail(format!(
                "The given -var option {text:?} is not correctly specified. It must be a variable name and value separated \
                 by an equals sign, like -var=\"key=value\"."
            )));
            return;
        };
        let name = name.trim();
        if let Some(variable) = self.root.variables.get(name) {
            self.text(variable, value, &format!("<value for var.{name}>"));
            return;
        }
        let error = Diagnostic::error(codes::UNDECLARED_VARIABLE, "Value for undeclared variable").detail(format!(
            "A variable named \"{name}\" was assigned on the command line, but the root module does not declare a variable of \
             that name. To use this value, add a \"variable\" block to the configuration."
        ));
        self.diagnostics.push(self.with_near(error, name));
    }

    fn with_near(&self, diagnostic: Diagnostic, name: &str) -> Diagnostic {
        match nearest(name, self.root.variables.keys().map(|known| &**known)) {
            Some(near) => diagnostic.help(format!("Did you mean \"{near}\"?")),
            None => diagnostic,
        }
    }

    fn text(&mut self, variable: &Variable, text: &str, source: &str) {
        if variable.sensitive || variable.ephemeral {
            // Where it can't be read, its text is shown as the place of the error.
            self.redactor.hide(text);
        }
        let (given, found) = tfvars::read_value(variable, text, source, &mut self.sources);
        self.diagnostics.extend(found);
        if let Some(given) = given {
            self.take(given);
        }
    }

    fn take(&mut self, given: GivenValue) {
        self.values.insert(given.name, InputValue { value: given.value, span: Some(given.span) });
    }

    fn missing(&mut self, missing: Missing) {
        let root = self.root;
        // A value that could not be read is reported where it stands, not as a missing one.
        if self.diagnostics.has_errors() {
            return;
        }
        let mut required: Vec<&Variable> = root
            .variables
            .values()
            .filter(|variable| {
                variable.default.is_none() && !self.values.contains_key(&variable.name)
            })
            .collect();
        required.sort_by_key(|variable| variable.name.clone());
        for variable in required {
            let answer =
                if missing == Missing::Asked { question(self.context, variable) } else { None };
            match answer {
                Some(text) => self.text(variable, &text, &format!("<answer for var.{}>", variable.name)),
                None => self.diagnostics.push(
                    Diagnostic::error(codes::NO_VALUE, "No value for required variable")
                        .detail(format!(
                            "The root module input variable \"{}\" is not set, and has no default value. Use a -var or \
                             -var-file command line argument to provide a value for this variable.",
                            variable.name
                        ))
                        .at(variable.span, "no value"),
                ),
            }
        }
    }
}

fn question(context: &Context, variable: &Variable) -> Option<String> {
    let description =
        variable.description.as_ref().map(|text| format!("\n  {text}")).unwrap_or_default();
    context.out.data(&format!("var.{}{description}\n\n  Enter a value: ", variable.name));
    let answer = context.out.ask();
    context.out.line("");
    answer
}
