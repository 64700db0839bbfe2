//! Candidates: the instances that the configuration wants, each with what is recorded of it.

use std::collections::BTreeSet;

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::config::Resource;
use terrarium_provider::{Private, Schema, Standing, ValidateRequest, Window};
use terrarium_state::{Dep, Ended, Object, ObjectStatus};
use terrarium_value::{Causes, Value};

use super::Planner;
use super::going::deposed;
use super::group::Group;
use super::proposals::causes_of;
use super::recorded::{Block, Recorded};
use super::refresh::is_open;
use super::time::Seat;
use crate::providers::KnownProvider;
use crate::rules::RuleKind;
use crate::world::{At, Deps, ModuleId};
use crate::{codes, object};

/// One instance that the configuration wants.
pub(super) struct Candidate {
    pub(super) addr: ResourceAddr,
    pub(super) module: ModuleId,
    /// `each.value`.
    pub(super) each: Option<Value>,
    pub(super) prior: Option<Prior>,
    /// Its configuration, marks included.
    pub(super) config: Value,
    pub(super) deps: Vec<Dep>,
    /// What it sits on; filled in when its configuration is known.
    pub(super) seat: Seat,
    /// Whether it names something that ended, and keeps that name as it is.
    pub(super) lets_go: bool,
    /// The causes of what it leaves unknown.
    pub(super) causes: Causes,
}

/// What is recorded of an instance, and read since.
#[derive(Clone)]
pub(super) struct Prior {
    /// Its values, sensitive parts marked.
    pub(super) value: Value,
    pub(super) private: Private,
    pub(super) window: Option<Window>,
    pub(super) tainted: bool,
    pub(super) moved_from: Option<ResourceAddr>,
    /// The lenders that it was recorded to sit on.
    pub(super) occupies: Vec<ResourceAddr>,
    /// Since when it is ended; its values are its last ones.
    pub(super) ended: Option<Ended>,
    /// How it stands, where it was read and has a term.
    pub(super) standing: Option<Standing>,
}

impl Prior {
    /// Builds it from values alone.
    pub(super) fn bare(value: Value, private: Private) -> Self {
        Self {
            value,
            private,
            window: None,
            tainted: false,
            moved_from: None,
            occupies: Vec::new(),
            ended: None,
            standing: None,
        }
    }

    /// Builds it from a recorded object and its decoded values.
    pub(super) fn recorded(value: Value, object: &Object) -> Self {
        Self {
            window: object.window,
            tainted: object.status.is_broken(),
            occupies: object.occupies.clone(),
            ended: object.ended.as_deref().cloned(),
            ..Self::bare(value, object.private.clone())
        }
    }
}

impl Candidate {
    pub(super) fn at(&self) -> At<'_> {
        At::Instance { key: &self.addr.key, each: self.each.as_ref() }
    }
}

/// Reads a recorded object; an older schema version is upgraded first.
pub(super) fn read_object(
    known: &KnownProvider,
    name: &Name,
    object: &Object,
    schema: &Schema,
) -> Result<Value, Diagnostics> {
    let refuse = |why: String| {
        let error =
            Diagnostic::error(codes::BAD_OBJECT, "Cannot read the recorded object").detail(why);
        Diagnostics::from(error)
    };
    if object.schema_version > schema.version {
        return Err(refuse(format!(
            "It was recorded with version {} of the schema of {name}; this provider knows version {}.",
            object.schema_version, schema.version
        )));
    }
    if object.schema_version == schema.version {
        return object::read(object, schema).map_err(|why| refuse(format!("{why}.")));
    }
    let Some(upgraded) = known.upgraded(name, object) else {
        return Err(refuse(format!(
            "It was recorded with version {} of the schema of {name}, and was not brought to version {}.",
            object.schema_version, schema.version
        )));
    };
    let attributes = upgraded.as_ref().map_err(Clone::clone)?;
    let upgraded = Object { attributes: attributes.clone(), ..object.clone() };
    object::read(&upgraded, schema).map_err(|why| refuse(format!("{why}.")))
}

