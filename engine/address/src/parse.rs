//! The way in: addresses as users type them.

use std::str::FromStr;

use crate::{ConfigAddr, InstanceKey, Mode, ModulePath, Name, ResourceAddr, Target, intern};

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    /// Byte offset of the first thing that does not fit.
    pub at: usize,
    /// What was expected there, in the user's words.
    pub message: String,
}

impl std::fmt::Display for AddressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (at character {})", self.message, self.at + 1)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut cursor = Cursor { text, at: 0 };
        let module = cursor.module_path()?;
        if cursor.rest().is_empty() && !module.is_root() {
            return Ok(Self::Module(module));
        }
        let block = cursor.block(module)?;
        let key = cursor.key()?;
        cursor.end()?;
        Ok(match key {
            InstanceKey::None => Self::Block(block),
            key => Self::Instance(ResourceAddr { block, key }),
        })
    }
}

impl FromStr for ResourceAddr {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.parse()? {
            Target::Block(block) => Ok(Self { block, key: InstanceKey::None }),
            Target::Instance(addr) => Ok(addr),
            Target::Module(_) => {
                let message = "a resource is needed here, this names a whole module".to_owned();
                Err(AddressError { at: text.len(), message })
            }
        }
    }
}

impl FromStr for ModulePath {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut cursor = Cursor { text, at: 0 };
        let path = cursor.module_path()?;
        cursor.end()?;
        Ok(path)
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, AddressError> {
        Err(AddressError { at: self.at, message: message.into() })
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn end(&self) -> Result<(), AddressError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.error("unexpected text after the address")
        }
    }

    /// Eats `module.NAME[KEY].` as often as it stands here.
    fn module_path(&mut self) -> Result<ModulePath, AddressError> {
        let mut path = ModulePath::root();
        while self.eat("module.") {
            let name = self.ident()?;
            let key = self.key()?;
            path = path.child(name, key);
            if !self.eat(".") {
                break;
            }
        }
        Ok(path)
    }

    fn block(&mut self, module: ModulePath) -> Result<ConfigAddr, AddressError> {
        let mode = if self.eat("data.") { Mode::Data } else { Mode::Managed };
        let kind = self.ident()?;
        if !self.eat(".") {
            return self.error("a resource address is TYPE.NAME, a dot is missing");
        }
        let name = self.ident()?;
        Ok(ConfigAddr { module, mode, kind, name })
    }

    fn ident(&mut self) -> Result<Name, AddressError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len());
        let (word, _) = rest.split_at(end);
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return self.error("a name must stand here");
        }
        self.at += end;
        Ok(intern(word))
    }

    fn key(&mut self) -> Result<InstanceKey, AddressError> {
        if !self.eat("[") {
            return Ok(InstanceKey::None);
        }
        let key = if self.eat("\"") {
            InstanceKey::Str(self.quoted()?.into())
        } else {
            let rest = self.rest();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let Ok(index) = rest.split_at(end).0.parse() else {
                return self.error("an instance key is a number or a string in quotes (quote it for the shell, too)");
            };
            self.at += end;
            InstanceKey::Int(index)
        };
        if self.eat("]") { Ok(key) } else { self.error("the instance key is not closed by `]`") }
    }

    fn quoted(&mut self) -> Result<String, AddressError> {
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                return self.error("the instance key's quotes are not closed");
            };
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                out.push(c);
                out.push('{');
                self.at += 3;
                continue;
            }
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, AddressError> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return self.error("the escape is not finished") };
        let (decoded, length) = match c {
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            '"' | '\\' => (c, 1),
            'u' | 'U' => {
                let digits = if c == 'u' { 4 } else { 8 };
                let code = rest.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let Some(decoded) = code.and_then(char::from_u32) else {
                    return self.error("the escape names no character");
                };
                (decoded, digits + 1)
            }
            _ => return self.error(format!("`\\{c}` is no escape")),
        };
        self.at += length;
        Ok(decoded)
    }
}
