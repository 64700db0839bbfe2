//! Taking over objects that exist: `import` blocks and the `import` command.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, ModulePath, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::Import;
use terrarium_lang::{Configuration, Expr};
use terrarium_provider::{ImportRequest, Provider};
use terrarium_value::{Marks, Value};

use super::Planner;
use super::candidate::{Candidate, Prior};
use super::group::Group;
use super::listed::Listed;
use super::refresh::{Recorded, read};
use crate::world::{At, ModuleId, World};
use crate::{Waits, codes};

/// The ids that instances are to be imported by.
type ImportIds = BTreeMap<ResourceAddr, String>;

/// What is to be imported, by the block that it is imported to.
pub(super) struct Imports<'a> {
    blocks: BTreeMap<ConfigAddr, Vec<&'a Import>>,
    /// What the blocks name; evaluated when it is first asked for.
    ids: RefCell<HashMap<ConfigAddr, Rc<ImportIds>>>,
}

/// Reads the objects that instances without a recorded one are to be imported from.
pub(super) async fn import(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    candidates: &mut [Candidate],
) {
    let mut imported = HashSet::new();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.prior.is_none()) {
        let Some(id) = plan.imports.of(plan, &candidate.addr) else { continue };
        let request = ImportRequest { addr: candidate.addr.clone(), id: id.as_str().into() };
        match provider.import(&group.resource.block.kind, request).await {
            Ok(objects) => {
                let object =
                    objects.into_iter().find(|object| object.kind == group.resource.block.kind);
                candidate.prior = object.map(|object| Prior::bare(object.state, object.private));
                imported.insert(candidate.addr.clone());
            }
            Err(diagnostics) => plan.report_each(diagnostics, group.resource, &candidate.addr),
        }
    }
    let found = candidates.iter_mut().filter(|candidate| imported.contains(&candidate.addr));
    let objects = found.map(|c| Recorded { addr: &c.addr, prior: &mut c.prior }).collect();
    read(plan, group, provider, objects).await;
    for candidate in candidates.iter().filter(|c| imported.contains(&c.addr)) {
        // What the id alone did not tell is no drift.
        plan.drift.borrow_mut().expect(candidate.addr.clone());
        if candidate.prior.is_none() {
            let error = Diagnostic::error(codes::IMPORT, "Cannot import non-existent remote object").detail(format!(
                "While attempting to import an existing object to {}, the provider detected that no object exists with \
                 the given id. Only pre-existing objects can be imported.",
                candidate.addr
            ));
            plan.report_at(error, group.resource, &candidate.addr);
        }
    }
}

impl<'a> Imports<'a> {
    /// Finds the `import` blocks of the root module.
    pub(super) fn in_config(config: &'a Configuration) -> Self {
        Self { blocks: by_block(config), ids: RefCell::default() }
    }

    /// Returns the id that an instance is to be imported by, unless it is recorded already.
    pub(super) fn of(&self, plan: &Planner<'_>, addr: &ResourceAddr) -> Option<String> {
        if plan.inputs.prior.resources.get(addr).is_some_and(|instance| instance.current.is_some())
        {
            return None;
        }
        let asked = plan
            .options
            .imports
            .iter()
            .find(|(wanted, _)| wanted == addr)
            .map(|(_, id)| id.clone());
        asked.or_else(|| self.named(&plan.world, &addr.block.config())?.get(addr).cloned())
    }

    /// Returns the ids that `import` blocks name for instances of a block. They are evaluated once, and not for
    /// each instance: a `for_each` names as many as there are.
    fn named(&self, world: &World<'_>, block: &ConfigAddr) -> Option<Rc<ImportIds>> {
        let blocks = self.blocks.get(block)?;
        if let Some(known) = self.ids.borrow().get(block) {
            return Some(known.clone());
        }
        let ids = Rc::new(evaluate(world, blocks));
        self.ids.borrow_mut().insert(block.clone(), ids.clone());
        Some(ids)
    }

