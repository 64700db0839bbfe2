//! The world of one run: module instances, and every value that is known of them so far.
//!
//! Named values (variables, locals, outputs) are evaluated when first asked for, and once. Whoever
//! asks must have waited for the resources behind them: the plan by the graph's order, the apply by
//! the dependencies that the plan recorded.

mod blocks;
mod called;
mod demand;
mod ephemeral;
mod files;
mod modules;
mod reads;
mod repetition;
mod reported;
mod scope;
mod waiting;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use terrarium_address::{ConfigAddr, ModulePath, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::expr::{Environment, Frame};
use terrarium_value::Value;

use crate::Inputs;

pub(crate) use blocks::BlockValues;
pub(crate) use files::FileReads;
pub(crate) use modules::ModuleId;
pub(crate) use reads::Deps;
pub(crate) use repetition::{Repetition, Shape, entries};
pub(crate) use scope::{At, ModuleScope};
pub(crate) use waiting::{StandIn, Unsettled};

use files::WatchedFiles;
use modules::Modules;
use reads::ReadStack;
use reported::Reported;

/// Everything known during one run. Single-threaded: the walk owns it.
pub(crate) struct World<'a> {
    pub(crate) inputs: &'a Inputs,
    environment: Environment,
    files: Arc<WatchedFiles>,
    modules: RefCell<Modules>,
    blocks: RefCell<HashMap<ConfigAddr, BlockValues>>,
    repetitions: RefCell<HashMap<ConfigAddr, std::rc::Rc<Repetition>>>,
    /// How many instances the blocks of the configuration have that are repeated, as far as was asked.
    counted: RefCell<HashMap<ConfigAddr, usize>>,
    /// The repetition of everything that has neither `count` nor `for_each`.
    single: std::cell::OnceCell<std::rc::Rc<Repetition>>,
    waiting: RefCell<waiting::Waiting>,
    /// Whether what is not known yet may wait for a later run, instead of being a mistake.
    defers: bool,
    reads: ReadStack,
    reported: RefCell<Reported>,
    under_way: demand::UnderWay,
    /// Outputs of repeated calls that were evaluated in all instances.
    listed: RefCell<HashSet<(ModuleId, Name, Option<Name>)>>,
    /// Whether data and resources without a value are unknown instead of a mistake of ours.
    pub(crate) phase: Phase,
}

/// What the world is evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Without any state: resources are unknown.
    Validate,
    /// The console: as far as it is recorded, and never a word about what is missing.
    Console,
    /// A plan.
    Plan,
    /// An apply.
    Apply,
}

impl<'a> World<'a> {
    /// Builds the world with its root module.
    pub(crate) fn new(inputs: &'a Inputs, phase: Phase) -> Self {
        let given = &inputs.environment;
        let files = Arc::new(WatchedFiles::new(given.files.clone(), given.base_dir.clone()));
        Self {
            inputs,
            environment: Environment {
                files: files.clone(),
                planning: matches!(phase, Phase::Validate | Phase::Plan),
                ..given.clone()
            },
            files,
            modules: RefCell::new(Modules::with_root(inputs)),
            blocks: RefCell::default(),
            repetitions: RefCell::default(),
            counted: RefCell::default(),
            single: std::cell::OnceCell::new(),
            waiting: RefCell::default(),
            defers: false,
            reads: ReadStack::default(),
            reported: RefCell::default(),
            under_way: demand::UnderWay::default(),
            listed: RefCell::default(),
            phase,
        }
    }

    /// Adds a diagnostic to those of the run, once: a named value is evaluated once, but a block's expressions
    /// once per instance.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.reported.borrow_mut().add(diagnostic);
    }

    /// Adds several diagnostics.
    pub(crate) fn report_all(&self, diagnostics: Diagnostics) {
        for diagnostic in diagnostics {
            self.report(diagnostic);
        }
    }

    /// Takes the diagnostics so far.
    pub(crate) fn take_diagnostics(&self) -> Diagnostics {
        self.reported.borrow_mut().take()
    }

    /// Makes the errors about instances warnings: what they were about has come right.
    pub(crate) fn forgive(&self, forgiven: impl Fn(&terrarium_address::ResourceAddr) -> bool) {
        self.reported.borrow_mut().forgive(forgiven);
    }

    /// Returns how many errors were reported and not yet taken.
    pub(crate) fn error_count(&self) -> usize {
        self.reported.borrow().errors()
    }

    /// Returns whether an error was reported and not yet taken.
    pub(crate) fn has_errors(&self) -> bool {
        self.error_count() > 0
    }

    /// Evaluates in a module instance, and returns what was read on the way.
    pub(crate) fn recording<T>(&self, body: impl FnOnce() -> T) -> (T, Deps) {
        // What was read so far belongs to the evaluation around this one.
        self.reads.note_files(self.files.take());
        self.reads.push();
        let result = body();
        self.reads.note_files(self.files.take());
        (result, self.reads.pop())
    }

    /// Evaluates something at a place; diagnostics go to the run's.
    pub(crate) fn evaluate(
        &self,
        module: ModuleId,
        at: At<'_>,
        body: impl FnOnce(&Frame<'_>, &mut Diagnostics) -> Value,
    ) -> Value {
        let scope = ModuleScope::new(self, module, at);
        let mut diagnostics = Diagnostics::new();
        let value = body(&Frame::new(&scope), &mut diagnostics);
        self.report_all(diagnostics);
        value
    }

    /// Sets the value of one instance of a block.
    pub(crate) fn set_instance(
        &self,
        block: &ConfigAddr,
        key: terrarium_address::InstanceKey,
        value: Option<Value>,
    ) {
        self.blocks.borrow_mut().entry(block.clone()).or_default().set(key, value);
    }

    /// Returns the value of one instance.
    pub(crate) fn instance(&self, addr: &terrarium_address::ResourceAddr) -> Option<Value> {
        self.blocks.borrow().get(&addr.block)?.get(&addr.key).cloned()
    }

    /// Returns the values of a block within its module instance.
    pub(crate) fn values_of(&self, block: &ConfigAddr) -> Option<BlockValues> {
        self.blocks.borrow().get(block).cloned()
    }

    /// Returns the latest error in one line.
    pub(crate) fn last_error(&self) -> Option<String> {
        let reported = self.reported.borrow();
        let last = reported.last_error()?;
        let cause = last.detail.lines().next().map(str::trim).filter(|cause| !cause.is_empty());
        Some(match cause {
            Some(cause) => format!("{}: {cause}", last.summary),
            None => last.summary.clone(),
        })
    }

    /// Says that all instances of a block are known, even if there is none.
    pub(crate) fn set_complete(&self, block: &ConfigAddr) {
        self.blocks.borrow_mut().entry(block.clone()).or_default().complete = true;
    }

    /// Returns the module instance at a path, where it is expanded.
    pub(crate) fn module_at(&self, path: &ModulePath) -> Option<ModuleId> {
        self.modules.borrow().at(path)
    }
}
