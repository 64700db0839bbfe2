//! Values that are given from outside: `.tfvars` files, `-var`, `TF_VAR_name`, the console.

use std::path::Path;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::Structure;
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, FileId, Sources, Span};
use terrarium_value::{Value, json};

use crate::codes;
use crate::config::{Variable, literal};
use crate::expr::{Expr, Files, compile};
use crate::syntax::{self, Text};

/// A value that is given for a variable, and where.
#[derive(Clone, Debug)]
pub struct GivenValue {
    /// The variable's name.
    pub name: Name,
    /// The value, not yet converted to the variable's type.
    pub value: Value,
    /// Where it stands: the whole argument.
    pub span: Span,
}

/// Reads a `.tfvars` or `.tfvars.json` file, which is called as its user did.
///
/// It is no source of the configuration: a saved plan has the values themselves, and is applied without the file.
pub fn read_file(
    path: &Path,
    called: &Path,
    files: &dyn Files,
    sources: &mut Sources,
) -> (Vec<GivenValue>, Diagnostics) {
    let shown = called.display().to_string();
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let detail = format!("Given variables file {shown} could not be read: {error}.");
            return (
                Vec::new(),
                Diagnostic::error(codes::UNREADABLE, "Failed to read variables file")
                    .detail(detail)
                    .into(),
            );
        }
    };
    match syntax::decode(bytes, files.largest_source()) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            let file = sources.add_text(&shown, text.clone());
            let text = Text { file, text };
            if path.extension().is_some_and(|extension| extension == "json") {
                json_values(&text)
            } else {
                native_values(&text)
            }
        }
        Err(problem) => {
            let file = sources.add_text(&shown, "");
            (Vec::new(), problem.at(Span::new(file, 0..0), "").into())
        }
    }
}

fn native_values(text: &Text) -> (Vec<GivenValue>, Diagnostics) {
    let (found, mut diags) = syntax::parse_with(
        std::slice::from_ref(text),
        |origin, body, diags| {
            let mut values = Vec::new();
            for structure in &body {
                match structure {
                Structure::Attribute(attribute) => {
                    let value = literal::value(&attribute.value, origin, diags);
                    let (name, span) = (attribute.key.as_str().into(), origin.span(attribute.span()));
                    values.extend(value.map(|value| GivenValue { name, value, span }));
                }
                Structure::Block(block) => diags.push(
                    Diagnostic::error(codes::VARIABLE_FILE, "Unexpected block in a variables file")
                        .detail(format!(
                            "Blocks are not allowed here: a variables file sets values of variables, it declares \
                             nothing. Did you mean to write the \"{}\" block in a .tf file?",
                            block.ident.as_str()
                        ))
                        .at(origin.span(block.ident.span()), ""),
                ),
            }
            }
            values
        },
    );
    let values = unique(found.into_iter().flatten(), &mut diags);
    (values, diags)
}

fn unique(found: impl Iterator<Item = GivenValue>, diags: &mut Diagnostics) -> Vec<GivenValue> {
    let mut values: indexmap::IndexMap<Name, GivenValue> = indexmap::IndexMap::new();
    for given in found {
        match values.get(&given.name) {
            Some(first) => diags.push(
                Diagnostic::error(codes::DUPLICATE, "Attribute redefined")
                    .detail(format!(
                        "The argument \"{}\" was already set. Each argument may be set only once.",
                        given.name
                    ))
                    .at(given.span, "set again")
                    .also(first.span, "set here first"),
            ),
            None => {
                values.insert(given.name.clone(), given);
            }
        }
    }
    values.into_values().collect()
}

fn json_values(text: &Text) -> (Vec<GivenValue>, Diagnostics) {
    let whole = text.span(0..text.text.len());
    let decoded = match json::decode(&text.text) {
        Ok(decoded) => decoded,
        Err(error) => {
            let problem = Diagnostic::error(codes::VARIABLE_FILE, "Invalid JSON variables file")
                .detail(format!("The file is no valid JSON: {error}."))
                .at(text.span(0..0), "");
            return (Vec::new(), problem.into());
        }
    };
    let Some(entries) = decoded.as_entries() else {
        let problem = Diagnostic::error(codes::VARIABLE_FILE, "Invalid JSON variables file")
            .detail("The file must contain one JSON object, with a property per variable.")
            .at(text.span(0..0), "");
        return (Vec::new(), problem.into());
    };
    let given = |(name, value): (&Name, &Value)| {
        let key = serde_json::to_string(&**name).unwrap_or_default();
        let span = text.text.find(&key).map_or(whole, |at| text.span(at..at + key.len()));
        GivenValue { name: name.clone(), value: value.clone(), span }
    };
    (entries.iter().map(given).collect(), Diagnostics::new())
}

/// Reads the text of one value: `-var`, `TF_VAR_name`, an answer at a prompt.
///
/// For a variable of a primitive type, or of none, the text is the value; otherwise it is an
/// expression without references. `source_name` says where it came from: `<value for var.x>`.
pub fn read_value(
    variable: &Variable,
    text: &str,
    source_name: &str,
    sources: &mut Sources,
) -> (Option<GivenValue>, Diagnostics) {
    let text: Arc<str> = text.into();
    let file = sources.add_text(source_name, text.clone());
    let span = Span::new(file, 0..text.len());
    let name = variable.name.clone();
    if variable.literal {
        return (Some(GivenValue { name, value: Value::string(&*text), span }), Diagnostics::new());
    }
    let mut diags = Diagnostics::new();
    let text = Text { file, text };
    let value = syntax::parse_expression(&text, &mut diags)
        .and_then(|(origin, expression)| literal::value(&expression, &origin, &mut diags));
    (value.map(|value| GivenValue { name, value, span }), diags)
}

/// Compiles an expression that stands alone, as in the console.
pub fn read_expression(file: FileId, text: &Arc<str>) -> (Option<Expr>, Diagnostics) {
    let mut diags = Diagnostics::new();
    let text = Text { file, text: text.clone() };
    let expr = syntax::parse_expression(&text, &mut diags)
        .map(|(origin, expression)| compile(&expression, &origin, &mut diags));
    (expr, diags)
}
