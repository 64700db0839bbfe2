//! `random_pet`: a name that people can say.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Value};

use super::KEEPERS;
use crate::chance::Draw;
use crate::row::{Check, Default, Hooks, Means, Resource, Ty, optional};
use crate::{attributes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/pet.md).
pub(super) const RANDOM_PET: Resource = Resource {
    name: "random_pet",
    version: 0,
    about: "Draws a name of a few words.",
    fields: &[
        optional("length", Ty::Number, "How many words.")
            .replaces()
            .or(Default::Number(2))
            .checked(Check::AtLeast(1)),
        optional("prefix", Ty::Text, "Put before the name.").replaces(),
        optional("separator", Ty::Text, "Put between the words.").replaces().or(Default::Text("-")),
        KEEPERS,
    ],
    hooks: Hooks::new(make),
};

/// Most words; more is a slip of the keyboard.
const MOST: i64 = 1_000;

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let length = attributes::int(attributes, "length").filter(|length| (1..=MOST).contains(length));
    let Some(length) = length else {
        return Err(schema::invalid("length", format!("It must lie between 1 and {MOST}.")).into());
    };
    let mut draw = Draw::new(&*means.chance);
    let mut words: Vec<&str> =
        attributes::text(attributes, "prefix").filter(|it| !it.is_empty()).into_iter().collect();
    for left in (1..=length).rev() {
        let list: &[&str] = match left {
            1 => ANIMALS,
            2 => ADJECTIVES,
            _ => ADVERBS,
        };
        words.extend(draw.pick(list)?);
    }
    let separator = attributes::text(attributes, "separator").unwrap_or("-");
    let name = words.join(separator);
    attributes::set(attributes, "id", Value::string(name));
    Ok(())
}

const ADVERBS: &[&str] = &[
    "boldly", "brightly", "briskly", "calmly", "clearly", "early", "easily", "fairly", "firmly",
    "freely", "freshly", "fully", "gently", "gladly", "greatly", "highly", "justly", "keenly",
    "kindly", "largely", "lately", "lightly", "loudly", "lively", "mainly", "mildly", "mostly",
    "nearly", "neatly", "newly", "nicely", "openly", "partly", "plainly", "promptly", "purely",
    "quickly", "quietly", "rarely", "readily", "really", "rightly", "safely", "sharply", "shortly",
    "simply", "slowly", "smoothly", "softly", "steadily", "surely", "swiftly", "truly", "warmly",
    "weekly", "wholly", "widely", "wisely",
];

const ADJECTIVES: &[&str] = &[
    "able", "agile", "amber", "ample", "apt", "brave", "brief", "bright", "brisk", "bronze",
    "busy", "calm", "candid", "careful", "cheerful", "civil", "clean", "clear", "clever", "coral",
    "cosy", "crisp", "curious", "daring", "deep", "dapper", "eager", "early", "exact", "fair",
    "famous", "fine", "firm", "fluent", "fond", "frank", "fresh", "gentle", "glad", "golden",
    "grand", "green", "handy", "happy", "hardy", "honest", "humble", "ideal", "jolly", "just",
    "keen", "kind", "large", "light", "lively", "loyal", "lucky", "mellow", "merry", "mighty",
    "modest", "neat", "nimble", "noble", "patient", "plain", "polite", "prime", "prompt", "proud",
    "pure", "quick", "quiet", "rapid", "ready", "robust", "round", "sharp", "silent", "silver",
    "sincere", "smart", "smooth", "snug", "solid", "sound", "steady", "sturdy", "subtle", "sunny",
    "swift", "tall", "tender", "tidy", "trusty", "upbeat", "valid", "velvet", "vivid", "warm",
    "wise", "witty", "young", "zesty",
];

const ANIMALS: &[&str] = &[
    "adder",
    "albatross",
    "alpaca",
    "ant",
    "badger",
    "bass",
    "bat",
    "bear",
    "beaver",
    "bee",
    "beetle",
    "bison",
    "boar",
    "bobcat",
    "bream",
    "buffalo",
    "camel",
    "carp",
    "cat",
    "cheetah",
    "chough",
    "clam",
    "cobra",
    "cod",
    "colt",
    "condor",
    "cormorant",
    "cow",
    "coyote",
    "crab",
    "crane",
    "cricket",
    "crow",
    "deer",
    "dingo",
    "dog",
    "dolphin",
    "donkey",
    "dove",
    "dragonfly",
    "duck",
    "eagle",
    "eel",
    "egret",
    "elk",
    "emu",
    "falcon",
    "ferret",
    "finch",
    "fly",
    "fox",
    "frog",
    "gannet",
    "gazelle",
    "gecko",
    "gibbon",
    "gnu",
    "goat",
    "goose",
    "grouse",
    "gull",
    "hare",
    "hawk",
    "hedgehog",
    "heron",
    "hippo",
    "hornet",
    "horse",
    "ibex",
    "ibis",
    "iguana",
    "impala",
    "jackal",
    "jaguar",
    "jay",
    "kestrel",
    "kingfisher",
    "kite",
    "kiwi",
    "koala",
    "lark",
    "lemur",
    "leopard",
    "lion",
    "lizard",
    "llama",
    "lobster",
    "lynx",
    "magpie",
    "mallard",
    "marmot",
    "marten",
    "mink",
    "mole",
    "moose",
    "moth",
    "mouse",
    "mule",
    "newt",
    "ocelot",
    "octopus",
    "okapi",
    "orca",
    "osprey",
    "ostrich",
    "otter",
    "owl",
    "ox",
    "oyster",
    "panda",
    "parrot",
    "pelican",
    "perch",
    "pike",
    "plover",
    "pony",
    "puffin",
    "puma",
    "python",
    "quail",
    "rabbit",
    "raven",
    "ray",
    "robin",
    "rook",
    "salmon",
    "seal",
    "shark",
    "sheep",
    "shrew",
    "shrimp",
    "skink",
    "snail",
    "sparrow",
    "squid",
    "squirrel",
    "stork",
    "swan",
    "swift",
    "tapir",
    "tern",
    "thrush",
    "tiger",
    "toad",
    "trout",
    "turtle",
    "viper",
    "vole",
    "walrus",
    "wasp",
    "weasel",
    "whale",
    "wolf",
    "wombat",
    "wren",
    "yak",
    "zebra",
];
