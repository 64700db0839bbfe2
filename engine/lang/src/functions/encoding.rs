//! Text forms of values and bytes: JSON, CSV, base64, URLs, character sets.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use terrarium_address::Name;
use terrarium_value::{Map, Type, Value, json};

use super::{ANY, Args, Function, Refusal, STRING, any, function, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "jsonencode",
        &[any("val").nullable().dynamic().deep()],
        STRING,
        jsonencode,
        "Returns `val` as JSON.",
    ),
    function(
        "jsondecode",
        &[string("str")],
        ANY,
        jsondecode,
        "Returns the value that the JSON text `str` describes.",
    ),
    function(
        "csvdecode",
        &[string("str")],
        ANY,
        csvdecode,
        "Returns the rows of the CSV text `str` as objects; the first row names the attributes.",
    ),
    function(
        "base64encode",
        &[string("str")],
        STRING,
        |args| Ok(Value::string(STANDARD.encode(args.str(0)))),
        "Returns the UTF-8 bytes of `str` in base64.",
    ),
    function(
        "base64decode",
        &[string("str")],
        STRING,
        base64decode,
        "Returns the text whose UTF-8 bytes `str` holds in base64.",
    ),
    function(
        "base64gzip",
        &[string("str")],
        STRING,
        base64gzip,
        "Returns the UTF-8 bytes of `str`, compressed with gzip, in base64.",
    ),
    function(
        "urlencode",
        &[string("str")],
        STRING,
        urlencode,
        "Returns `str` as it stands in the query of a URL.",
    ),
    function(
        "textencodebase64",
        &[string("string"), string("encoding")],
        STRING,
        textencodebase64,
        "Returns the bytes of `string` in a character `encoding`, in base64.",
    ),
    function(
        "textdecodebase64",
        &[string("source"), string("encoding")],
        STRING,
        textdecodebase64,
        "Returns the text whose bytes in a character `encoding` the base64 text `source` holds.",
    ),
];

fn jsonencode(args: &Args<'_>) -> Result<Value, Refusal> {
    json::encode(args.value(0)).map(Value::string).map_err(|error| Refusal::call(error.message))
}

fn jsondecode(args: &Args<'_>) -> Result<Value, Refusal> {
    json::decode(args.str(0)).map_err(|error| Refusal::call(error.message))
}

fn csvdecode(args: &Args<'_>) -> Result<Value, Refusal> {
    let text = args.str(0);
    check_quotes(text)?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = reader.records();
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        Refusal::call(format!("CSV parse error on line {line}: {error}"))
    };
    let header = match rows.next() {
        Some(header) => header.map_err(|error| broken(&error))?,
        None => return Err(Refusal::call("missing header line")),
    };
    let mut names: Vec<Name> = Vec::with_capacity(header.len());
    let mut seen = BTreeSet::new();
    for name in &header {
        if !seen.insert(name) {
            return Err(Refusal::call(format!("duplicate column name {name:?}")));
        }
        names.push(name.into());
    }
    let mut items = Vec::new();
    for row in rows {
        let row = row.map_err(|error| broken(&error))?;
        let line = row.position().map_or(1, csv::Position::line);
        if row.len() != names.len() {
            return Err(Refusal::call(format!(
                "CSV parse error on line {line}: wrong number of fields"
            )));
        }
        let fields: Map = names.iter().cloned().zip(row.iter().map(Value::string)).collect();
        items.push(Value::object(fields));
    }
    let element = Type::object(names.into_iter().map(|name| (name, Type::String)));
    Ok(Value::list(element, items))
}

/// The reader takes an open quote at the end of the text for a closed one.
fn check_quotes(text: &str) -> Result<(), Refusal> {
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0 {
        return Ok(());
    }
    let line = text.lines().count();
    Err(Refusal::call(format!(
        "CSV parse error on line {line}: extraneous or missing \" in quoted-field"
    )))
}

/// Go's decoder leaves line breaks aside.
fn bytes_of(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    if text.contains(['\n', '\r']) {
        return STANDARD.decode(text.replace(['\n', '\r'], ""));
    }
    STANDARD.decode(text)
}

fn base64decode(args: &Args<'_>) -> Result<Value, Refusal> {
    let text = args.str(0);
    let bytes = bytes_of(text)
        .map_err(|_| Refusal::call(format!("failed to decode base64 data {text:?}")))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Refusal::call("the result of decoding the provided string is not valid UTF-8")
    })?;
    Ok(Value::string(text))
}

