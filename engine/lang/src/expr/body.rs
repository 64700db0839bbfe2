//! `Body`: the arguments and nested blocks of a block whose schema is known only later.

mod decode;

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Structure};
use indexmap::IndexMap;
use indexmap::map::Entry;
use terrarium_address::{AttrPath, Mode, Name, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::{Expr, Origin, Reference, Subject, compile};
use crate::codes;

/// Arguments and nested blocks, compiled but not yet decoded; cheap to clone.
#[derive(Clone, Debug)]
pub struct Body(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    span: Span,
    header: Span,
    arguments: IndexMap<Name, Argument>,
    blocks: Vec<Nested>,
}

#[derive(Debug)]
struct Argument {
    name_span: Span,
    value: Expr,
}

/// A nested block, or what generates nested blocks.
#[derive(Debug)]
struct Nested {
    kind: Name,
    labels: Vec<(Name, Span)>,
    header: Span,
    body: Body,
    dynamic: Option<Dynamic>,
}

/// What a `dynamic` block repeats its content for.
#[derive(Debug)]
struct Dynamic {
    for_each: Expr,
    iterator: Name,
    labels: Vec<Expr>,
}

impl Body {
    /// Compiles arguments and blocks; `span` is the whole block's.
    pub(crate) fn compile<'a>(
        (span, header): (Span, Span),
        arguments: impl Iterator<Item = (&'a Origin, &'a Attribute)>,
        blocks: impl Iterator<Item = (&'a Origin, &'a Block)>,
        diags: &mut Diagnostics,
    ) -> Self {
        let mut compiled = IndexMap::new();
        for (origin, attribute) in arguments {
            add_argument(&mut compiled, origin, attribute, diags);
        }
        let blocks = blocks.filter_map(|(origin, block)| nested(origin, block, diags)).collect();
        Self(Arc::new(Parts { span, header, arguments: compiled, blocks }))
    }

    /// Returns a body in which nothing is written, and which stands nowhere.
    pub fn empty() -> Self {
        let nowhere = Span::new(terrarium_diagnostic::FileId(0), 0..0);
        Self(Arc::new(Parts {
            span: nowhere,
            header: nowhere,
            arguments: IndexMap::new(),
            blocks: Vec::new(),
        }))
    }

    /// Compiles what stands between the braces of a block.
    fn of_block(origin: &Origin, block: &Block, header: Span, diags: &mut Diagnostics) -> Self {
        let mut arguments = IndexMap::new();
        let mut blocks = Vec::new();
        for structure in &block.body {
            match structure {
                Structure::Attribute(attribute) => {
                    add_argument(&mut arguments, origin, attribute, diags);
                }
                Structure::Block(block) => blocks.extend(nested(origin, block, diags)),
            }
        }
        Self(Arc::new(Parts { span: origin.span(block.span()), header, arguments, blocks }))
    }

    /// Returns where the whole block stands.
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// Returns where the block's type and labels stand.
    pub fn header(&self) -> Span {
        self.0.header
    }

    /// Returns whether it has neither arguments nor blocks.
    pub fn is_empty(&self) -> bool {
        self.0.arguments.is_empty() && self.0.blocks.is_empty()
    }

    /// Returns the value of an argument.
    pub fn attribute(&self, name: &str) -> Option<&Expr> {
        self.0.arguments.get(name).map(|argument| &argument.value)
    }

    /// Returns the names and values of all arguments in the order of the source.
    pub fn attributes(&self) -> impl Iterator<Item = (&Name, &Expr)> {
        self.0.arguments.iter().map(|(name, argument)| (name, &argument.value))
    }

    /// Returns the nested blocks of a type that are written out, in the order of the source.
    pub fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Body> {
        self.0
            .blocks
            .iter()
            .filter(move |block| &*block.kind == kind && block.dynamic.is_none())
            .map(|it| &it.body)
    }

    /// Returns what all expressions refer to, iterators of `dynamic` blocks left out.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut |reference| found.push(reference.clone()));
        found
    }

    fn collect(&self, iterators: &mut Vec<Name>, each: &mut impl FnMut(&Reference)) {
        for argument in self.0.arguments.values() {
            outside(&argument.value, iterators, each);
        }
        for block in &self.0.blocks {
            let bound = iterators.len();
            if let Some(dynamic) = &block.dynamic {
                outside(&dynamic.for_each, iterators, each);
                iterators.push(dynamic.iterator.clone());
                for label in &dynamic.labels {
                    outside(label, iterators, each);
                }
            }
            block.body.collect(iterators, each);
            iterators.truncate(bound);
        }
    }

    /// Returns every expression, `dynamic` blocks included, in the order of the source.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found: Vec<&Expr> =
            self.0.arguments.values().map(|argument| &argument.value).collect();
        for block in &self.0.blocks {
            if let Some(dynamic) = &block.dynamic {
                found.push(&dynamic.for_each);
                found.extend(&dynamic.labels);
            }
            found.extend(block.body.expressions());
        }
        found
    }

    /// Returns the place of a part of the value: the longest beginning of the path that is written.
    ///
    /// `None` where not even its first step is.
    pub fn span_of(&self, path: &AttrPath) -> Option<Span> {
        let (PathStep::Attr(name), rest) = path.0.split_first()? else { return None };
        if let Some(argument) = self.0.arguments.get(name) {
            return Some(argument.value.span());
        }
        let of_kind: Vec<&Nested> =
            self.0.blocks.iter().filter(|block| block.kind == *name).collect();
        let (block, rest) = match rest.split_first() {
            Some((PathStep::Index(at), rest)) => {
                let at = usize::try_from(*at).unwrap_or(usize::MAX);
                (of_kind.get(at).or(of_kind.last())?, rest)
            }
            Some((PathStep::Key(key), rest)) => {
                let labelled = of_kind
                    .iter()
                    .find(|block| block.labels.first().is_some_and(|(name, _)| name == key));
                (labelled.or(of_kind.first())?, rest)
            }
            Some((PathStep::AnyElement, rest)) => (of_kind.first()?, rest),
            _ => (of_kind.first()?, rest),
        };
        Some(block.body.span_of(&AttrPath(rest.to_vec())).unwrap_or(block.header))
    }
}

