//! Which cloud is meant, and with which credentials: `clouds.yaml`, `secure.yaml`, `OS_*`, the
//! provider block, or the testbed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map as JsonMap, Value as Json};
use terrarium_provider::Secret;

use super::transport::Tls;

/// Where clouds come from.
#[derive(Clone)]
pub enum CloudSource {
    /// From the provider block, files and the environment.
    Files(Places),
    /// From a testbed: any cloud, region or address leads to a site of it, and no file is read.
    Testbed(Arc<dyn Sites>),
}

/// Where files are looked for.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Where relative paths begin: the directory of the root module.
    pub working_dir: PathBuf,
    /// The user's home.
    pub home: Option<PathBuf>,
}

/// What a configuration says about the cloud that it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Entry of `clouds.yaml`.
    pub cloud: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Address of the identity service.
    pub auth_url: Option<String>,
}

/// A site of a testbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Address of its identity service.
    pub auth_url: String,
    /// Its region.
    pub region: String,
    /// The world it belongs to, in words that do not change when the address does.
    pub realm: String,
}

/// Finds the site of a testbed that a configuration means.
pub trait Sites: Send + Sync {
    /// Returns the site; there is always one.
    fn site(&self, hint: &Hint) -> Site;
}

/// Settings of a login by their names in `clouds.yaml`, secrets among them; none is ever shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(BTreeMap<&'static str, Secret>);

/// Everything that is needed to log in and to find endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Address of the identity service, ending in `/v3`.
    pub(crate) auth_url: String,
    /// Region; empty for the first in the catalog.
    pub(crate) region: String,
    /// `public`, `internal` or `admin`.
    pub(crate) interface: String,
    /// How to prove who we are.
    pub(crate) method: Method,
    /// What the token is for; `None` with an application credential.
    pub(crate) scope: Option<Json>,
    /// TLS settings.
    pub(crate) tls: Tls,
    /// The simulated world that it leads to; `None`: a real cloud, whose token names the project.
    pub(crate) world: Option<String>,
    /// What is known of the project's allocation.
    pub(crate) account: Account,
}

/// What the entry in `clouds.yaml` tells of the project's allocation, under our own key `terrarium`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// When it ends: `allocation_end`, a date or RFC 3339.
    pub(crate) allocation_end: Option<Timestamp>,
    /// How many service units are left, in thousandths: `service_units`.
    pub(crate) service_units_milli: Option<u64>,
}

impl Account {
    fn of(entry: &JsonMap<String, Json>) -> Self {
        let ours = entry.get("terrarium");
        let text = |name: &str| ours.and_then(|ours| scalar(ours.get(name)?));
        let end = text("allocation_end").and_then(|text| {
            // A date alone means its last moment.
            let day = || {
                let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
                TimeZone::UTC.to_timestamp(next.to_datetime(jiff::civil::Time::midnight())).ok()
            };
            text.parse::<Timestamp>().ok().or_else(day)
        });
        let units = text("service_units").and_then(|text| text.parse::<f64>().ok());
        let units = units.filter(|units| (0.0..1e12).contains(units));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and 10^15"
        )]
        let units = units.map(|units| (units * 1_000.0).round() as u64);
        Self { allocation_end: end, service_units_milli: units }
    }
}

/// How to prove who we are.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// With a user's password; `user` is Keystone's reference to the user.
    Password { user: Json, password: Secret },
    /// With another token.
    Token(Secret),
    /// With an application credential; `reference` names it.
    ApplicationCredential { reference: Json, secret: Secret },
}

