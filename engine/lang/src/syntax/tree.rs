//! The syntax of a file, whether it was written natively or as JSON: arguments and blocks in blocks.

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Body, Structure};
use terrarium_address::{Name, intern};
use terrarium_diagnostic::Span;

use crate::origin::Origin;

/// What stands between the braces of a block, or in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) arguments: Vec<Argument>,
    pub(crate) blocks: Vec<Block>,
    /// Whether it was written as JSON, where a property may turn out to be blocks.
    pub(crate) json: bool,
}

/// `name = value`
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: Name,
    pub(crate) name_span: Span,
    pub(crate) span: Span,
    pub(crate) value: Expression,
}

/// `kind "label" { … }`
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: Name,
    pub(crate) labels: Vec<(Name, Span)>,
    /// The type and the labels.
    pub(crate) header: Span,
    /// The whole block.
    pub(crate) span: Span,
    pub(crate) content: Content,
}

impl Content {
    /// Takes over what the parser read.
    pub(crate) fn of_native(origin: &Origin, body: Body) -> Self {
        let mut content = Self::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => content.arguments.push(Argument {
                    name: intern(attribute.key.as_str()),
                    name_span: origin.span(attribute.key.span()),
                    span: origin.span(attribute.span()),
                    value: attribute.value,
                }),
                Structure::Block(block) => {
                    let kind_span = origin.span(block.ident.span());
                    let labels: Vec<(Name, Span)> = block
                        .labels
                        .iter()
                        .map(|label| (intern(label.as_str()), origin.span(label.span())))
                        .collect();
                    content.blocks.push(Block {
                        kind: intern(block.ident.as_str()),
                        header: labels.last().map_or(kind_span, |(_, label)| kind_span.to(*label)),
                        labels,
                        span: origin.span(block.span()),
                        content: Self::of_native(origin, block.body),
                    });
                }
            }
        }
        content
    }
}
