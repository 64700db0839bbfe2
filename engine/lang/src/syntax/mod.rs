//! Source text to syntax trees: one per top-level block, with a diagnostic for each that is wrong.

mod chunk;
mod explain;
pub(crate) mod json;
mod scan;
mod token;
pub(crate) mod tree;

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use rayon::prelude::*;
use terrarium_diagnostic::{Diagnostic, Diagnostics, FileId, Span};

use crate::codes;
use crate::expr::limits::LIMITS_VARIABLE;
use crate::origin::Origin;

pub(crate) use scan::{Scanner, is_ident_continue, is_ident_start};
pub(crate) use token::Kind;

/// Fewest bytes of source for which more than one core is used: below, starting threads costs more.
const PARALLEL_BYTES: usize = 64 << 10;

/// A source text ready to be read: without byte order mark, within the limits.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) file: FileId,
    pub(crate) text: Arc<str>,
}

/// Turns a file's bytes into text. The error's span is to be added by the caller, who knows the file.
#[expect(
    clippy::result_large_err,
    reason = "one per file; the caller adds the place and reports it"
)]
pub(crate) fn decode(bytes: Vec<u8>, largest: usize) -> Result<String, Diagnostic> {
    let largest = largest.min(u32::MAX as usize);
    if bytes.len() > largest {
        let detail =
            format!("The file has {} bytes; the limit `source_file` is {largest}.", bytes.len());
        let error = Diagnostic::error(codes::SOURCE_LIMIT, "Source file too large").detail(detail);
        return Err(error.help(format!(
            "raise the limit by its name: {LIMITS_VARIABLE}=source_file={}MiB (at most 1 GiB), or write the data to \
             a file that a function reads",
            bytes.len().div_ceil(1 << 20)
        )));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            let detail = format!(
                "All input files must be UTF-8 encoded. The first wrong byte is on line {line}. Ensure that UTF-8 encoding is selected in your editor."
            );
            Err(Diagnostic::error(codes::SYNTAX, "Invalid character encoding").detail(detail))
        }
    }
}

/// Applies `each` to every top-level item of the texts that can be parsed, on all cores where that
/// pays, and returns the results in the order of the source, with what is wrong with the rest.
pub(crate) fn parse_with<T: Send>(
    texts: &[Text],
    each: impl Fn(&Origin, Body, &mut Diagnostics) -> T + Sync,
) -> (Vec<T>, Diagnostics) {
    let chunks: Vec<(&Text, chunk::Chunk)> = texts
        .iter()
        .flat_map(|text| chunk::chunks(&text.text).into_iter().map(move |chunk| (text, chunk)))
        .collect();
    let one = |(text, chunk): &(&Text, chunk::Chunk)| {
        let mut diags = Diagnostics::new();
        let parsed = parse_chunk(text, chunk, &mut diags)
            .map(|(origin, body)| each(&origin, body, &mut diags));
        (parsed, diags)
    };
    let size: usize = texts.iter().map(|text| text.text.len()).sum();
    let results: Vec<(Option<T>, Diagnostics)> = if size < PARALLEL_BYTES {
        chunks.iter().map(one).collect()
    } else {
        chunks.par_iter().map(one).collect()
    };
    let mut diags = Diagnostics::new();
    let mut items = Vec::with_capacity(results.len());
    for (item, found) in results {
        items.extend(item);
        diags.extend(found);
    }
    (items, diags)
}

fn parse_chunk(
    text: &Text,
    chunk: &chunk::Chunk,
    diags: &mut Diagnostics,
) -> Option<(Origin, Body)> {
    if let Some(fault) = &chunk.fault {
        diags.push(explain::fault(text, fault));
        return None;
    }
    let source = text.text.get(chunk.range.clone())?;
    match hcl_edit::parser::parse_body(source) {
        Ok(body) => {
            let origin =
                Origin { file: text.file, offset: chunk.range.start, text: text.text.clone() };
            Some((origin, body))
        }
        Err(error) => {
            diags.push(explain::refusal(text, chunk.range.clone(), &error));
            None
        }
    }
}

/// Parses an expression that stands alone: `-var`, the console, a default.
pub(crate) fn parse_expression(
    text: &Text,
    diags: &mut Diagnostics,
) -> Option<(Origin, Expression)> {
    if let Some(fault) = chunk::fault(&text.text) {
        diags.push(explain::fault(text, &fault));
        return None;
    }
    match hcl_edit::parser::parse_expr(text.text.trim_ascii()) {
        Ok(expression) => {
            let offset = text.text.len() - text.text.trim_ascii_start().len();
            Some((Origin { file: text.file, offset, text: text.text.clone() }, expression))
        }
        Err(error) => {
            diags.push(explain::refused_expression(text, &error));
            None
        }
    }
}

impl Text {
    /// Returns the span of a byte range of the text.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }
}