/// Calls `each` with the references of an expression that name no iterator.
fn outside(expr: &Expr, iterators: &[Name], each: &mut impl FnMut(&Reference)) {
    for reference in expr.references() {
        // `port.value` of an iterator looks like a resource of the type `port`.
        let bound = match &reference.subject {
            Subject::Resource(block, _) => {
                block.mode == Mode::Managed && iterators.contains(&block.kind)
            }
            _ => false,
        };
        if !bound {
            each(reference);
        }
    }
}

fn add_argument(
    arguments: &mut IndexMap<Name, Argument>,
    origin: &Origin,
    attribute: &Attribute,
    diags: &mut Diagnostics,
) {
    let name_span = origin.span(attribute.key.span());
    let value = compile(&attribute.value, origin, diags);
    match arguments.entry(attribute.key.as_str().into()) {
        Entry::Occupied(first) => {
            let name = first.key();
            diags.push(
                Diagnostic::error(codes::DUPLICATE, "Attribute redefined")
                    .detail(format!(
                        "The argument \"{name}\" was already set. Each argument may be set only once."
                    ))
                    .at(name_span, "set again")
                    .also(first.get().name_span, "set here first"),
            );
        }
        Entry::Vacant(free) => {
            free.insert(Argument { name_span, value });
        }
    }
}

fn nested(origin: &Origin, block: &Block, diags: &mut Diagnostics) -> Option<Nested> {
    let kind_span = origin.span(block.ident.span());
    let labels: Vec<(Name, Span)> = block
        .labels
        .iter()
        .map(|label| (label.as_str().into(), origin.span(label.span())))
        .collect();
    let header = labels.last().map_or(kind_span, |(_, label)| kind_span.to(*label));
    if block.ident.as_str() == "dynamic" {
        return generator(origin, block, (labels, header), diags);
    }
    let body = Body::of_block(origin, block, header, diags);
    Some(Nested { kind: block.ident.as_str().into(), labels, header, body, dynamic: None })
}

/// Reads a `dynamic` block.
fn generator(
    origin: &Origin,
    block: &Block,
    (labels, header): (Vec<(Name, Span)>, Span),
    diags: &mut Diagnostics,
) -> Option<Nested> {
    let wrong = |summary: &str, detail: &str, at: Span| {
        Diagnostic::error(codes::DYNAMIC, summary).detail(detail).at(at, "")
    };
    let [(kind, _)] = labels.as_slice() else {
        diags.push(wrong(
            "Missing type for dynamic",
            "All dynamic blocks must have 1 label: the type of the blocks that are generated.",
            header,
        ));
        return None;
    };
    let (mut for_each, mut iterator, mut label_exprs, mut content) =
        (None, kind.clone(), Vec::new(), None);
    for structure in &block.body {
        match structure {
            Structure::Attribute(attribute) => match attribute.key.as_str() {
                "for_each" => for_each = Some(compile(&attribute.value, origin, diags)),
                "iterator" => match attribute.value.as_variable() {
                    Some(name) => iterator = name.as_str().into(),
                    None => diags.push(wrong(
                        "Invalid expression",
                        "The iterator of a dynamic block is a single name.",
                        origin.span(attribute.value.span()),
                    )),
                },
                "labels" => label_exprs = list(&attribute.value, origin, diags),
                name => {
                    let at = origin.span(attribute.key.span());
                    diags.push(crate::config::unsupported_argument(
                        name,
                        at,
                        &["for_each", "iterator", "labels"],
                        &["content"],
                    ));
                }
            },
            Structure::Block(inner) if inner.ident.as_str() == "content" && content.is_none() => {
                content = Some(Body::of_block(origin, inner, header, diags));
            }
            Structure::Block(inner) => {
                let at = origin.span(inner.ident.span());
                diags.push(wrong(
                    "Extraneous dynamic content block",
                    "Only one nested content block is allowed for each dynamic block.",
                    at,
                ));
            }
        }
    }
    if for_each.is_none() {
        let detail = "The argument \"for_each\" is required, but no definition was found.";
        diags.push(wrong("Missing required argument", detail, header));
    }
    if content.is_none() {
        let detail = "A nested block of type \"content\" is required to specify the content of each generated block.";
        diags.push(wrong("Missing dynamic content block", detail, header));
    }
    let dynamic = Dynamic { for_each: for_each?, iterator, labels: label_exprs };
    Some(Nested {
        kind: kind.clone(),
        labels: Vec::new(),
        header,
        body: content?,
        dynamic: Some(dynamic),
    })
}

fn list(expression: &Expression, origin: &Origin, diags: &mut Diagnostics) -> Vec<Expr> {
    if let Expression::Array(array) = expression {
        return array.iter().map(|element| compile(element, origin, diags)).collect();
    }
    let detail = "The labels of a dynamic block are a list in brackets.";
    let at = origin.span(expression.span());
    diags.push(Diagnostic::error(codes::DYNAMIC, "Invalid expression").detail(detail).at(at, ""));
    Vec::new()
}
