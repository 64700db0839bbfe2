//! JSON that a type says how to read, as in Terraform's state: where the type says `any`, the text
//! holds `{"value": …, "type": …}`.

use terrarium_address::{AttrPath, Name, PathStep};

use super::{DecodeError, EncodeError, Json, Writer, implied, parse, quote, type_of, write_type};
use crate::{Entries, Kind, Map, ObjectType, Type, Value, convert};

/// Writes a value of this type. Unknown parts have no JSON; marks are left aside; an attribute that
/// the value doesn't have becomes null, one that the type doesn't have is refused.
pub fn to_typed(value: &Value, ty: &Type) -> Result<String, EncodeError> {
    let mut writer = Writer::default();
    writer.typed(value, ty)?;
    Ok(writer.out)
}

/// Reads a value of this type. A missing attribute becomes null, an unsupported one is refused.
pub fn from_typed(text: &str, ty: &Type) -> Result<Value, DecodeError> {
    read(parse(text)?, ty, &mut AttrPath::root())
}

impl Writer {
    fn typed(&mut self, value: &Value, ty: &Type) -> Result<(), EncodeError> {
        match (value.kind(), ty) {
            (Kind::Unknown(_), _) => Err(self.fail("value is not known")),
            (Kind::Null(Type::Dynamic), Type::Dynamic) => self.null(),
            (_, Type::Dynamic) => self.dynamic(value),
            (Kind::Null(_), _) => self.null(),
            (Kind::Number(number), Type::Number) if number.is_infinite() => {
                Err(self.fail("cannot serialize infinity as JSON"))
            }
            (Kind::Bool(value), Type::Bool) => self.word(if value { "true" } else { "false" }),
            (Kind::Number(number), Type::Number) => self.word(&number.to_string()),
            (Kind::String(text), Type::String) => {
                quote(text, &mut self.out);
                Ok(())
            }
            (Kind::List(items), Type::List(element)) | (Kind::Set(items), Type::Set(element)) => {
                self.array(items, |writer, item| writer.typed(item, element))
            }
            (Kind::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
                let pairs = items.iter().zip(types.iter());
                self.array(pairs, |writer, (item, ty)| writer.typed(item, ty))
            }
            (Kind::Map(entries), Type::Map(element)) => {
                let members = entries
                    .iter()
                    .map(|(name, value)| (&**name, PathStep::Key(name.clone()), value));
                self.object(members, |writer, value| writer.typed(value, element))
            }
            (Kind::Object(attributes), Type::Object(object)) => {
                self.typed_object(attributes, object)
            }
            _ => Err(self.fail(format!("{} required", ty.friendly_name()))),
        }
    }

    fn null(&mut self) -> Result<(), EncodeError> {
        self.word("null")
    }

    #[expect(clippy::unnecessary_wraps, reason = "the arms of `typed` all have this type")]
    fn word(&mut self, word: &str) -> Result<(), EncodeError> {
        self.out.push_str(word);
        Ok(())
    }

    fn dynamic(&mut self, value: &Value) -> Result<(), EncodeError> {
        let ty = value.ty();
        self.out.push_str("{\"value\":");
        self.typed(value, &ty)?;
        self.out.push_str(",\"type\":");
        write_type(&ty, &mut self.out);
        self.out.push('}');
        Ok(())
    }

    fn typed_object(
        &mut self,
        attributes: &Entries,
        object: &ObjectType,
    ) -> Result<(), EncodeError> {
        if let Some(name) = attributes.keys().find(|name| !object.attributes.contains_key(name)) {
            return Err(self.fail(format!("unsupported attribute \"{name}\"")));
        }
        let members = object
            .attributes
            .iter()
            .map(|(name, ty)| (&**name, PathStep::Attr(name.clone()), (attributes.get(name), ty)));
        self.object(members, |writer, (value, ty)| match value {
            Some(value) => writer.typed(value, ty),
            None => writer.null(),
        })
    }
}

type Decoded = Result<Value, DecodeError>;

