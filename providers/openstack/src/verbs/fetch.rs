//! Reading many objects of one type with as few calls as the API allows.

use std::collections::HashMap;

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value as Json;

use super::scope::{Fetched, Scope};
use crate::client::{ApiError, Service, Session};
use crate::look::field;

/// Up to this many objects are read one by one.
const FEW: usize = 3;

/// Up to this many objects of Neutron are asked for by id, beyond it the whole list is read.
const BY_ID: usize = 200;

/// Ids in one query: what fits into a URL of 2 KiB.
const IDS_PER_CALL: usize = 40;

/// Reads objects by id, in the order of the ids.
pub(crate) async fn fetch(scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
    if ids.len() <= FEW || scope.row.list_path.is_empty() {
        return in_lanes(scope.session, ids, |id| scope.fetch_one(id)).await;
    }
    let listed = match listed(scope, ids).await {
        Ok(listed) => listed,
        Err(error) => return ids.iter().map(|_| Err(error.clone())).collect(),
    };
    // What a list lacks may belong to another project: only a GET of its own proves that it is gone.
    in_lanes(scope.session, ids, |id| async {
        match listed.get(id) {
            Some(object) => Ok(Some(object.clone())),
            None => scope.fetch_one(id).await,
        }
    })
    .await
}

async fn listed(scope: &Scope<'_>, ids: &[String]) -> Result<HashMap<String, Json>, ApiError> {
    let row = scope.row;
    let mut found = HashMap::with_capacity(ids.len());
    let by_id = row.service == Service::Network && ids.len() <= BY_ID;
    let chunks: Vec<&[String]> = if by_id { ids.chunks(IDS_PER_CALL).collect() } else { vec![&[]] };
    for chunk in chunks {
        let query = chunk.iter().map(|id| ("id", id.clone())).collect();
        let call = scope.read(row.list_path).query(query);
        for object in scope.session.list(&call, row.collection).await? {
            found.insert(field(&object, "id").to_owned(), object);
        }
    }
    Ok(found)
}

/// Does the same for each item, as many at a time as calls may be in flight, and returns the results in the
/// order of the items.
pub(crate) async fn in_lanes<'a, T, R, F, W>(session: &Session, items: &'a [T], work: W) -> Vec<R>
where
    W: Fn(&'a T) -> F,
    F: Future<Output = R>,
{
    let work = &work;
    let mut waiting = items.iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut all: Vec<(usize, R)> = Vec::with_capacity(items.len());
    loop {
        while running.len() < session.width()
            && let Some((at, item)) = waiting.next()
        {
            running.push(async move { (at, work(item).await) });
        }
        let Some(done) = running.next().await else { break };
        all.push(done);
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