/// Each setting: its name in `clouds.yaml`, in the provider block, and its variables.
const SETTINGS: &[(&str, &str, &[&str])] = &[
    ("auth_url", "auth_url", &["OS_AUTH_URL"]),
    ("region_name", "region", &["OS_REGION_NAME"]),
    // No argument of the provider block: only files and the environment say it.
    ("auth_type", "", &["OS_AUTH_TYPE"]),
    ("interface", "endpoint_type", &["OS_ENDPOINT_TYPE"]),
    ("username", "user_name", &["OS_USERNAME"]),
    ("user_id", "user_id", &["OS_USER_ID"]),
    ("password", "password", &["OS_PASSWORD"]),
    ("token", "token", &["OS_TOKEN", "OS_AUTH_TOKEN"]),
    ("project_id", "tenant_id", &["OS_TENANT_ID", "OS_PROJECT_ID"]),
    ("project_name", "tenant_name", &["OS_TENANT_NAME", "OS_PROJECT_NAME"]),
    ("user_domain_id", "user_domain_id", &["OS_USER_DOMAIN_ID"]),
    ("user_domain_name", "user_domain_name", &["OS_USER_DOMAIN_NAME"]),
    ("project_domain_id", "project_domain_id", &["OS_PROJECT_DOMAIN_ID"]),
    ("project_domain_name", "project_domain_name", &["OS_PROJECT_DOMAIN_NAME"]),
    ("domain_id", "domain_id", &["OS_DOMAIN_ID"]),
    ("domain_name", "domain_name", &["OS_DOMAIN_NAME"]),
    ("default_domain", "default_domain", &["OS_DEFAULT_DOMAIN"]),
    ("application_credential_id", "application_credential_id", &["OS_APPLICATION_CREDENTIAL_ID"]),
    (
        "application_credential_name",
        "application_credential_name",
        &["OS_APPLICATION_CREDENTIAL_NAME"],
    ),
    (
        "application_credential_secret",
        "application_credential_secret",
        &["OS_APPLICATION_CREDENTIAL_SECRET"],
    ),
    ("system_scope", "system_scope", &["OS_SYSTEM_SCOPE"]),
    ("cacert", "cacert_file", &["OS_CACERT"]),
    ("cert", "cert", &["OS_CERT"]),
    ("key", "key", &["OS_KEY"]),
    ("insecure", "insecure", &["OS_INSECURE"]),
];

/// Settings of the provider block that win over the file when `cloud` is set.
const WINNING: &[&str] =
    &["auth_url", "region_name", "interface", "cacert", "cert", "key", "insecure"];

impl Fields {
    /// Reads the settings of a provider block; `get` returns an argument's text, where it is set.
    pub(crate) fn from_block(get: impl Fn(&str) -> Option<String>) -> Self {
        let fields = SETTINGS.iter().filter_map(|(name, argument, _)| {
            get(argument).filter(|text| !text.is_empty()).map(|text| (*name, Secret::new(text)))
        });
        Self(fields.collect())
    }

    fn from_env(env: &BTreeMap<String, String>) -> Self {
        let fields = SETTINGS.iter().filter_map(|(name, _, variables)| {
            let text =
                variables.iter().find_map(|v| env.get(*v).filter(|text| !text.is_empty()))?;
            Some((*name, Secret::new(text.as_str())))
        });
        Self(fields.collect())
    }

    fn from_entry(entry: &JsonMap<String, Json>) -> Self {
        let auth = entry.get("auth").and_then(Json::as_object);
        let fields = SETTINGS.iter().filter_map(|(name, _, _)| {
            let value = auth.and_then(|auth| auth.get(*name)).or_else(|| entry.get(*name))?;
            let text = scalar(value).filter(|text| !text.is_empty())?;
            Some((*name, Secret::new(text)))
        });
        let mut fields = Self(fields.collect());
        if entry.get("verify").and_then(Json::as_bool) == Some(false) {
            fields.0.entry("insecure").or_insert_with(|| Secret::new("true"));
        }
        if let Some(text) = entry.get("endpoint_type").and_then(Json::as_str) {
            fields.0.entry("interface").or_insert_with(|| Secret::new(text));
        }
        fields
    }

    /// Returns a setting's text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.0.get(name).cloned()
    }

    fn fill_from(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| names.contains(name));
        self
    }
}

