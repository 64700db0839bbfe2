//! From rows to the schema that the engine sees.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, RwLock};

use terrarium_address::{AttrPath, Name, PathStep};
use terrarium_provider::{
    Attribute, Block, Effect, Exclusive, Holds, NestedBlock, Nesting, Occupies, Presence, Schema,
    Turn, Until,
};
use terrarium_value::Type;

use super::attr::{Attr, Shape};
use super::glossary::meaning;
use super::rows::{DataSource, Marks, Only, Resource, Timeouts};

/// Builds the schema of a resource type.
pub(crate) fn resource_schema(row: &Resource) -> Schema {
    let mut block = block_of(row.attributes);
    row.doc.about.clone_into(&mut block.description);
    add_id(&mut block);
    let timeouts = timeouts_of(&row.timeouts);
    if !timeouts.is_empty() {
        block.blocks.insert("timeouts".into(), timeouts_block(&timeouts));
    }
    Schema {
        version: 0,
        example: row.doc.example.to_owned(),
        block,
        effect: Effect::External,
        tenure: row.marks.tenure,
        competes: row.marks.competes,
        needs: None,
        turns: turns(row.marks.turns),
        lends: row.marks.lends.iter().map(|path| path_of(path)).collect(),
        occupies: occupies(&row.marks),
        late: row.marks.late.iter().map(|path| path_of(path)).collect(),
        exclusive: row.marks.exclusive.iter().map(Only::built).collect(),
        holds: row
            .marks
            .holds
            .iter()
            .map(|(path, by)| Holds { path: path_of(path), by: *by })
            .collect(),
        scarce: row.marks.scarce,
        timeouts,
    }
}

impl Only {
    fn built(&self) -> Exclusive {
        Exclusive {
            path: path_of(self.path),
            rival: self.rival,
            shared_if: self.shared_if.map(path_of),
            part: self.part.map(path_of),
            on_behalf: self.on_behalf.map(path_of),
        }
    }
}

fn turns(paths: &[&str]) -> Vec<Turn> {
    paths.iter().map(|path| Turn { path: path_of(path), until: Until::Answered }).collect()
}

/// Builds the schema of a data source.
pub(crate) fn data_schema(row: &DataSource) -> Schema {
    let mut block = block_of(row.attributes);
    block.description = format!("Looks up: {}.", row.thing);
    add_id(&mut block);
    Schema {
        block,
        effect: Effect::Local,
        tenure: row.tenure,
        lends: row.lends.iter().map(|path| path_of(path)).collect(),
        ..Schema::default()
    }
}

/// Builds a block from its rows.
pub(crate) fn block_of(rows: &[Attr]) -> Block {
    block_in("", rows)
}

/// Builds a block of that name from its rows.
fn block_in(name: &str, rows: &[Attr]) -> Block {
    let mut block = Block::default();
    for row in rows {
        let about = if row.about.is_empty() { meaning(name, row.name) } else { row.about };
        match row.shape {
            Shape::Blocks { set, attributes, max } => {
                let nested = NestedBlock {
                    nesting: if set { Nesting::Set } else { Nesting::List },
                    block: Block {
                        description: about.to_owned(),
                        ..block_in(row.name, attributes)
                    },
                    min_items: u64::from(row.presence == Presence::Required),
                    max_items: max,
                };
                block.blocks.insert(row.name.into(), nested);
            }
            shape => {
                let attribute = Attribute {
                    presence: row.presence,
                    sensitive: row.sensitive,
                    description: about.to_owned(),
                    ..Attribute::optional(type_of(&shape))
                };
                block.attributes.insert(row.name.into(), attribute);
            }
        }
    }
    block
}

fn add_id(block: &mut Block) {
    let id = Attribute {
        description: meaning("", "id").to_owned(),
        ..Attribute::optional_computed(Type::String)
    };
    block.attributes.entry("id".into()).or_insert(id);
}

/// Returns the type of an attribute's value.
pub(crate) fn type_of(shape: &Shape) -> Type {
    match shape {
        Shape::Text => Type::String,
        Shape::Bool => Type::Bool,
        Shape::Int | Shape::Float => Type::Number,
        Shape::TextList => Type::list(Type::String),
        Shape::TextSet => Type::set(Type::String),
        Shape::TextMap => Type::map(Type::String),
        Shape::MapList => Type::list(Type::map(Type::String)),
        Shape::Objects { set, attributes } | Shape::Blocks { set, attributes, .. } => {
            let element = element_type(attributes);
            if *set { Type::set(element) } else { Type::list(element) }
        }
    }
}

/// Returns the type of one nested block. The values of fifty thousand servers share it: it is made once.
pub(crate) fn element_type(attributes: &'static [Attr]) -> Type {
    // Rows are there for good, so that where they stand says which they are.
    static MADE: LazyLock<RwLock<HashMap<(usize, usize), Type>>> = LazyLock::new(RwLock::default);
    let key = (attributes.as_ptr().addr(), attributes.len());
    if let Ok(made) = MADE.read()
        && let Some(ty) = made.get(&key)
    {
        return ty.clone();
    }
    let ty = Type::object(attributes.iter().map(|row| (row.name, type_of(&row.shape))));
    if let Ok(mut made) = MADE.write() {
        made.insert(key, ty.clone());
    }
    ty
}

fn timeouts_of(timeouts: &Timeouts) -> BTreeMap<Name, u64> {
    [("create", timeouts.create), ("update", timeouts.update), ("delete", timeouts.delete)]
        .into_iter()
        .filter_map(|(name, seconds)| Some((Name::from(name), seconds?)))
        .collect()
}

fn timeouts_block(timeouts: &BTreeMap<Name, u64>) -> NestedBlock {
    let of = |name: &Name| Attribute {
        description: meaning("timeouts", name).to_owned(),
        ..Attribute::optional(Type::String)
    };
    let attributes = timeouts.keys().map(|name| (name.clone(), of(name)));
    let description = meaning("", "timeouts").to_owned();
    NestedBlock {
        nesting: Nesting::Single,
        block: Block { attributes: attributes.collect(), description, ..Block::default() },
        min_items: 0,
        max_items: None,
    }
}

fn occupies(marks: &Marks) -> Vec<Occupies> {
    marks.occupies.iter().map(|path| Occupies { path: path_of(path) }).collect()
}

/// Reads a path of the tables: `network.#.port` (`#` is any element of a list or set), `a.b["c"]`.
fn path_of(text: &str) -> AttrPath {
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, key) = match part.split_once("[\"") {
            Some((name, key)) => (name, Some(key.trim_end_matches("\"]"))),
            None => (part, None),
        };
        steps.push(if name == "#" { PathStep::AnyElement } else { PathStep::Attr(name.into()) });
        steps.extend(key.map(|key| PathStep::Key(key.into())));
    }
    AttrPath(steps)
}
