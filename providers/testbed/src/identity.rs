//! Keystone v3: tokens and the catalog.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    call::{Call, Who},
    clock,
    json::{Body, map, text},
    reply::{Outcome, Reply, SERVICES, no},
    router::offers,
    seed,
};

/// The one domain.
const DOMAIN_ID: &str = "default";
const DOMAIN_NAME: &str = "Default";
const ROLES: &[&str] = &["member", "reader"];
const UNAUTHORIZED: &str = "The request you have made requires authentication.";

/// Answers a call of Keystone.
pub(crate) fn answer(call: &Call<'_>, origin: &str) -> Outcome<Reply> {
    let version = version(&call.url);
    match (call.method.as_str(), call.path) {
        ("GET", [] | [""]) => Ok(Reply::json(300, json!({"versions": {"values": [version]}}))),
        ("GET", ["v3"]) => Ok(Reply::json(200, json!({"version": version}))),
        ("POST", ["v3", "auth", "tokens"]) => issue(call, origin),
        ("GET" | "HEAD", ["v3", "auth", "tokens"]) => introspect(call, origin),
        ("DELETE", ["v3", "auth", "tokens"]) => revoke(call),
        ("GET", ["v3", "auth", "catalog"]) => {
            let token = caller(call)?;
            let catalog = catalog(call, origin, &token.project);
            Ok(Reply::json(200, json!({"catalog": catalog, "links": {}})))
        }
        ("GET", ["v3", "auth", "projects"]) => {
            let token = caller(call)?;
            let project = project(call, &token.project)?;
            Ok(Reply::json(200, json!({"projects": [project], "links": {}})))
        }
        ("GET", ["v3", "projects", id]) => {
            caller(call)?;
            Ok(Reply::json(200, json!({"project": project(call, id)?})))
        }
        _ => Err(no(404, "The resource could not be found.")),
    }
}