    /// Reports what is to be imported to an address that the configuration does not have.
    pub(super) fn check(&self, plan: &Planner<'_>, listed: &Listed) {
        let world = &plan.world;
        let ids: Vec<_> = self.blocks.keys().filter_map(|block| self.named(world, block)).collect();
        let asked = plan.options.imports.iter().map(|(addr, _)| addr);
        let wanted: Vec<&ResourceAddr> =
            asked.chain(ids.iter().flat_map(|ids| ids.keys())).collect();
        if wanted.is_empty() {
            return;
        }
        let waits =
            listed.deferred.iter().filter(|deferred| deferred.waits() == Some(&Waits::Values));
        let put_off: HashSet<ConfigAddr> =
            waits.map(|deferred| deferred.change.addr.block.config()).collect();
        let planned: HashSet<&ResourceAddr> = listed.all().map(|change| &change.addr).collect();
        for addr in wanted {
            if planned.contains(addr)
                || put_off.contains(&addr.block.config())
                || world.has_errors()
            {
                continue;
            }
            let error = Diagnostic::error(codes::IMPORT, "Resource not in the configuration")
                .detail(format!("There is no resource instance {addr} to import an object to."))
                .about(addr.clone())
                .help("write its resource block first");
            world.report(error);
        }
    }
}

/// Evaluates `import` blocks of the root module, by address.
fn evaluate(world: &World<'_>, blocks: &[&Import]) -> ImportIds {
    let mut found = BTreeMap::new();
    for block in blocks {
        let Some(for_each) = &block.for_each else {
            found.extend(import_block(world, block, At::Module));
            continue;
        };
        let all =
            world.evaluate(ModuleId::ROOT, At::Module, |frame, diags| for_each.eval(frame, diags));
        refuse_ephemeral(world, &all, for_each);
        for (key, value) in crate::world::entries(&all) {
            let at = At::Instance { key: &key, each: Some(&value) };
            found.extend(import_block(world, block, at));
        }
    }
    found
}

fn import_block(world: &World<'_>, block: &Import, at: At<'_>) -> Option<(ResourceAddr, String)> {
    let eval =
        |expr: &Expr| world.evaluate(ModuleId::ROOT, at, |frame, diags| expr.eval(frame, diags));
    let id = eval(&block.id);
    refuse_ephemeral(world, &id, &block.id);
    let key = match &block.key {
        None => terrarium_address::InstanceKey::None,
        Some(key) => instance_key(&eval(key))?,
    };
    let addr = block.to.1.in_module(block.to.0.clone()).instance(key);
    Some((addr, id.as_str()?.to_owned()))
}

/// Ids and keys of imported objects are shown and recorded.
fn refuse_ephemeral(world: &World<'_>, value: &Value, expr: &Expr) {
    if value.deep_marks().contains(Marks::EPHEMERAL) {
        let detail =
            "The value is derived from an ephemeral value, and would be kept in the state.";
        let error = Diagnostic::error(codes::EPHEMERAL, "Invalid import argument").detail(detail);
        world.report(error.at(expr.span(), ""));
    }
}

/// Finds the `import` blocks of the root module by the block that they import to.
fn by_block(config: &Configuration) -> BTreeMap<ConfigAddr, Vec<&Import>> {
    let mut found: BTreeMap<ConfigAddr, Vec<&Import>> = BTreeMap::new();
    let root = config.module(&ModulePath::default());
    for block in root.iter().flat_map(|root| &root.imports) {
        let (path, to) = &block.to;
        found.entry(to.in_module(path.config())).or_default().push(block);
    }
    found
}

fn instance_key(value: &Value) -> Option<terrarium_address::InstanceKey> {
    use terrarium_address::InstanceKey;
    value.as_str().map(|key| InstanceKey::Str(key.into())).or_else(|| {
        value
            .as_number()?
            .to_i64()
            .and_then(|index| u64::try_from(index).ok())
            .map(InstanceKey::Int)
    })
}