/// Returns the login for a provider block; errors are whole sentences.
pub(crate) fn login(
    source: &CloudSource,
    block: Fields,
    cloud: Option<&str>,
    env: &BTreeMap<String, String>,
) -> Result<Login, String> {
    match source {
        CloudSource::Testbed(sites) => {
            let hint = Hint {
                cloud: cloud.map(str::to_owned),
                region: block.get("region_name").map(str::to_owned),
                auth_url: block.get("auth_url").map(str::to_owned),
            };
            Ok(testbed_login(sites.site(&hint)))
        }
        CloudSource::Files(places) => {
            let env_cloud = env.get("OS_CLOUD").map(String::as_str).filter(|name| !name.is_empty());
            let mut account = Account::default();
            let fields = match cloud.or(env_cloud) {
                Some(cloud) => {
                    let file = entry_of(places, env, cloud, block.get("region_name"))?;
                    account = Account::of(&file);
                    block
                        .only(WINNING)
                        .fill_from(Fields::from_entry(&file))
                        .fill_from(Fields::from_env(env))
                }
                None => block.fill_from(Fields::from_env(env)),
            };
            login_of(&fields, places).map(|login| Login { account, ..login })
        }
    }
}

fn testbed_login(site: Site) -> Login {
    let user = serde_json::json!({"name": "student", "domain": {"name": "Default"}});
    Login {
        auth_url: versioned(&site.auth_url),
        region: site.region,
        interface: "public".into(),
        method: Method::Password { user, password: Secret::new("testbed") },
        scope: Some(
            serde_json::json!({"project": {"name": "CHI-231095", "domain": {"name": "Default"}}}),
        ),
        tls: Tls::default(),
        world: Some(site.realm),
        account: Account::default(),
    }
}

fn login_of(fields: &Fields, places: &Places) -> Result<Login, String> {
    let auth_url = fields.get("auth_url").ok_or(
        "One of 'auth_url' or 'cloud' must be specified, in the provider block or as OS_AUTH_URL or OS_CLOUD.",
    )?;
    let (method, scoped) = method_of(fields)?;
    let interface = fields.get("interface").unwrap_or("public").trim_end_matches("URL").to_owned();
    let scope = if scoped { scope_of(fields) } else { None };
    let region = fields.get("region_name").unwrap_or_default().to_owned();
    let tls = tls_of(fields, places)?;
    let (auth_url, account) = (versioned(auth_url), Account::default());
    Ok(Login { auth_url, region, interface, method, scope, tls, world: None, account })
}

fn method_of(fields: &Fields) -> Result<(Method, bool), String> {
    if let Some(kind) = fields.get("auth_type").filter(|kind| kind.contains("oidc")) {
        return Err(format!(
            "The authentication type {kind} needs a browser or a password at the institution, which no \
             program should hold: make an application credential at the site (Identity, Application \
             Credentials) and use its clouds.yaml."
        ));
    }
    if let Some(token) = fields.secret("token") {
        return Ok((Method::Token(token), true));
    }
    if let Some(secret) = fields.secret("application_credential_secret") {
        let reference = credential_of(fields)?;
        return Ok((Method::ApplicationCredential { reference, secret }, false));
    }
    let password = fields.secret("password").ok_or(
        "No credentials: give a password, a token, or an application credential's id and secret.",
    )?;
    Ok((Method::Password { user: user_of(fields)?, password }, true))
}

fn credential_of(fields: &Fields) -> Result<Json, String> {
    if let Some(id) = fields.get("application_credential_id") {
        return Ok(serde_json::json!({ "id": id }));
    }
    let name = fields
        .get("application_credential_name")
        .ok_or("An application credential's secret is given, but neither its id nor its name.")?;
    Ok(serde_json::json!({"name": name, "user": user_of(fields)?}))
}

fn user_of(fields: &Fields) -> Result<Json, String> {
    if let Some(id) = fields.get("user_id") {
        return Ok(serde_json::json!({ "id": id }));
    }
    let name = fields.get("username").ok_or("The user is missing: give user_name or user_id.")?;
    Ok(
        serde_json::json!({"name": name, "domain": domain_of(fields, "user_domain_id", "user_domain_name")}),
    )
}

fn domain_of(fields: &Fields, id: &str, name: &str) -> Json {
    let found = [
        (id, "id"),
        (name, "name"),
        ("domain_id", "id"),
        ("domain_name", "name"),
        ("default_domain", "id"),
    ]
    .iter()
    .find_map(|(field, key)| Some((fields.get(field)?, *key)));
    let (text, key) = found.unwrap_or(("default", "id"));
    serde_json::json!({ key: text })
}

