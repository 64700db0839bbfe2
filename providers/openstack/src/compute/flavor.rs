//! [Flavors](https://docs.openstack.org/api-ref/compute/#flavors).

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_provider::Tenure;
use terrarium_value::Value;

use crate::client::{ApiError, Service};
use crate::data::{Ask, DataHooks};
use crate::look::{Look, field};
use crate::schema::{DataSource, flag, float, int, text, text_map};
use crate::verbs::{encoded, unwrapped};
use crate::wire::scalar_text;

pub(crate) const FLAVOR_DATA: DataSource = DataSource {
    name: "openstack_compute_flavor_v2",
    thing: "flavor",
    service: Service::Compute,
    path: "/flavors/detail",
    collection: "flavors",
    attributes: &[
        text("description").force_new(),
        int("disk").force_new(),
        text_map("extra_specs").computed(),
        text("flavor_id").force_new().wire("id").conflicts(&["name", "min_ram", "min_disk"]),
        flag("is_public").force_new().wire("os-flavor-access:is_public"),
        int("min_disk").force_new().not_read().conflicts(&["flavor_id"]),
        int("min_ram").force_new().not_read().conflicts(&["flavor_id"]),
        text("name").force_new().conflicts(&["flavor_id"]),
        int("ram").force_new(),
        text("region").optional_computed().local(),
        float("rx_tx_factor").force_new(),
        int("swap").force_new(),
        int("vcpus").force_new(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &FlavorData,
};

/// The microversion with descriptions.
const DESCRIBED: Option<&str> = Some("2.55");

struct FlavorData;

#[async_trait]
impl DataHooks for FlavorData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        if let Some(id) = ask.config.text("flavor_id") {
            let call = ask.get(format!("/flavors/{}", encoded(id))).microversion(DESCRIBED);
            let reply = ask.session.shared_find(&call).await?;
            return Ok(reply.into_iter().map(|reply| unwrapped(reply, "flavor")).collect());
        }
        let public = match ask.config.flag("is_public") {
            Some(true) => "True",
            Some(false) => "False",
            None => "None",
        };
        let mut query = vec![("is_public", public.to_owned())];
        for (parameter, name) in [("minRam", "min_ram"), ("minDisk", "min_disk")] {
            if let Some(number) = ask.config.int(name).filter(|number| *number > 0) {
                query.push((parameter, number.to_string()));
            }
        }
        let call = ask.get("/flavors/detail").query(query).microversion(DESCRIBED);
        Ok(ask.session.shared_list(&call, "flavors").await?.to_vec())
    }

    fn fits(&self, config: &Value, object: &Json) -> bool {
        let texts = ["name", "description"]
            .iter()
            .all(|name| config.text(name).is_none_or(|text| text == field(object, name)));
        let numbers = ["ram", "vcpus", "disk", "swap"].iter().all(|name| {
            let there = object.get(*name).map(scalar_text).unwrap_or_default();
            config
                .int(name)
                .filter(|number| *number != 0)
                .is_none_or(|number| there == number.to_string())
        });
        let factor = config.get("rx_tx_factor").and_then(Value::as_number).is_none_or(|wanted| {
            object
                .get("rxtx_factor")
                .and_then(Json::as_f64)
                .is_none_or(|there| (there - wanted.to_f64()).abs() < 1e-9)
        });
        texts && numbers && factor
    }

    async fn enrich(&self, ask: &Ask<'_>, object: &mut Json) -> Result<(), ApiError> {
        let path = format!("/flavors/{}/os-extra_specs", encoded(field(object, "id")));
        // Some clouds show no extra specs to users: then there are none.
        let specs = match ask.session.shared_find(&ask.get(path)).await {
            Ok(reply) => reply.and_then(|mut reply| Some(reply.get_mut("extra_specs")?.take())),
            Err(error) if error.status() == Some(403) => None,
            Err(error) => return Err(error),
        };
        let factor = object.get("rxtx_factor").cloned().unwrap_or(json!(1.0));
        if let Some(object) = object.as_object_mut() {
            object.insert("extra_specs".into(), specs.unwrap_or_else(|| json!({})));
            object.insert("rx_tx_factor".into(), factor);
        }
        Ok(())
    }
}
