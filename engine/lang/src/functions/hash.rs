//! Digests and identifiers.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use terrarium_value::{Cause, Causes, Type, Value};
use uuid::Uuid;

use super::file::read_plain;
use super::{Args, Function, Refusal, STRING, function, number, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function("md5", &[string("str")], STRING, |args| hex::<Md5>(args.str(0).as_bytes()),
        "Returns the MD5 digest of `str` in hexadecimal."),
    function("sha1", &[string("str")], STRING, |args| hex::<Sha1>(args.str(0).as_bytes()),
        "Returns the SHA-1 digest of `str` in hexadecimal."),
    function("sha256", &[string("str")], STRING, |args| hex::<Sha256>(args.str(0).as_bytes()),
        "Returns the SHA-256 digest of `str` in hexadecimal."),
    function("sha512", &[string("str")], STRING, |args| hex::<Sha512>(args.str(0).as_bytes()),
        "Returns the SHA-512 digest of `str` in hexadecimal."),
    function("base64sha256", &[string("str")], STRING, |args| base64::<Sha256>(args.str(0).as_bytes()),
        "Returns the SHA-256 digest of `str` in base64."),
    function("base64sha512", &[string("str")], STRING, |args| base64::<Sha512>(args.str(0).as_bytes()),
        "Returns the SHA-512 digest of `str` in base64."),
    function("filemd5", &[string("path")], STRING, |args| hex::<Md5>(&read_plain(args, 0)?),
        "Returns the MD5 digest of a file in hexadecimal."),
    function("filesha1", &[string("path")], STRING, |args| hex::<Sha1>(&read_plain(args, 0)?),
        "Returns the SHA-1 digest of a file in hexadecimal."),
    function("filesha256", &[string("path")], STRING, |args| hex::<Sha256>(&read_plain(args, 0)?),
        "Returns the SHA-256 digest of a file in hexadecimal."),
    function("filesha512", &[string("path")], STRING, |args| hex::<Sha512>(&read_plain(args, 0)?),
        "Returns the SHA-512 digest of a file in hexadecimal."),
    function("filebase64sha256", &[string("path")], STRING, |args| base64::<Sha256>(&read_plain(args, 0)?),
        "Returns the SHA-256 digest of a file in base64."),
    function("filebase64sha512", &[string("path")], STRING, |args| base64::<Sha512>(&read_plain(args, 0)?),
        "Returns the SHA-512 digest of a file in base64."),
    function("uuid", &[], STRING, uuid, "Returns a new random UUID at each apply."),
    function("uuidv5", &[string("namespace"), string("name")], STRING, uuidv5,
        "Returns the UUID of `name` in `namespace`: `dns`, `url`, `oid`, `x500` or a UUID."),
    function("bcrypt", &[string("str")], STRING, bcrypt,
        "Returns the bcrypt hash of `str` with a new salt at each apply; `cost` is 10 unless given.")
        .variadic(number("cost")),
    function("rsadecrypt", &[string("ciphertext"), string("privatekey")], STRING, rsadecrypt,
        "Returns the text that `ciphertext` (base64, RSA with PKCS #1 v1.5) holds for the owner of `privatekey` (PEM)."),
];

fn hex<D: Digest>(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut out = String::new();
    for byte in D::digest(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
    Ok(Value::string(out))
}

fn base64<D: Digest>(bytes: &[u8]) -> Result<Value, Refusal> {
    Ok(Value::string(STANDARD.encode(D::digest(bytes))))
}

/// What a plan says of a function whose result is new each time.
pub(super) fn at_apply(name: &str) -> Value {
    Value::unknown(Type::String, Causes::one(Cause::Other(format!("{name}()").into())))
}

fn uuid(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.environment().planning {
        return Ok(at_apply("uuid"));
    }
    Ok(Value::string(Uuid::new_v4().to_string()))
}

fn uuidv5(args: &Args<'_>) -> Result<Value, Refusal> {
    let (namespace, name) = (args.str(0), args.str(1));
    let space = match namespace {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => other.parse().map_err(|error| {
            Refusal::call(format!("uuidv5() doesn't support namespace {other} ({error})"))
        })?,
    };
    Ok(Value::string(Uuid::new_v5(&space, name.as_bytes()).to_string()))
}

/// The highest cost of a bcrypt hash, some seconds of work; each step doubles it.
const DEAREST: u32 = 16;

fn bcrypt(args: &Args<'_>) -> Result<Value, Refusal> {
    let cost = if args.len() > 1 { args.whole(1)? } else { 10 };
    if args.len() > 2 {
        return Err(Refusal::call("bcrypt() takes no more than two arguments"));
    }
    let outside = || {
        Refusal::call(format!(
            "error occured generating password crypto/bcrypt: cost {cost} is outside allowed range (4,31)"
        ))
    };
    let cost = u32::try_from(cost).ok().filter(|cost| *cost <= 31).ok_or_else(outside)?;
    if args.environment().planning {
        return Ok(at_apply("bcrypt"));
    }
    if cost > DEAREST {
        let why = format!("a cost of {cost} takes hours and more; the limit is {DEAREST}");
        return Err(Refusal::argument(1, why));
    }
    // A cost below 4 means the default in Go.
    let cost = if cost < 4 { 10 } else { cost };
    let hash =
        ::bcrypt::hash(args.str(0), cost).map_err(|error| Refusal::call(error.to_string()))?;
    // The prefix of Go's implementation; the hash is the same.
    Ok(Value::string(hash.replacen("$2b$", "$2a$", 1)))
}

fn rsadecrypt(args: &Args<'_>) -> Result<Value, Refusal> {
    let text = args.str(0);
    if STANDARD.decode(text).is_err() {
        let why = format!("failed to decode input {text:?}: cipher text must be base64-encoded");
        return Err(Refusal::argument(0, why));
    }
    if !args.str(1).contains("-----BEGIN") {
        return Err(Refusal::argument(1, "invalid private key: ssh: no key found"));
    }
    // Windows passwords of cloud servers are what this function is for; no site of ours has them yet.
    Err(Refusal::call("decryption with RSA keys is not supported by this version"))
}