fn scope_of(fields: &Fields) -> Option<Json> {
    if matches!(fields.get("system_scope"), Some("true" | "all" | "1")) {
        return Some(serde_json::json!({"system": {"all": true}}));
    }
    if let Some(id) = fields.get("project_id") {
        return Some(serde_json::json!({"project": {"id": id}}));
    }
    if let Some(name) = fields.get("project_name") {
        let domain = domain_of(fields, "project_domain_id", "project_domain_name");
        return Some(serde_json::json!({"project": {"name": name, "domain": domain}}));
    }
    let domain = fields.get("domain_id").map(|id| ("id", id));
    let (key, text) = domain.or_else(|| fields.get("domain_name").map(|name| ("name", name)))?;
    Some(serde_json::json!({"domain": {key: text}}))
}

fn tls_of(fields: &Fields, places: &Places) -> Result<Tls, String> {
    let pem_text = |text: &str| pem_text(places, text);
    let ca = fields.get("cacert").map(pem_text).transpose()?;
    let identity = match (fields.get("cert"), fields.get("key")) {
        (Some(cert), Some(key)) => Some((pem_text(cert)?, Secret::new(pem_text(key)?))),
        _ => None,
    };
    Ok(Tls { insecure: matches!(fields.get("insecure"), Some("true" | "1")), ca, identity })
}

/// Returns PEM text given as such or as the path of a file.
fn pem_text(places: &Places, text: &str) -> Result<String, String> {
    if text.contains("-----BEGIN") {
        return Ok(text.to_owned());
    }
    let path = places.working_dir.join(text);
    std::fs::read_to_string(path).map_err(|error| format!("{text} can't be read: {error}"))
}

fn versioned(auth_url: &str) -> String {
    let base = auth_url.trim_end_matches('/');
    if base.ends_with("/v3") {
        base.to_owned()
    } else {
        format!("{}/v3", base.trim_end_matches("/v2.0"))
    }
}

