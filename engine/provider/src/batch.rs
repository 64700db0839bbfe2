//! Batches of requests about several types: each type is answered together, in the order of the batch.

use terrarium_address::Name;

/// The requests of a batch that are about one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<R> {
    /// The type.
    pub kind: Name,
    /// Where each request stands in the batch.
    pub places: Vec<usize>,
    /// The requests.
    pub requests: Vec<R>,
}

/// Splits a batch by type, in the order in which types first occur.
pub fn by_kind<R>(requests: Vec<R>, kind: impl Fn(&R) -> &Name) -> Vec<Part<R>> {
    let mut parts: Vec<Part<R>> = Vec::new();
    for (at, request) in requests.into_iter().enumerate() {
        let place = parts.iter().position(|part| part.kind == *kind(&request));
        match place.and_then(|place| parts.get_mut(place)) {
            Some(part) => {
                part.places.push(at);
                part.requests.push(request);
            }
            None => parts.push(Part {
                kind: kind(&request).clone(),
                places: vec![at],
                requests: vec![request],
            }),
        }
    }
    parts
}

/// The answers to a batch, filled in part by part.
#[derive(Debug)]
pub struct Answers<A>(Vec<Option<A>>);

impl<A> Answers<A> {
    /// Starts without any answer.
    pub fn new(count: usize) -> Self {
        Self((0..count).map(|_| None).collect())
    }

    /// Puts the answers to a part where its requests stand.
    pub fn put(&mut self, places: &[usize], answers: Vec<A>) {
        for (at, answer) in places.iter().zip(answers) {
            if let Some(slot) = self.0.get_mut(*at) {
                *slot = Some(answer);
            }
        }
    }

    /// Returns all answers in the order of the batch; what has none gets `missing`.
    pub fn into_vec(self, missing: impl Fn() -> A) -> Vec<A> {
        self.0.into_iter().map(|answer| answer.unwrap_or_else(&missing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_several_types_is_answered_in_its_order() {
        let batch: Vec<(Name, u8)> =
            [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5)].map(|(k, n)| (k.into(), n)).into();
        let mut answers = Answers::new(batch.len());
        let mut seen = Vec::new();
        for part in by_kind(batch, |(kind, _)| kind) {
            let mut replies: Vec<String> =
                part.requests.iter().map(|(_, n)| format!("{}{n}", part.kind)).collect();
            // One type leaves its last request without an answer.
            if &*part.kind == "a" {
                replies.pop();
            }
            seen.push((part.kind.to_string(), part.requests.len()));
            answers.put(&part.places, replies);
        }
        assert_eq!(seen, [("b".into(), 2), ("a".into(), 2), ("c".into(), 1)]);
        assert_eq!(answers.into_vec(|| "none".into()), ["b1", "a2", "b3", "c4", "none"]);
    }
}
