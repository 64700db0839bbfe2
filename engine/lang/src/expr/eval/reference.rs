//! References: local names first, then the scope.

use terrarium_address::InstanceKey;
use terrarium_diagnostic::Span;
use terrarium_value::{Type, Value, convert};

use super::{Evaluator, Heritage, access, broken, codes};
use crate::expr::ScopeResult;
use crate::expr::compile::instance_key;
use crate::expr::frame::Frame;
use crate::expr::node::{Root, RootTarget};

impl Evaluator<'_> {
    pub(super) fn root(&mut self, root: &Root, span: Span, frame: &Frame<'_>) -> Value {
        if let Some(bound) = frame.lookup(&root.name) {
            return self.replay(bound.clone(), root, span, frame);
        }
        let scope = frame.scope();
        match &root.target {
            RootTarget::Variable(name) => self.found(scope.variable(name), span),
            RootTarget::Local(name) => self.found(scope.local(name), span),
            RootTarget::Each(part) => self.found(scope.each(*part), span),
            RootTarget::CountIndex => self.found(scope.count_index(), span),
            RootTarget::This => self.found(scope.this(), span),
            RootTarget::Path(part) => self.found(scope.path(*part), span),
            RootTarget::Terraform(part) => self.found(scope.terraform(*part), span),
            RootTarget::Resource(block, constant) => {
                self.instance(root, constant.as_ref(), (span, frame), &|key| {
                    scope.resource(block, key)
                })
                .0
            }
            RootTarget::Module(name, constant) => {
                let output = root.output.as_deref();
                if root.key.is_none() {
                    return self.found(scope.module(name, None, output), span);
                }
                self.module_instance(root, name, constant.as_ref(), (span, frame))
            }
            RootTarget::Invalid(why) => {
                let (summary, detail) = &**why;
                self.fail(codes::REFERENCE, span, summary, detail.clone())
            }
        }
    }

    fn found(&mut self, result: ScopeResult, span: Span) -> Value {
        result.unwrap_or_else(|mut diagnostic| {
            if diagnostic.at.is_none() {
                *diagnostic = diagnostic.at(span, "");
            }
            self.diags.push(*diagnostic);
            broken()
        })
    }

    /// Returns one instance where the key is known; else an element of the whole block, and `true`.
    fn instance(
        &mut self,
        root: &Root,
        constant: Option<&InstanceKey>,
        site: (Span, &Frame<'_>),
        find: &dyn Fn(Option<&InstanceKey>) -> ScopeResult,
    ) -> (Value, bool) {
        let (span, frame) = site;
        let Some(node) = &root.key else { return (self.found(find(None), span), false) };
        if constant.is_some() {
            return (self.found(find(constant), span), false);
        }
        let key = self.eval(node, frame);
        let mut heritage = Heritage::default();
        let plain = heritage.take(key.clone());
        // A bool is the string that names the instance.
        let plain =
            if plain.as_number().is_some() { Ok(plain) } else { convert(&plain, &Type::String) };
        if let Ok(known) = &plain
            && let Some(instance) = instance_key(known)
        {
            return (self.found(find(Some(&instance)), span).marked(heritage.marks), false);
        }
        let whole = self.found(find(None), span);
        let result = access::index(&whole, &key);
        (self.or_fail(result, span), true)
    }

    fn module_instance(
        &mut self,
        root: &Root,
        name: &str,
        constant: Option<&InstanceKey>,
        site: (Span, &Frame<'_>),
    ) -> Value {
        let scope = site.1.scope();
        let output = root.output.as_deref();
        let find = |key: Option<&InstanceKey>| match key {
            Some(key) => scope.module(name, Some(key), output),
            None => scope.module(name, None, None),
        };
        match (self.instance(root, constant, site, &find), output) {
            ((element, true), Some(output)) => {
                let result = access::attribute(&element, output);
                self.or_fail(result, site.0)
            }
            ((value, _), _) => value,
        }
    }

    /// Applies what the root consumed to a local value of its name.
    fn replay(&mut self, mut value: Value, root: &Root, span: Span, frame: &Frame<'_>) -> Value {
        for name in &root.names {
            let result = access::attribute(&value, name);
            value = self.or_fail(result, span);
        }
        if let Some(key) = &root.key {
            let key = self.eval(key, frame);
            let result = access::index(&value, &key);
            value = self.or_fail(result, span);
        }
        if let Some(output) = &root.output {
            let result = access::attribute(&value, output);
            value = self.or_fail(result, span);
        }
        value
    }
}
