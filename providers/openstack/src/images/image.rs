//! [Images](https://docs.openstack.org/api-ref/image/v2/#images).

use serde_json::Value as Json;
use terrarium_provider::Tenure;
use terrarium_value::{Map, Value};

use crate::client::Service;
use crate::data::DataHooks;
use crate::look::{Look, field};
use crate::schema::{DataSource, Literal, REGION, flag, int, text, text_map, text_set};
use crate::wire::{map_value, scalar_text};

pub(crate) const IMAGE_DATA: DataSource = DataSource {
    name: "openstack_images_image_v2",
    thing: "image",
    service: Service::Image,
    path: "/images",
    collection: "images",
    attributes: &[
        text("checksum").computed(),
        text("container_format").filter(),
        text("created_at").computed(),
        text("disk_format").filter(),
        text("file").computed(),
        flag("hidden").wire("os_hidden").or(Literal::Bool(false)).filter(),
        text("member_status")
            .force_new()
            .filter()
            .not_read()
            .one_of(&["accepted", "pending", "rejected", "all"]),
        text_map("metadata").computed().local(),
        int("min_disk_gb").computed().wire("min_disk"),
        int("min_ram_mb").computed().wire("min_ram"),
        flag("most_recent").force_new().or(Literal::Bool(false)).local(),
        text("name").force_new().filter().conflicts(&["name_regex"]),
        text("name_regex").force_new().local().conflicts(&["name"]),
        text("owner").force_new().filter(),
        text_map("properties").force_new().local(),
        flag("protected").computed(),
        REGION,
        text("schema").computed(),
        int("size_bytes").computed().wire("size"),
        int("size_max").force_new().filter().not_read(),
        int("size_min").force_new().filter().not_read(),
        text("sort").force_new().or(Literal::Text("name:asc")).local(),
        text("tag").force_new().filter().not_read(),
        text_set("tags").optional_computed(),
        text("updated_at").computed(),
        text("visibility").force_new().filter().one_of(&[
            "public",
            "private",
            "shared",
            "community",
        ]),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &ImageData,
};

/// Fields of an image that are no properties of its own.
const KNOWN: &[&str] = &[
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "checksum",
    "owner",
    "size",
    "virtual_size",
    "container_format",
    "disk_format",
    "min_ram",
    "min_disk",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "tags",
    "os_hidden",
    "locations",
    "direct_url",
    "metadata",
];

struct ImageData;

impl DataHooks for ImageData {
    fn query(&self, config: &Value, query: &mut Vec<(&'static str, String)>) {
        query.push(("status", "active".into()));
        query.push(("sort", config.text("sort").unwrap_or("name:asc").to_owned()));
        for tag in config.texts("tags") {
            query.push(("tag", tag.to_owned()));
        }
        // Glance takes bounds of the size as parameters of their own, and no zero.
        query.retain(|(name, text)| !(matches!(*name, "size_min" | "size_max") && text == "0"));
        query.retain(|(name, text)| !(*name == "os_hidden" && text == "false"));
    }

    fn fits(&self, config: &Value, object: &Json) -> bool {
        config.text("name_regex").is_none_or(|pattern| {
            // A pattern that does not compile was reported by `validate`; it fits nothing.
            regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(field(object, "name")))
        })
    }

    fn choose(&self, config: &Value, objects: &mut Vec<Json>) {
        let wanted = config.pairs("properties");
        objects.retain(|object| {
            wanted
                .iter()
                .all(|(key, text)| object.get(*key).map(scalar_text).unwrap_or_default() == *text)
        });
        if config.flag("most_recent") == Some(true) {
            objects.sort_by(|a, b| field(b, "created_at").cmp(field(a, "created_at")));
            objects.truncate(1);
        }
    }

    fn decode(&self, object: &Json, config: &Value, out: &mut Map) {
        let own = object
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !KNOWN.contains(&key.as_str()));
        let own = map_value(own.map(|(key, value)| (key.as_str(), scalar_text(value))));
        out.insert("properties".into(), own);
        out.insert("metadata".into(), map_value([]));
        for (name, default) in
            [("most_recent", Value::bool(false)), ("sort", Value::string("name:asc"))]
        {
            let configured = config.get(name).filter(|value| !value.is_null()).cloned();
            out.insert(name.into(), configured.unwrap_or(default));
        }
    }
}