fn fail(path: &AttrPath, message: impl Into<String>) -> DecodeError {
    DecodeError { path: path.clone(), message: message.into() }
}

fn read(json: Json, ty: &Type, path: &mut AttrPath) -> Decoded {
    match (json, ty) {
        (Json::Null, ty) => Ok(Value::null(ty.without_optional())),
        (json, Type::Dynamic) => read_dynamic(json, path),
        (
            json @ (Json::Bool(_) | Json::Number(_) | Json::String(_)),
            Type::Bool | Type::Number | Type::String,
        ) => convert(&implied(json), ty).map_err(|error| fail(path, error.message)),
        (Json::Array(items), Type::List(element)) => {
            let items = read_items(items, |_| Some(element), path)?;
            Ok(Value::list(element.without_optional(), items))
        }
        (Json::Array(items), Type::Set(element)) => {
            let items = read_items(items, |_| Some(element), path)?;
            Ok(Value::set(element.without_optional(), items))
        }
        (Json::Array(items), Type::Tuple(types)) => {
            if items.len() != types.len() {
                return Err(fail(path, format!("a tuple of {} elements is required", types.len())));
            }
            Ok(Value::tuple(read_items(items, |at| types.get(at), path)?))
        }
        (Json::Object(members), Type::Map(element)) => {
            let entries = read_members(members, PathStep::Key, |_| Some(element), path)?;
            Ok(Value::map(element.without_optional(), entries))
        }
        (Json::Object(members), Type::Object(object)) => read_object(members, object, path),
        (json, ty) => Err(fail(
            path,
            format!("{} required, but the JSON has {}", ty.friendly_name(), json.kind()),
        )),
    }
}

fn read_items<'a>(
    items: Vec<Json>,
    ty: impl Fn(usize) -> Option<&'a Type>,
    path: &mut AttrPath,
) -> Result<Vec<Value>, DecodeError> {
    let mut values = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        path.0.push(PathStep::Index(u64::try_from(at).unwrap_or(u64::MAX)));
        values.push(read(item, ty(at).unwrap_or(&Type::Dynamic), path)?);
        path.0.pop();
    }
    Ok(values)
}

fn read_members<'a>(
    members: Vec<(Name, Json)>,
    step: fn(Name) -> PathStep,
    ty: impl Fn(&Name) -> Option<&'a Type>,
    path: &mut AttrPath,
) -> Result<Map, DecodeError> {
    let mut entries = Map::new();
    for (name, member) in members {
        let Some(ty) = ty(&name) else {
            return Err(fail(path, format!("unsupported attribute \"{name}\"")));
        };
        path.0.push(step(name.clone()));
        let value = read(member, ty, path)?;
        path.0.pop();
        entries.insert(name, value);
    }
    Ok(entries)
}

fn read_object(members: Vec<(Name, Json)>, object: &ObjectType, path: &mut AttrPath) -> Decoded {
    let mut attributes =
        read_members(members, PathStep::Attr, |name| object.attributes.get(name), path)?;
    for (name, ty) in &object.attributes {
        if !attributes.contains_key(name) {
            attributes.insert(name.clone(), Value::null(ty.without_optional()));
        }
    }
    Ok(Value::object(attributes))
}

fn read_dynamic(json: Json, path: &mut AttrPath) -> Decoded {
    let Json::Object(members) = json else {
        return Err(fail(path, "a value with its type is required"));
    };
    let (mut value, mut ty) = (None, None);
    for (name, member) in members {
        match &*name {
            "value" => value = Some(member),
            "type" => ty = Some(type_of(&member).map_err(|error| fail(path, error.message))?),
            other => {
                return Err(fail(
                    path,
                    format!("invalid key \"{other}\" in dynamically-typed value"),
                ));
            }
        }
    }
    match (value, ty) {
        (Some(value), Some(ty)) => read(value, &ty, path),
        (None, _) => Err(fail(path, "missing value in dynamically-typed value")),
        (_, None) => Err(fail(path, "missing type in dynamically-typed value")),
    }
}
