//! Taking over objects that exist: `import` blocks and the `import` command.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, ModulePath, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::Import;
use terrarium_lang::{Configuration, Expr};
use terrarium_provider::{ImportRequest, Provider};
use terrarium_value::{Marks, Value};

use super::candidate::{Candidate, Prior};
use super::refresh::Recorded;
use super::{Group, Planner};
use crate::world::{At, ModuleId};
use crate::{Waits, codes};

/// The ids that instances are to be imported by.
pub(super) type ImportIds = BTreeMap<ResourceAddr, String>;

impl Planner<'_> {
    /// Reads the objects that instances without a recorded one are to be imported from.
    pub(super) async fn import(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        candidates: &mut [Candidate],
    ) {
        let mut imported = HashSet::new();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.prior.is_none()) {
            let Some(id) = self.importing(&candidate.addr) else { continue };
            let request = ImportRequest { addr: candidate.addr.clone(), id: id.as_str().into() };
            match provider.import(&group.resource.block.kind, request).await {
                Ok(objects) => {
                    let object =
                        objects.into_iter().find(|object| object.kind == group.resource.block.kind);
                    candidate.prior =
                        object.map(|object| Prior::bare(object.state, object.private));
                    imported.insert(candidate.addr.clone());
                }
                Err(diagnostics) => self.report_each(diagnostics, group.resource, &candidate.addr),
            }
        }
        let read = candidates.iter_mut().filter(|candidate| imported.contains(&candidate.addr));
        let objects = read.map(|c| Recorded { addr: &c.addr, prior: &mut c.prior }).collect();
        self.read(group, provider, objects).await;
        // What the id alone did not tell is no drift.
        self.found.borrow_mut().drift.retain(|drift| !imported.contains(&drift.addr));
        for candidate in
            candidates.iter().filter(|c| c.prior.is_none() && imported.contains(&c.addr))
        {
            let error = Diagnostic::error(codes::IMPORT, "Cannot import non-existent remote object").detail(format!(
                "While attempting to import an existing object to {}, the provider detected that no object exists with \
                 the given id. Only pre-existing objects can be imported.",
                candidate.addr
            ));
            self.report_at(error, group.resource, &candidate.addr);
        }
    }

    /// Returns the id that an instance is to be imported by, unless it is recorded already.
    pub(super) fn importing(&self, addr: &ResourceAddr) -> Option<String> {
        if self.inputs.prior.resources.get(addr).is_some_and(|instance| instance.current.is_some())
        {
            return None;
        }
        let asked = self
            .options
            .imports
            .iter()
            .find(|(wanted, _)| wanted == addr)
            .map(|(_, id)| id.clone());
        asked.or_else(|| self.import_ids(&addr.block.config())?.get(addr).cloned())
    }

    /// Returns the ids that `import` blocks name for instances of a block. They are evaluated once, and not for
    /// each instance: a `for_each` names as many as there are.
    fn import_ids(&self, block: &ConfigAddr) -> Option<Rc<ImportIds>> {
        let blocks = self.imports.get(block)?;
        if let Some(known) = self.import_ids.borrow().get(block) {
            return Some(known.clone());
        }
        let ids = Rc::new(self.evaluate_imports(blocks));
        self.import_ids.borrow_mut().insert(block.clone(), ids.clone());
        Some(ids)
    }

    /// Evaluates `import` blocks of the root module, by address.
    fn evaluate_imports(&self, blocks: &[&Import]) -> ImportIds {
        let mut found = BTreeMap::new();
        for block in blocks {
            let Some(for_each) = &block.for_each else {
                found.extend(self.import_block(block, At::Module));
                continue;
            };
            let all = self
                .world
                .evaluate(ModuleId::ROOT, At::Module, |frame, diags| for_each.eval(frame, diags));
            self.refuse_ephemeral_import(&all, for_each);
            for (key, value) in crate::world::entries(&all) {
                let at = At::Instance { key: &key, each: Some(&value) };
                found.extend(self.import_block(block, at));
            }
        }
        found
    }

    fn import_block(&self, block: &Import, at: At<'_>) -> Option<(ResourceAddr, String)> {
        let eval = |expr: &Expr| {
            self.world.evaluate(ModuleId::ROOT, at, |frame, diags| expr.eval(frame, diags))
        };
        let id = eval(&block.id);
        self.refuse_ephemeral_import(&id, &block.id);
        let key = match &block.key {
            None => terrarium_address::InstanceKey::None,
            Some(key) => instance_key(&eval(key))?,
        };
        let addr = block.to.1.in_module(block.to.0.clone()).instance(key);
        Some((addr, id.as_str()?.to_owned()))
    }

    /// Ids and keys of imported objects are shown and recorded.
    fn refuse_ephemeral_import(&self, value: &Value, expr: &Expr) {
        if value.deep_marks().contains(Marks::EPHEMERAL) {
            let detail =
                "The value is derived from an ephemeral value, and would be kept in the state.";
            let error =
                Diagnostic::error(codes::EPHEMERAL, "Invalid import argument").detail(detail);
            self.world.report(error.at(expr.span(), ""));
        }
    }

    /// Reports what is to be imported to an address that the configuration does not have.
    pub(super) fn check_imports(&self) {
        let found = self.found.borrow();
        let ids: Vec<_> = self.imports.keys().filter_map(|block| self.import_ids(block)).collect();
        let waits = found.deferred.iter().filter(|deferred| deferred.waits == Waits::Values);
        let put_off: HashSet<ConfigAddr> =
            waits.map(|deferred| deferred.change.addr.block.config()).collect();
        let wanted = self
            .options
            .imports
            .iter()
            .map(|(addr, _)| addr)
            .chain(ids.iter().flat_map(|ids| ids.keys()));
        for addr in wanted {
            if found.by_addr.contains_key(addr)
                || put_off.contains(&addr.block.config())
                || self.world.has_errors()
            {
                continue;
            }
            let error = Diagnostic::error(codes::IMPORT, "Resource not in the configuration")
                .detail(format!("There is no resource instance {addr} to import an object to."))
                .about(addr.clone())
                .help("write its resource block first");
            self.world.report(error);
        }
    }
}

/// Finds the `import` blocks of the root module by the block that they import to.
pub(super) fn by_block(config: &Configuration) -> BTreeMap<ConfigAddr, Vec<&Import>> {
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