fn version(url: &str) -> Value {
    json!({
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{url}/v3/")}],
        "media-types": [{"base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

/// Returns who holds the call's token, if it is one of this site and still lives.
pub(crate) fn verify(call: &Call<'_>) -> Outcome<Option<Who>> {
    let Some(id) = call.header("x-auth-token") else { return Ok(None) };
    Ok(read(call, id)?.map(|token| Who {
        project: token.project,
        user: token.account,
        restricted: token.method == "application_credential"
            && call.cloud.settings.restricted_application_credentials,
    }))
}

struct Token {
    id: String,
    project: String,
    account: String,
    method: String,
    issued: i64,
    expires: i64,
}

fn read(call: &Call<'_>, id: &str) -> Outcome<Option<Token>> {
    let cloud = &call.cloud;
    let token = cloud
        .conn
        .prepare_cached(
            "SELECT id, project, account, method, issued, expires FROM token \
             WHERE id = ? AND site = ? AND expires > ?",
        )?
        .query_row(params![id, cloud.site.region, cloud.now.as_microsecond()], |row| {
            Ok(Token {
                id: row.get(0)?,
                project: row.get(1)?,
                account: row.get(2)?,
                method: row.get(3)?,
                issued: row.get(4)?,
                expires: row.get(5)?,
            })
        })
        .optional()?;
    Ok(token)
}

fn caller(call: &Call<'_>) -> Outcome<Token> {
    let id = call.header("x-auth-token").unwrap_or_default();
    read(call, id)?.ok_or_else(|| no(401, UNAUTHORIZED))
}

fn issue(call: &Call<'_>, origin: &str) -> Outcome<Reply> {
    let auth = call.enveloped("auth")?;
    let identity = map(auth.get("identity").cloned().unwrap_or_default());
    let method = identity
        .get("methods")
        .and_then(|methods| methods.get(0))
        .and_then(Value::as_str)
        .ok_or_else(|| no(400, "'methods' is a required property"))?;
    let given = map(identity.get(method).cloned().unwrap_or_default());
    let who = match method {
        "password" => by_password(call, &given)?,
        "application_credential" => by_application_credential(call, &given)?,
        "token" => {
            let token = read(call, text(&given, "id"))?.ok_or_else(|| no(401, UNAUTHORIZED))?;
            Who { project: token.project, user: token.account, restricted: false }
        }
        // Federated logins end in a token of their own; here any other method means the student.
        _ => student(account(call, seed::USER_NAME)?),
    };
    let project = match scope(call, &auth)? {
        Some(project) if method != "application_credential" => project,
        _ => who.project,
    };
    let cloud = &call.cloud;
    let issued = cloud.now;
    let life = SignedDuration::from_secs(i64::from(cloud.settings.token_lifetime_s));
    let expires = issued.saturating_add(life).unwrap_or(jiff::Timestamp::MAX);
    let token = Token {
        id: format!("gAAAAAB-{}", cloud.new_id()?),
        project,
        account: who.user,
        method: method.to_owned(),
        issued: issued.as_microsecond(),
        expires: expires.as_microsecond(),
    };
    cloud.conn.execute("DELETE FROM token WHERE expires <= ?", [token.issued])?;
    cloud.conn.execute(
        "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            token.id,
            cloud.site.region,
            token.project,
            token.account,
            token.method,
            token.issued,
            token.expires
        ],
    )?;
    let shown = show(call, origin, &token)?;
    Ok(Reply::json(201, shown).with("x-subject-token", token.id))
}

fn by_password(call: &Call<'_>, given: &Body) -> Outcome<Who> {
    let user = map(given.get("user").cloned().unwrap_or_default());
    let wanted = call.cloud.settings.credentials.as_ref().and_then(|c| c.password.as_deref());
    if wanted.is_some_and(|wanted| wanted != text(&user, "password")) {
        return Err(no(401, UNAUTHORIZED));
    }
    let name = match (text(&user, "name"), text(&user, "id")) {
        ("", "") => seed::USER_NAME,
        ("", id) => id,
        (name, _) => name,
    };
    Ok(student(account(call, name)?))
}

fn by_application_credential(call: &Call<'_>, given: &Body) -> Outcome<Who> {
    let wanted = call.cloud.settings.credentials.as_ref();
    let wanted = wanted.and_then(|c| c.application_credential_secret.as_deref());
    if wanted.is_some_and(|wanted| wanted != text(given, "secret")) {
        return Err(no(401, UNAUTHORIZED));
    }
    Ok(student(account(call, seed::USER_NAME)?))
}

/// Returns a user of the student's project.
fn student(user: String) -> Who {
    Who { project: seed::project_id(), user, restricted: false }
}

/// Returns the id of the account called `name`, which is made where it is new.
fn account(call: &Call<'_>, name: &str) -> Outcome<String> {
    let conn = call.cloud.conn;
    let by_name = "SELECT id FROM account WHERE name = ?1 OR id = ?1";
    let known: Option<String> = conn.query_row(by_name, [name], |row| row.get(0)).optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let id = seed::plain_id("account", name);
    conn.execute("INSERT INTO account VALUES (?, ?)", [&id, name])?;
    Ok(id)
}

/// Returns the project that the scope names; one that is new is made, since any credentials hold.
fn scope(call: &Call<'_>, auth: &Body) -> Outcome<Option<String>> {
    let conn = call.cloud.conn;
    let Some(Value::Object(project)) = auth.get("scope").and_then(|scope| scope.get("project"))
    else {
        return Ok(None);
    };
    let (id, name) = (text(project, "id"), text(project, "name"));
    let wanted = if id.is_empty() { name } else { id };
    if wanted.is_empty() {
        return Ok(None);
    }
    let known: Option<String> = conn
        .query_row("SELECT id FROM project WHERE id = ?1 OR name = ?1", [wanted], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let id = if id.is_empty() { seed::plain_id("project", name) } else { id.to_owned() };
    conn.execute("INSERT INTO project VALUES (?, ?)", [id.as_str(), wanted])?;
    Ok(Some(id))
}

fn introspect(call: &Call<'_>, origin: &str) -> Outcome<Reply> {
    caller(call)?;
    let subject = call.header("x-subject-token").unwrap_or_default();
    let token =
        read(call, subject)?.ok_or_else(|| no(404, format!("Could not find token: {subject}.")))?;
    Ok(Reply::json(200, show(call, origin, &token)?).with("x-subject-token", token.id))
}

fn revoke(call: &Call<'_>) -> Outcome<Reply> {
    caller(call)?;
    let subject = call.header("x-subject-token").unwrap_or_default();
    call.cloud.conn.execute("DELETE FROM token WHERE id = ?", [subject])?;
    Ok(Reply::empty(204))
}

fn show(call: &Call<'_>, origin: &str, token: &Token) -> Outcome<Value> {
    let conn = call.cloud.conn;
    let name = |table: &str, id: &str| {
        conn.query_row(&format!("SELECT name FROM {table} WHERE id = ?"), [id], |row| {
            row.get::<_, String>(0)
        })
    };
    let domain = json!({"id": DOMAIN_ID, "name": DOMAIN_NAME});
    let when = |us: i64| clock::at(us).strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let roles: Vec<Value> = ROLES
        .iter()
        .map(|role| json!({"id": seed::plain_id("role", role), "name": role}))
        .collect();
    let mut shown = json!({
        "methods": [token.method],
        "user": {"id": token.account, "name": name("account", &token.account)?,
            "domain": domain, "password_expires_at": null},
        "audit_ids": [seed::plain_id("audit", &token.id)],
        "issued_at": when(token.issued), "expires_at": when(token.expires),
        "project": {"id": token.project, "name": name("project", &token.project)?,
            "domain": domain},
        "is_domain": false,
        "roles": roles,
    });
    if call.query.get("nocatalog").is_none() {
        shown["catalog"] = catalog(call, origin, &token.project);
    }
    Ok(json!({"token": shown}))
}

fn project(call: &Call<'_>, id: &str) -> Outcome<Value> {
    let name: Option<String> = call
        .cloud
        .conn
        .query_row("SELECT name FROM project WHERE id = ?", [id], |row| row.get(0))
        .optional()?;
    let name = name.ok_or_else(|| no(404, format!("Could not find project: {id}.")))?;
    Ok(json!({"id": id, "name": name, "domain_id": DOMAIN_ID, "parent_id": DOMAIN_ID,
        "enabled": true, "is_domain": false, "description": "", "tags": [], "options": {},
        "links": {"self": format!("{}/v3/projects/{id}", call.url)}}))
}

fn catalog(call: &Call<'_>, origin: &str, project: &str) -> Value {
    let site = call.cloud.site;
    let entries = SERVICES.iter().filter(|row| offers(site, row.service)).map(|row| {
        let suffix = row.suffix.replace("{project}", project);
        let url = format!("{origin}/{}/{}{suffix}", site.slug, row.path);
        let endpoints: Vec<Value> = ["admin", "internal", "public"]
            .iter()
            .map(|interface| {
                let key = format!("{}/{}/{interface}", site.slug, row.path);
                json!({"id": seed::plain_id("endpoint", &key), "interface": interface,
                    "region": site.region, "region_id": site.region, "url": url})
            })
            .collect();
        let id =
            Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}{}", site.slug, row.path).as_bytes());
        json!({"type": row.catalog_type, "name": row.name, "id": id.simple().to_string(),
            "endpoints": endpoints})
    });
    Value::Array(entries.collect())
}