impl Planner<'_> {
    /// Pairs the wanted instances with the recorded ones; what is left over are orphans.
    pub(super) fn candidates(&self, group: &Group<'_>, recorded: &mut Block<'_>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for module in self.world.instances_of(group.path) {
            let path = self.world.module(module).path.clone();
            let block = group.resource.block.in_module(path);
            let exprs = (group.resource.count.as_ref(), group.resource.for_each.as_ref());
            let repetition = self.world.repetition(module, &block, exprs);
            let Some(instances) = &repetition.instances else {
                // Nobody knows which of them are still wanted.
                let first = block.instance(terrarium_address::InstanceKey::None);
                while let Some((addr, _)) = recorded.range(&first..).next()
                    && addr.block == block
                {
                    let addr = addr.clone();
                    recorded.remove(&addr);
                }
                continue;
            };
            follow_repetition(recorded, &block, instances.keys());
            for (key, each) in instances {
                let addr = block.instance(key.clone());
                let prior =
                    recorded.remove(&addr).and_then(|found| self.prior(group, &addr, &found));
                candidates.push(Candidate {
                    causes: causes_of(&addr),
                    addr,
                    module,
                    each: each.clone(),
                    prior,
                    config: Value::null(terrarium_value::Type::Dynamic),
                    deps: repetition.deps.iter().cloned().collect(),
                    seat: Seat::default(),
                    lets_go: false,
                });
            }
        }
        candidates
    }

    /// Says that all instances of a block are known, where its repetition is.
    pub(super) fn complete(&self, group: &Group<'_>) {
        let exprs = (group.resource.count.as_ref(), group.resource.for_each.as_ref());
        for module in self.world.instances_of(group.path) {
            let block = group.resource.block.in_module(self.world.module(module).path.clone());
            if self.world.repetition(module, &block, exprs).instances.is_some() {
                self.world.set_complete(&block);
            }
        }
    }

    /// Reads what is recorded of one instance, and plans the end of its deposed objects.
    pub(super) fn prior(
        &self,
        group: &Group<'_>,
        addr: &ResourceAddr,
        found: &Recorded<'_>,
    ) -> Option<Prior> {
        deposed(self, group, addr, found);
        let object = found.instance.current.as_ref()?;
        match read_object(group.kind, &group.resource.block.kind, object, &group.schema) {
            Ok(value) => {
                let prior = Prior::recorded(value, object);
                // What recovery goes on with becomes whole: the open intent says so.
                let comes = object.status == ObjectStatus::Unprovisioned
                    && is_open(&self.inputs.prior, addr);
                let tainted = prior.tainted && !comes;
                Some(Prior { tainted, moved_from: found.moved_from.as_deref().cloned(), ..prior })
            }
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    self.report_at(diagnostic, group.resource, addr);
                }
                None
            }
        }
    }

    /// Evaluates the configuration of a candidate, and what it read.
    pub(super) fn configure(&self, group: &Group<'_>, candidate: &mut Candidate) {
        let resource = group.resource;
        let (config, deps) = self.world.recording(|| {
            self.explicit_dependencies(group, candidate.module);
            self.world.note_calls(candidate.module);
            self.note_lifecycle(group, candidate);
            self.world.evaluate(candidate.module, candidate.at(), |frame, diags| {
                resource.body.decode(&group.schema.block, frame, diags)
            })
        });
        self.files.borrow_mut().note(&candidate.addr, &deps);
        candidate.config =
            self.world.refuse_ephemeral(config, resource, (&group.schema.block, &candidate.addr));
        candidate.deps = united(&candidate.deps, &deps);
    }

    /// Notes what the block's conditions and its `replace_triggered_by` read: the instance waits for that
    /// as for what its arguments read. What they come to, and whether they can be evaluated, is told where
    /// they count.
    fn note_lifecycle(&self, group: &Group<'_>, candidate: &Candidate) {
        let lifecycle = &group.resource.lifecycle;
        let rules = lifecycle.preconditions.iter().chain(&lifecycle.postconditions);
        let rules = rules.flat_map(|rule| [&rule.condition, &rule.error_message]);
        let own = &candidate.addr.block;
        for expr in lifecycle.replace_triggered_by.iter().chain(rules) {
            self.world.note_expr(candidate.module, candidate.at(), expr, own);
        }
    }

    /// Notes the block's `depends_on`, and that of every call around it.
    pub(super) fn explicit_dependencies(&self, group: &Group<'_>, module: ModuleId) {
        for reference in &group.resource.depends_on {
            self.world.note_reference(module, reference);
        }
        let mut at = self.world.module(module);
        while let Some(caller) = at.caller.clone() {
            at = self.world.module(caller.module);
            if let Some(call) = at.config.calls.get(&caller.call) {
                for reference in &call.depends_on {
                    self.world.note_reference(caller.module, reference);
                }
            }
        }
    }

    /// Adds what the provider's configuration reads: nothing can be done before that is known.
    pub(super) fn add_provider_reads(&self, group: &Group<'_>, candidates: &mut [Candidate]) {
        let reads = self.providers.reads(&group.provider);
        if reads.is_empty() {
            return;
        }
        for candidate in candidates {
            candidate.deps = united(&candidate.deps, &reads);
        }
    }

    /// Checks the configuration of an instance, and its preconditions.
    pub(super) fn validate(&self, group: &Group<'_>, candidate: &Candidate) {
        let bare = candidate.config.clone().unmarked_deep();
        let block = &group.resource.block;
        let diagnostics = group.kind.validate(block.mode, &block.kind, &bare);
        self.report_each(diagnostics, group.resource, &candidate.addr);
        let preconditions = &group.resource.lifecycle.preconditions;
        let (module, at) = (candidate.module, candidate.at());
        self.world.check_rules(module, at, preconditions, RuleKind::Precondition);
    }

    /// Lets the provider check configurations by a call, where it has to.
    pub(super) async fn ask_to_validate(&self, group: &Group<'_>, candidates: &[Candidate]) {
        if !group.kind.validates() || candidates.is_empty() {
            return;
        }
        let block = &group.resource.block;
        let request = |candidate: &Candidate| ValidateRequest {
            mode: block.mode,
            kind: block.kind.clone(),
            config: candidate.config.clone().unmarked_deep(),
        };
        let found = group.kind.validate_many(candidates.iter().map(request).collect()).await;
        for (candidate, found) in candidates.iter().zip(found) {
            self.report_each(found, group.resource, &candidate.addr);
        }
    }

    /// Reports diagnostics of the provider about one candidate.
    pub(super) fn report_each(
        &self,
        diagnostics: Diagnostics,
        resource: &Resource,
        addr: &ResourceAddr,
    ) {
        for diagnostic in diagnostics {
            self.report_at(diagnostic, resource, addr);
        }
    }
}

fn united(first: &[Dep], more: &Deps) -> Vec<Dep> {
    first.iter().chain(more.iter()).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Follows a block that got or lost its `count`: `x` becomes `x[0]`, and back, as Terraform does.
fn follow_repetition<'k>(
    recorded: &mut Block<'_>,
    block: &terrarium_address::ConfigAddr,
    mut wanted: impl Iterator<Item = &'k terrarium_address::InstanceKey>,
) {
    use terrarium_address::InstanceKey::{Int, None as Single};
    let (from, to) = match wanted.next() {
        Some(Single) => (Int(0), Single),
        Some(Int(0)) => (Single, Int(0)),
        _ => return,
    };
    let (from, to) = (block.instance(from), block.instance(to));
    if recorded.contains_key(&to) {
        return;
    }
    if let Some(mut found) = recorded.remove(&from) {
        found.moved_from.get_or_insert_with(|| Box::new(from));
        recorded.insert(to, found);
    }
}