fn base64gzip(args: &Args<'_>) -> Result<Value, Refusal> {
    let text = args.str(0).as_bytes();
    // As Go writes it: no time, an unknown system, a flush after the data, then an empty last block.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut deflate = flate2::Compress::new(flate2::Compression::default(), false);
    let mut body = Vec::with_capacity(text.len() / 2 + 64);
    loop {
        let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = text.get(done..).unwrap_or_default();
        body.reserve(4096);
        deflate
            .compress_vec(rest, &mut body, flate2::FlushCompress::Sync)
            .map_err(|error| Refusal::call(error.to_string()))?;
        if usize::try_from(deflate.total_in()).is_ok_and(|done| done >= text.len())
            && body.len() < body.capacity()
        {
            break;
        }
    }
    if text.is_empty() {
        body = vec![0, 0, 0, 0xff, 0xff];
    }
    out.extend(body);
    out.extend([1, 0, 0, 0xff, 0xff]);
    let mut crc = flate2::Crc::new();
    crc.update(text);
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    Ok(Value::string(STANDARD.encode(out)))
}

fn urlencode(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut out = String::new();
    for byte in args.str(0).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    Ok(Value::string(out))
}

/// The character sets that are known: those of configurations for Windows and old terminals.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Utf16 { big: bool },
    Latin1,
    Ascii,
    Windows1252,
}

/// What the bytes 0x80 to 0x9f are in windows-1252.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

fn charset(args: &Args<'_>) -> Result<(Charset, &'static str), Refusal> {
    Ok(match args.str(1).to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => (Charset::Utf8, "UTF-8"),
        "UTF-16LE" => (Charset::Utf16 { big: false }, "UTF-16LE"),
        "UTF-16BE" | "UTF-16" => (Charset::Utf16 { big: true }, "UTF-16BE"),
        "ISO-8859-1" | "LATIN1" | "ISO_8859-1" | "L1" => (Charset::Latin1, "ISO_8859-1:1987"),
        "US-ASCII" | "ASCII" => (Charset::Ascii, "US-ASCII"),
        "WINDOWS-1252" | "CP1252" => (Charset::Windows1252, "windows-1252"),
        _ => {
            let why = format!(
                "{:?} is not a supported IANA encoding name or alias in this Terraform version",
                args.str(1)
            );
            return Err(Refusal::argument(1, why));
        }
    })
}

fn textencodebase64(args: &Args<'_>) -> Result<Value, Refusal> {
    let (charset, name) = charset(args)?;
    let text = args.str(0);
    let single = |c: char| -> Option<u8> {
        let code = u32::from(c);
        match charset {
            Charset::Ascii => u8::try_from(code).ok().filter(u8::is_ascii),
            Charset::Windows1252 => match WINDOWS_1252.chars().position(|known| known == c) {
                Some(at) => u8::try_from(0x80 + at).ok(),
                None => u8::try_from(code).ok().filter(|byte| !(0x80..0xa0).contains(byte)),
            },
            _ => u8::try_from(code).ok(),
        }
    };
    let bytes: Option<Vec<u8>> = match charset {
        Charset::Utf8 => Some(text.as_bytes().to_vec()),
        Charset::Utf16 { big } => Some(
            text.encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect(),
        ),
        Charset::Latin1 | Charset::Ascii | Charset::Windows1252 => {
            text.chars().map(single).collect()
        }
    };
    let bytes = bytes.ok_or_else(|| {
        Refusal::argument(
            0,
            format!("the given string contains characters that cannot be represented in {name}"),
        )
    })?;
    Ok(Value::string(STANDARD.encode(bytes)))
}

fn textdecodebase64(args: &Args<'_>) -> Result<Value, Refusal> {
    let (charset, name) = charset(args)?;
    let bytes = bytes_of(args.str(0)).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, _) => Refusal::argument(
            0,
            format!("the given value is has an invalid base64 symbol at offset {at}"),
        ),
        other => Refusal::argument(0, format!("invalid source string: {other}")),
    })?;
    let wrong = || {
        Refusal::argument(
            0,
            format!("the given string contains symbols that are not defined for {name}"),
        )
    };
    let text = match charset {
        Charset::Utf8 => String::from_utf8(bytes).map_err(|_| wrong())?,
        Charset::Utf16 { big } => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| {
                    if big {
                        u16::from_be_bytes([pair[0], pair[1]])
                    } else {
                        u16::from_le_bytes([pair[0], pair[1]])
                    }
                })
                .collect();
            String::from_utf16_lossy(&units)
        }
        Charset::Ascii if !bytes.is_ascii() => return Err(wrong()),
        Charset::Latin1 | Charset::Ascii => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Charset::Windows1252 => bytes
            .iter()
            .map(|byte| match byte {
                0x80..0xa0 => {
                    WINDOWS_1252.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{fffd}')
                }
                other => char::from(*other),
            })
            .collect(),
    };
    Ok(Value::string(text))
}
