//! `variable`, `locals`, `output`, `module` and `provider` blocks.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use indexmap::IndexMap;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::{Type, Value, convert};

use super::super::fields::{Fields, Given, Written};
use super::super::{
    BlockText, Local, ModuleCall, Output, ProviderBlock, ProviderRef, Rule, Variable, traversal,
};
use super::{check_name, name_label};
use crate::codes;
use crate::expr::{Defaults, parse_type};

/// Names that a `module` block uses for itself.
const RESERVED: &[&str] =
    &["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

/// Arguments of a `module` block that are no variables of the called module.
const CALL_ARGUMENTS: &[&str] =
    &["source", "version", "providers", "count", "for_each", "depends_on"];

pub(super) fn variable(
    base: Written<'_>,
    layers: &[Written<'_>],
    diags: &mut Diagnostics,
) -> Option<Variable> {
    let name = name_label(base, "variable", diags)?;
    if RESERVED.contains(&&*name) {
        let detail = format!(
            "The variable name \"{name}\" is reserved due to its special meaning inside module blocks."
        );
        diags.push(
            Diagnostic::error(codes::INVALID_NAME, "Invalid variable name")
                .detail(detail)
                .at(base.header(), ""),
        );
    }
    let mut fields = Fields::layered(layers);
    let typed = fields.take("type");
    let (ty, defaults) = match typed {
        Some(given) => type_of(given, diags),
        None => (Type::Dynamic, Defaults::default()),
    };
    let given = fields.take("default");
    let nullable = fields.flag("nullable", diags).unwrap_or(true);
    let default = given.and_then(|given| default_value(given, &ty, &defaults, nullable, diags));
    let primitive = matches!(ty, Type::String | Type::Number | Type::Bool);
    let variable = Variable {
        name,
        literal: typed.is_none() || primitive,
        ty,
        defaults,
        default,
        nullable,
        sensitive: fields.flag("sensitive", diags).unwrap_or(false),
        ephemeral: fields.flag("ephemeral", diags).unwrap_or(false),
        description: fields.text("description", diags),
        validations: rules(&mut fields, "validation", diags),
        span: base.header(),
        text: BlockText::of(layers),
    };
    fields.finish(diags);
    Some(variable)
}

fn type_of(given: Given<'_>, diags: &mut Diagnostics) -> (Type, Defaults) {
    if let Some((origin, inner)) = given.embedded() {
        return parse_type(&inner, &origin, diags);
    }
    // Before version 0.12, types were quoted; `"list"` and `"map"` were of strings.
    let legacy = match given.expression().as_str() {
        Some("string") => Some(Type::String),
        Some("list") => Some(Type::list(Type::String)),
        Some("map") => Some(Type::map(Type::String)),
        _ => None,
    };
    match legacy {
        Some(ty) => {
            diags.push(
                Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid quoted type constraints")
                    .detail(
                        "Terraform 0.11 and earlier required type constraints to be given in quotes, but that form is \
                         now deprecated and will be removed in a future version of Terraform. Remove the quotes.",
                    )
                    .at(given.value_span(), ""),
            );
            (ty, Defaults::default())
        }
        None => parse_type(given.expression(), given.origin, diags),
    }
}

fn default_value(
    given: Given<'_>,
    ty: &Type,
    defaults: &Defaults,
    nullable: bool,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let value = given.literal(diags)?;
    if value.is_null() && !nullable {
        diags.push(
            Diagnostic::error(codes::VARIABLE_VALUE, "Invalid default value for variable")
                .detail("A null default value is not valid when nullable=false.")
                .at(given.value_span(), ""),
        );
        return None;
    }
    match convert(&defaults.apply(value), ty) {
        Ok(value) => Some(value),
        Err(error) => {
            let why = super::super::variable::reason(&error);
            diags.push(
                Diagnostic::error(codes::VARIABLE_VALUE, "Invalid default value for variable")
                    .detail(format!(
                        "This default value is not compatible with the variable's type constraint: {why}."
                    ))
                    .at(given.value_span(), "")
                    .also(given.name_span(), ""),
            );
            // Something of the right type, so that nothing else fails because of it.
            Some(Value::unknown(ty.clone(), terrarium_value::Causes::NONE))
        }
    }
}

/// Reads the `condition` blocks of a type: `validation`, `precondition`, `postcondition`, `assert`.
pub(super) fn rules(
    fields: &mut Fields<'_>,
    kind: &'static str,
    diags: &mut Diagnostics,
) -> Vec<Rule> {
    fields.blocks(kind).into_iter().filter_map(|written| rule(written, diags)).collect()
}

fn rule(written: Written<'_>, diags: &mut Diagnostics) -> Option<Rule> {
    if !written.has_labels(&[], diags) {
        return None;
    }
    let mut fields = written.fields();
    let condition = fields.need("condition", diags);
    let error_message = fields.need("error_message", diags);
    fields.finish(diags);
    let condition = condition?.expr(diags);
    let error_message = error_message?.expr(diags);
    Some(Rule { condition, error_message, span: written.span() })
}

pub(super) fn locals(base: Written<'_>, diags: &mut Diagnostics) -> Option<Vec<Local>> {
    if !base.has_labels(&[], diags) {
        return None;
    }
    let mut fields = base.fields();
    let given = fields.all_arguments();
    fields.finish(diags);
    let local = |given: Given<'_>| Local {
        name: given.name().into(),
        value: given.expr(diags),
        span: given.span(),
        text: BlockText::of_arguments([given]),
    };
    Some(given.into_iter().map(local).collect())
}

pub(super) fn output(
    base: Written<'_>,
    layers: &[Written<'_>],
    diags: &mut Diagnostics,
) -> Option<Output> {
    let name = name_label(base, "output", diags)?;
    let mut fields = Fields::layered(layers);
    let value = fields.need("value", diags);
    let output = Output {
        name,
        value: value?.expr(diags),
        sensitive: fields.flag("sensitive", diags).unwrap_or(false),
        ephemeral: fields.flag("ephemeral", diags).unwrap_or(false),
        description: fields.text("description", diags),
        depends_on: dependencies(&mut fields, diags),
        preconditions: rules(&mut fields, "precondition", diags),
        span: base.header(),
        text: BlockText::of(layers),
    };
    fields.finish(diags);
    Some(output)
}

/// Reads `depends_on`.
pub(super) fn dependencies(
    fields: &mut Fields<'_>,
    diags: &mut Diagnostics,
) -> Vec<crate::expr::Reference> {
    let Some(given) = fields.take("depends_on") else { return Vec::new() };
    let elements = given.elements(diags);
    elements
        .into_iter()
        .filter_map(|element| traversal::dependency(element, given.origin, diags))
        .collect()
}

pub(super) fn call(
    base: Written<'_>,
    layers: &[Written<'_>],
    diags: &mut Diagnostics,
) -> Option<ModuleCall> {
    let name = name_label(base, "module instance", diags)?;
    let mut fields = Fields::layered(layers);
    let text = BlockText::of_arguments(fields.given(CALL_ARGUMENTS));
    let source = fields.need("source", diags);
    let version = fields.take("version");
    let (count, for_each) = repetition(&mut fields, diags);
    let depends_on = dependencies(&mut fields, diags);
    let providers =
        fields.take("providers").map(|given| provider_map(given, diags)).unwrap_or_default();
    let (mut arguments, mut argument_texts) = (IndexMap::new(), IndexMap::new());
    for given in fields.all_arguments() {
        argument_texts.insert(given.name().into(), BlockText::of_arguments([given]));
        arguments.insert(given.name().into(), given.expr(diags));
    }
    fields.finish(diags);
    let source = source?;
    let source_span = source.value_span();
    let source = source.text(diags)?;
    if let Some(version) = version.filter(|_| source.starts_with('.')) {
        let detail = format!(
            "Cannot apply a version constraint to module \"{name}\" because it has a relative local path."
        );
        diags.push(
            Diagnostic::error(codes::CONFLICT, "Invalid module version")
                .detail(detail)
                .at(version.span(), ""),
        );
    }
    let version = version.and_then(|version| version.text(diags));
    let span = base.header();
    Some(ModuleCall {
        name,
        source,
        source_span,
        version,
        count,
        for_each,
        depends_on,
        providers,
        arguments,
        span,
        text,
        argument_texts,
    })
}

/// Reads `count` and `for_each`, of which one may be set.
pub(super) fn repetition(
    fields: &mut Fields<'_>,
    diags: &mut Diagnostics,
) -> (Option<crate::expr::Expr>, Option<crate::expr::Expr>) {
    let (count, for_each) = (fields.take("count"), fields.take("for_each"));
    if let (Some(count), Some(for_each)) = (count, for_each) {
        diags.push(
            Diagnostic::error(codes::CONFLICT, "Invalid combination of \"count\" and \"for_each\"")
                .detail(
                    "The \"count\" and \"for_each\" meta-arguments are mutually-exclusive, only one should be used to \
                     be explicit about the number of resources to be created.",
                )
                .at(for_each.name_span(), "")
                .also(count.name_span(), "the other one"),
        );
    }
    (count.map(|given| given.expr(diags)), for_each.map(|given| given.expr(diags)))
}

fn provider_map(given: Given<'_>, diags: &mut Diagnostics) -> Vec<(ProviderRef, ProviderRef)> {
    let Expression::Object(object) = given.expression() else {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid providers map")
                .detail("`providers` maps the provider configurations of the called module to those of this one.")
                .at(given.value_span(), ""),
        );
        return Vec::new();
    };
    let pair = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| {
        let inner = match key {
            ObjectKey::Ident(ident) => {
                let span = given.origin.span(ident.span());
                Some(ProviderRef { name: ident.as_str().into(), alias: None, span })
            }
            ObjectKey::Expression(expression) => {
                traversal::provider(expression, given.origin, diags)
            }
        };
        let outer = traversal::provider(value.expr(), given.origin, diags);
        Some((inner?, outer?))
    };
    object.iter().filter_map(pair).collect()
}

pub(super) fn provider(
    base: Written<'_>,
    layers: &[Written<'_>],
    diags: &mut Diagnostics,
) -> Option<ProviderBlock> {
    let name = name_label(base, "provider", diags)?;
    let mut fields = Fields::layered(layers);
    let alias = fields.take("alias").and_then(|given| {
        let alias = given.text(diags)?;
        check_name("provider configuration alias", &alias, given.value_span(), diags)
            .then(|| alias.into())
    });
    // Deprecated long ago in favour of required_providers, which decides alone.
    if let Some(version) = fields.take("version") {
        diags.push(
            Diagnostic::warning(
                codes::UNSUPPORTED,
                "Version constraints inside provider configuration blocks are deprecated",
            )
            .detail("Move it to the required_providers block. It is not looked at here.")
            .at(version.span(), ""),
        );
    }
    let body = fields.rest(base.span(), diags);
    let text = BlockText::of(layers);
    Some(ProviderBlock { name, alias, body, span: base.header(), text })
}