/// Returns the root address of an identity service: the same for every way to write it.
pub(crate) fn identity_root(auth_url: &str) -> String {
    let url = versioned(auth_url.trim());
    let root = url.trim_end_matches("/v3").trim_end_matches('/');
    let Some((scheme, rest)) = root.split_once("://") else { return root.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    // Who logs in is no part of where.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let usual = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}{path}", host.strip_suffix(usual).unwrap_or(&host))
}

/// Returns the merged entry of a cloud: public profile, then `clouds.yaml`, then `secure.yaml`.
fn entry_of(
    places: &Places,
    env: &BTreeMap<String, String>,
    cloud: &str,
    region: Option<&str>,
) -> Result<JsonMap<String, Json>, String> {
    let named = env.get("OS_CLIENT_CONFIG_FILE").map(|path| places.working_dir.join(path));
    let named = named.filter(|path| path.is_file());
    let (path, clouds) = match named {
        Some(path) => read_yaml(&path)?,
        None => first_file(places, "clouds")?.ok_or(
            "No clouds.yaml was found in the working directory, ~/.config/openstack or /etc/openstack.",
        )?,
    };
    let entry = clouds.pointer("/clouds").and_then(|all| all.get(cloud)).and_then(Json::as_object);
    let entry = entry.cloned().ok_or_else(|| {
        format!("{} has no cloud named {cloud:?}; it has {}.", path.display(), names_in(&clouds))
    })?;
    let mut merged = JsonMap::new();
    let profile = entry.get("profile").or_else(|| entry.get("cloud")).and_then(Json::as_str);
    if let Some(profile) = profile
        && let Some((_, public)) = first_file(places, "clouds-public")?
        && let Some(entry) = public.pointer("/public-clouds").and_then(|all| all.get(profile))
    {
        merge(&mut merged, entry);
    }
    merge(&mut merged, &Json::Object(entry));
    if let Some((_, secure)) = first_file(places, "secure")?
        && let Some(entry) = secure.pointer("/clouds").and_then(|all| all.get(cloud))
    {
        merge(&mut merged, entry);
    }
    overlay_region(&mut merged, region);
    Ok(merged)
}

fn overlay_region(entry: &mut JsonMap<String, Json>, region: Option<&str>) {
    let wanted =
        region.map(str::to_owned).or_else(|| Some(entry.get("region_name")?.as_str()?.to_owned()));
    let regions = entry.get("regions").and_then(Json::as_array).cloned().unwrap_or_default();
    let found = regions.iter().find(|r| r.get("name").and_then(Json::as_str) == wanted.as_deref());
    if let Some(values) = found.and_then(|region| region.get("values")) {
        merge(entry, values);
    }
}

fn names_in(clouds: &Json) -> String {
    let names = clouds
        .get("clouds")
        .and_then(Json::as_object)
        .map(|all| all.keys().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "));
    names.filter(|names| !names.is_empty()).unwrap_or_else(|| "none".into())
}

fn first_file(places: &Places, stem: &str) -> Result<Option<(PathBuf, Json)>, String> {
    let home = places.home.as_ref().map(|home| home.join(".config/openstack"));
    for extension in ["yaml", "yml"] {
        let folders =
            [Some(places.working_dir.clone()), home.clone(), Some("/etc/openstack".into())];
        for folder in folders.into_iter().flatten() {
            let path = folder.join(format!("{stem}.{extension}"));
            if path.is_file() {
                return read_yaml(&path).map(Some);
            }
        }
    }
    Ok(None)
}

fn read_yaml(path: &Path) -> Result<(PathBuf, Json), String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    let json = serde_saphyr::from_str(&text).map_err(|_| {
        // The parser's own message quotes the file, and the file holds passwords.
        format!("{} is not valid YAML.", path.display())
    })?;
    Ok((path.to_owned(), json))
}

fn merge(into: &mut JsonMap<String, Json>, from: &Json) {
    for (key, value) in from.as_object().into_iter().flatten() {
        match (into.get_mut(key), value) {
            (Some(Json::Object(old)), Json::Object(_)) => merge(old, value),
            (Some(Json::Array(old)), Json::Array(new)) => old.extend(new.iter().cloned()),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_service_has_one_root_however_it_is_written() {
        for (root, ways) in [
            (
                "https://kvm.tacc.chameleoncloud.org:5000",
                &[
                    "https://kvm.tacc.chameleoncloud.org:5000",
                    "https://kvm.tacc.chameleoncloud.org:5000/",
                    "https://kvm.tacc.chameleoncloud.org:5000/v3",
                    "https://kvm.tacc.chameleoncloud.org:5000/v3/",
                    "https://kvm.tacc.chameleoncloud.org:5000/v2.0",
                    "https://kvm.tacc.chameleoncloud.org:5000/v2.0/",
                    "HTTPS://KVM.TACC.ChameleonCloud.org:5000/v3",
                    " https://kvm.tacc.chameleoncloud.org:5000/v3 ",
                    "https://student:secret@kvm.tacc.chameleoncloud.org:5000/v3",
                ][..],
            ),
            (
                "https://cloud.example/identity",
                &[
                    "https://cloud.example/identity",
                    "https://cloud.example:443/identity/v3",
                    "https://CLOUD.example:443/identity/",
                ],
            ),
            ("http://cloud.example", &["http://cloud.example:80", "http://cloud.example/v3"]),
            ("http://[2001:db8::1]:5000", &["http://[2001:DB8::1]:5000/v3"]),
            // What differs in scheme, port, host or path is another one.
            ("http://cloud.example:443", &["http://cloud.example:443/v3"]),
            ("https://cloud.example:5000", &["https://cloud.example:5000/v3"]),
            ("https://cloud.example:80", &["https://cloud.example:80"]),
            ("https://cloud.example/Identity", &["https://cloud.example/Identity/v3"]),
            ("https://cloud.example/v3/identity", &["https://cloud.example/v3/identity/v3"]),
        ] {
            for way in ways {
                assert_eq!(identity_root(way), root, "{way}");
            }
        }
    }
}
