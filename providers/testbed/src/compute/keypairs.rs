//! Key pairs: per user, found by name.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{ALWAYS, Nova, known, not_found, required, since};
use crate::{
    cloud::Cloud,
    json::Body,
    reply::{Outcome, Refusal, Reply, no},
    store::{Kind, Object},
    world,
};

pub(super) const KEYPAIR: Kind = Kind { name: "keypair", indexed: &["user_id"] };

/// Nova's default limit per user.
const LIMIT: i64 = 100;

/// Answers a call whose path after `os-keypairs` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => {
            let keypairs = nova.cloud.find(&KEYPAIR, "user_id", &nova.who.user)?;
            let shown: Vec<Value> =
                keypairs.iter().map(|pair| json!({"keypair": brief(nova, pair)})).collect();
            Ok(Reply::json(200, json!({"keypairs": shown})))
        }
        ("POST", []) => create(nova),
        ("GET", [name]) => {
            let pair =
                find(&nova.cloud, &nova.who.user, name)?.ok_or_else(|| missing(nova, name))?;
            let mut shown = brief(nova, &pair);
            for key in ["id", "user_id", "created_at"] {
                shown[key] = pair.body.get(key).cloned().unwrap_or_default();
            }
            shown["deleted"] = json!(false);
            shown["deleted_at"] = Value::Null;
            shown["updated_at"] = Value::Null;
            Ok(Reply::json(200, json!({"keypair": shown})))
        }
        ("DELETE", [name]) => {
            let pair =
                find(&nova.cloud, &nova.who.user, name)?.ok_or_else(|| missing(nova, name))?;
            nova.cloud.remove(&KEYPAIR, &pair)?;
            Ok(Reply::empty(if nova.since(2) { 204 } else { 202 }))
        }
        _ => Err(not_found()),
    }
}

fn missing(nova: &Nova<'_, '_>, name: &str) -> Refusal {
    no(404, format!("Keypair {name} not found for user {}", nova.who.user))
}

/// Returns a user's key pair.
pub(super) fn find(cloud: &Cloud<'_>, user: &str, name: &str) -> Outcome<Option<Object>> {
    Ok(cloud.get(&KEYPAIR, &format!("{user}/{name}"))?)
}

fn brief(nova: &Nova<'_, '_>, pair: &Object) -> Value {
    let mut shown = json!({"name": pair.text("name"), "public_key": pair.text("public_key"),
        "fingerprint": pair.text("fingerprint")});
    if nova.since(2) {
        shown["type"] = json!(pair.text("type"));
    }
    shown
}

fn create(nova: &Nova<'_, '_>) -> Outcome<Reply> {
    let given = nova.given("keypair")?;
    known(
        nova,
        "keypair",
        &given,
        &[("name", ALWAYS), ("public_key", ALWAYS), ("type", since(2)), ("user_id", since(10))],
    )?;
    let name = required(&given, "keypair", "name")?;
    check_name(name)?;
    let cloud = &nova.cloud;
    let limit = cloud.limit("key_pairs", LIMIT);
    if let Some(limit) = limit
        && cloud.used(&nova.who.project, KEYPAIR.name)? >= limit
    {
        return Err(no(403, "Quota exceeded, too many key pairs."));
    }
    let user = &nova.who.user;
    if find(cloud, user, name)?.is_some() {
        return Err(no(409, format!("Key pair '{name}' already exists.")));
    }
    let (public, private) = match given.get("public_key").and_then(Value::as_str) {
        Some(text) => (text.to_owned(), None),
        None if nova.since(92) => {
            return Err(no(
                400,
                "Invalid input for field/attribute keypair. 'public_key' is a required property",
            ));
        }
        None => generate(cloud)?,
    };
    let kept = json!({
        "id": cloud.used(&nova.who.project, KEYPAIR.name)? + 1,
        "name": name, "public_key": public, "fingerprint": fingerprint(&public)?,
        "user_id": user, "type": "ssh",
        "created_at": cloud.now.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string(),
    });
    let mut shown = kept.clone();
    if let Some(members) = shown.as_object_mut() {
        members.retain(|key, _| key != "id" && key != "created_at");
        if !nova.since(2) {
            members.remove("type");
        }
    }
    if let Some(private) = private {
        shown["private_key"] = json!(private);
    }
    let body: Body = crate::json::map(kept);
    let object = Object {
        seq: 0,
        id: format!("{user}/{name}"),
        project: nova.who.project.clone(),
        seeded: false,
        body,
    };
    cloud.add(&KEYPAIR, object)?;
    Ok(Reply::json(if nova.since(2) { 201 } else { 200 }, json!({"keypair": shown})))
}

fn check_name(name: &str) -> Outcome<()> {
    const ALLOWED: &str = "_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if name.chars().all(|letter| ALLOWED.contains(letter)) {
        return Ok(());
    }
    Err(no(
        400,
        format!(
            "An invalid 'name' value was provided. The name must be: Only expected characters: \
             [{ALLOWED}]"
        ),
    ))
}

/// Returns the colon-separated MD5 of the key's bytes, or Nova's refusal of what is no key.
fn fingerprint(public: &str) -> Outcome<String> {
    let mut words = public.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let key = words.next().and_then(|word| STANDARD.decode(word).ok());
    // The blob begins with the length and the text of its own kind.
    let names_itself = |key: &Vec<u8>| {
        key.get(4..).is_some_and(|rest| rest.starts_with(kind.as_bytes())) && !kind.is_empty()
    };
    let key = key
        .filter(names_itself)
        .ok_or_else(|| no(400, "Keypair data is invalid: failed to generate fingerprint"))?;
    let digest = Md5::digest(&key);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

/// Returns texts of the shape of an RSA key pair; no machine of this world checks them.
fn generate(cloud: &Cloud<'_>) -> Outcome<(String, Option<String>)> {
    let mut bytes = Vec::new();
    while bytes.len() < 1200 {
        bytes.extend(world::next_id(cloud.conn)?.into_bytes());
    }
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".as_slice(), &[1, 0, 1], bytes.get(..257).unwrap_or_default()] {
        blob.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
        blob.extend(part);
    }
    let public = format!("ssh-rsa {} Generated-by-Nova", STANDARD.encode(blob));
    let text = STANDARD.encode(&bytes);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .filter_map(|start| text.get(start..text.len().min(start + 64)))
        .collect();
    let private = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        lines.join("\n")
    );
    Ok((public, Some(private)))
}
