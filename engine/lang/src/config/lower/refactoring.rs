//! `moved`, `removed` and `import` blocks.

use terrarium_diagnostic::Diagnostics;

use super::super::fields::Written;
use super::super::{Import, Moved, Removed, traversal};

pub(super) fn moved(base: Written<'_>, diags: &mut Diagnostics) -> Option<Moved> {
    base.has_labels(&[], diags);
    let mut fields = base.fields();
    let (from, to) = (fields.need("from", diags), fields.need("to", diags));
    fields.finish(diags);
    let (from, to) = (from?, to?);
    let from = traversal::target(from.expression(), from.origin, diags);
    let to = traversal::target(to.expression(), to.origin, diags);
    Some(Moved { from: from?, to: to?, span: base.span() })
}

pub(super) fn removed(base: Written<'_>, diags: &mut Diagnostics) -> Option<Removed> {
    base.has_labels(&[], diags);
    let mut fields = base.fields();
    let from = fields.need("from", diags);
    let mut destroy = true;
    if let Some(lifecycle) = fields.block("lifecycle", diags) {
        let mut inner = lifecycle.fields();
        destroy = inner.flag("destroy", diags).unwrap_or(true);
        inner.finish(diags);
    }
    // A removed block may carry destroy-time provisioners, which are not carried out yet.
    fields.blocks("provisioner");
    fields.blocks("connection");
    fields.finish(diags);
    let from = from?;
    Some(Removed {
        from: traversal::target(from.expression(), from.origin, diags)?,
        destroy,
        span: base.span(),
    })
}

pub(super) fn import(base: Written<'_>, diags: &mut Diagnostics) -> Option<Import> {
    base.has_labels(&[], diags);
    let mut fields = base.fields();
    let (to, id) = (fields.need("to", diags), fields.need("id", diags));
    let for_each = fields.expr("for_each", diags);
    let provider = fields
        .take("provider")
        .and_then(|given| traversal::provider(given.expression(), given.origin, diags));
    fields.finish(diags);
    let (to, id) = (to?, id?);
    let (to, key) = traversal::import_target(to.expression(), to.origin, diags)?;
    Some(Import { to, key, id: id.expr(diags), for_each, provider, span: base.span() })
}
