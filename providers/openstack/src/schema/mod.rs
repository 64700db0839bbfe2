//! The tables' vocabulary, and the schemas that they become.

mod attr;
mod build;
mod glossary;
mod join;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use attr::{
    ALL_TAGS, Attr, Literal, Longest, REGION, Sent, Shape, TAGS, VALUE_SPECS, block_set, blocks,
    flag, float, int, map_list, object_set, objects, text, text_map, text_set, texts,
};
pub(crate) use build::{block_of, data_schema, element_type, resource_schema, type_of};
pub(crate) use join::joined;
pub(crate) use rows::{DataSource, Doc, MarkerField, Marks, Only, Resource, Status, Timeouts};
