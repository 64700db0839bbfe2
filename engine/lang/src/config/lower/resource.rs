//! `resource`, `data` and `check` blocks.

use std::sync::Arc;

use terrarium_address::Mode;
use terrarium_diagnostic::{Diagnostic, Diagnostics};

use super::super::fields::{Fields, Given, Written, embedded};
use super::super::{
    BlockRef, BlockText, Check, IgnoreChanges, Lifecycle, Provisioner, Resource, traversal,
};
use super::named::{dependencies, repetition, rules};
use super::{check_name, name_label};
use crate::codes;
use crate::expr::{Expr, compile};

pub(super) fn resource(
    base: Written<'_>,
    layers: &[Written<'_>],
    diags: &mut Diagnostics,
) -> Option<Resource> {
    let mode = if base.kind() == "data" { Mode::Data } else { Mode::Managed };
    if !base.has_labels(&["type", "name"], diags) {
        return None;
    }
    let ((kind, kind_at), (name, name_at)) = (base.label(0)?, base.label(1)?);
    let what = if mode == Mode::Data { "data source" } else { "resource" };
    if !check_name(&format!("{what} type"), &kind, kind_at, diags)
        || !check_name(what, &name, name_at, diags)
    {
        return None;
    }
    let mut fields = Fields::layered(layers);
    let (count, for_each) = repetition(&mut fields, diags);
    let depends_on = dependencies(&mut fields, diags);
    let provider = fields
        .take("provider")
        .and_then(|given| traversal::provider(given.expression(), given.origin, diags));
    let lifecycle = lifecycle(&mut fields, mode, diags);
    let (mut provisioners, mut connection) = (Vec::new(), None);
    if mode == Mode::Managed {
        for written in fields.blocks("provisioner") {
            provisioners.extend(provisioner(written, diags));
        }
        connection = fields.block("connection", diags).map(|it| it.fields().rest(it.span(), diags));
    }
    let body = fields.rest(base.span(), diags);
    let block = BlockRef { mode, kind, name };
    let span = base.header();
    Some(Resource {
        block,
        count,
        for_each,
        provider,
        depends_on,
        lifecycle,
        provisioners,
        connection,
        body,
        span,
        text: BlockText::of(layers),
    })
}

fn lifecycle(fields: &mut Fields<'_>, mode: Mode, diags: &mut Diagnostics) -> Arc<Lifecycle> {
    let blocks = fields.blocks("lifecycle");
    if let [first, second, ..] = blocks.as_slice()
        && first.origin.file == second.origin.file
    {
        diags.push(
            Diagnostic::error(codes::DUPLICATE, "Duplicate lifecycle block")
                .detail("This resource already has a lifecycle block.")
                .at(second.header(), "")
                .also(first.header(), "the first one"),
        );
    }
    if blocks.is_empty() {
        return Lifecycle::usual();
    }
    let mut inner = Fields::layered(&blocks);
    let mut lifecycle = Lifecycle::default();
    if mode == Mode::Managed {
        lifecycle.create_before_destroy =
            inner.flag("create_before_destroy", diags).unwrap_or(false);
        lifecycle.prevent_destroy = inner.flag("prevent_destroy", diags).unwrap_or(false);
        lifecycle.ignore_changes =
            inner.take("ignore_changes").map(|given| ignored(given, diags)).unwrap_or_default();
        lifecycle.replace_triggered_by = inner
            .take("replace_triggered_by")
            .map(|given| triggers(given, diags))
            .unwrap_or_default();
    }
    lifecycle.preconditions = rules(&mut inner, "precondition", diags);
    lifecycle.postconditions = rules(&mut inner, "postcondition", diags);
    inner.finish(diags);
    Arc::new(lifecycle)
}

fn ignored(given: Given<'_>, diags: &mut Diagnostics) -> IgnoreChanges {
    let expression = given.expression();
    if expression.as_variable().is_some_and(|name| name.as_str() == "all")
        || expression.as_str() == Some("all")
    {
        return IgnoreChanges::All;
    }
    let elements = given.elements(diags);
    if let [only] = elements.as_slice()
        && only.as_str() == Some("*")
    {
        let detail = "The [\"*\"] form of ignore_changes wildcard was deprecated in version 0.12; use \"ignore_changes \
                      = all\".";
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid ignore_changes wildcard")
                .detail(detail)
                .at(given.value_span(), ""),
        );
        return IgnoreChanges::All;
    }
    let path = |element| traversal::attribute_path(element, given.origin, diags);
    let paths: Vec<_> = elements.into_iter().filter_map(path).collect();
    if paths.is_empty() { IgnoreChanges::None } else { IgnoreChanges::Paths(paths) }
}

fn triggers(given: Given<'_>, diags: &mut Diagnostics) -> Vec<Expr> {
    let mut found = Vec::new();
    for element in given.elements(diags) {
        let expr = match embedded(given.origin, element) {
            Some((origin, inner)) => compile(&inner, &origin, diags),
            None => compile(element, given.origin, diags),
        };
        if expr.references().is_empty() {
            diags.push(
                Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid replace_triggered_by expression")
                    .detail("A reference to a resource, an instance of one, or one of its attributes is needed here.")
                    .at(expr.span(), ""),
            );
        } else {
            found.push(expr);
        }
    }
    found
}

fn provisioner(written: Written<'_>, diags: &mut Diagnostics) -> Option<Provisioner> {
    if !written.has_labels(&["type"], diags) {
        return None;
    }
    let (kind, _) = written.label(0)?;
    let mut fields = written.fields();
    let when = fields.take("when");
    let on_failure = fields.take("on_failure");
    let on_destroy =
        when.is_some_and(|given| keyword(given, ["create", "destroy"], diags) == Some("destroy"));
    let continue_on_failure = on_failure
        .is_some_and(|given| keyword(given, ["fail", "continue"], diags) == Some("continue"));
    let connection = fields.block("connection", diags).map(|it| it.fields().rest(it.span(), diags));
    let body = fields.rest(written.span(), diags);
    Some(Provisioner {
        kind,
        on_destroy,
        continue_on_failure,
        body,
        connection,
        span: written.header(),
    })
}

/// Returns which of two keywords an argument is.
fn keyword<'k>(
    given: Given<'_>,
    keywords: [&'k str; 2],
    diags: &mut Diagnostics,
) -> Option<&'k str> {
    let expression = given.expression();
    let word =
        expression.as_variable().map(hcl_edit::Ident::as_str).or_else(|| expression.as_str());
    let found = keywords.into_iter().find(|keyword| word == Some(*keyword));
    if found.is_none() {
        let (name, [first, second]) = (given.name(), keywords);
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, format!("Invalid \"{name}\" keyword"))
                .detail(format!("The \"{name}\" argument requires one of the following keywords: {first} or {second}."))
                .at(given.value_span(), ""),
        );
    }
    found
}

pub(super) fn check(base: Written<'_>, diags: &mut Diagnostics) -> Option<Check> {
    let name = name_label(base, "check block", diags)?;
    let mut fields = base.fields();
    let data = fields.block("data", diags).and_then(|written| resource(written, &[written], diags));
    let asserts = rules(&mut fields, "assert", diags);
    if asserts.is_empty() {
        diags.push(
            Diagnostic::error(codes::MISSING, "Zero assert blocks")
                .detail("Check blocks must have at least one assert block.")
                .at(base.header(), ""),
        );
    }
    fields.finish(diags);
    Some(Check { name, data, asserts, span: base.header() })
}
