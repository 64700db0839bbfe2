//! Times: RFC 3339 in, RFC 3339 or a picture out.

use std::cmp::Ordering;

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use terrarium_value::{Number, Value};

use super::hash::at_apply;
use super::{Args, Function, NUMBER, Refusal, STRING, function, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function("timestamp", &[], STRING, timestamp, "Returns the instant of the apply, in UTC."),
    function(
        "plantimestamp",
        &[],
        STRING,
        |args| Ok(Value::string(utc(args.environment().now))),
        "Returns the instant of the plan, in UTC.",
    ),
    function(
        "timeadd",
        &[string("timestamp"), string("duration")],
        STRING,
        timeadd,
        "Returns `timestamp` later by `duration`, such as `1h30m` or `-5s`.",
    ),
    function(
        "timecmp",
        &[string("timestamp_a"), string("timestamp_b")],
        NUMBER,
        timecmp,
        "Returns -1, 0 or 1: whether `timestamp_a` is before, at or after `timestamp_b`.",
    ),
    function(
        "formatdate",
        &[string("format"), string("time")],
        STRING,
        formatdate,
        "Returns `time` in a `format` such as `YYYY-MM-DD hh:mm ZZZ`; text in single quotes stays.",
    ),
];

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn timestamp(args: &Args<'_>) -> Result<Value, Refusal> {
    let environment = args.environment();
    Ok(if environment.planning {
        at_apply("timestamp")
    } else {
        Value::string(utc(environment.now))
    })
}

/// Reads a time strictly; the error says which part is wrong.
fn parse(text: &str) -> Result<ZonedDateTime, String> {
    let wrong = |why: String| format!("not a valid RFC3339 timestamp: {why}");
    let mut rest = text;
    let expect = |rest: &mut &str, sign: char, name: &str| -> Result<(), String> {
        *rest = rest
            .strip_prefix(sign)
            .ok_or_else(|| wrong(format!("missing required {name} '{sign}'")))?;
        Ok(())
    };
    let number =
        |rest: &mut &str, digits: usize, name: &str| digits_of(rest, digits, name).map_err(wrong);
    let year = number(&mut rest, 4, "year")?;
    expect(&mut rest, '-', "date separator")?;
    let before = rest;
    let month = number(&mut rest, 2, "month")?;
    if !(1..=12).contains(&month) {
        let shown = text.get(text.len() - before.len() + 2..).unwrap_or_default();
        return Err(wrong(format!("cannot use {shown:?} as month")));
    }
    expect(&mut rest, '-', "date separator")?;
    let day = number(&mut rest, 2, "day")?;
    let narrow = |number: i16| i8::try_from(number).unwrap_or(i8::MAX);
    let date = Date::new(year, narrow(month), narrow(day))
        .map_err(|_| wrong("day out of range".into()))?;
    expect(&mut rest, 'T', "time introducer")?;
    let hour = number(&mut rest, 2, "hour")?;
    expect(&mut rest, ':', "time separator")?;
    let minute = number(&mut rest, 2, "minute")?;
    expect(&mut rest, ':', "time separator")?;
    let second = number(&mut rest, 2, "second")?;
    if second > 59 {
        return Err(wrong(format!("cannot use {rest:?} as second")));
    }
    let mut nanosecond = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let digits = fraction.get(..length).unwrap_or_default();
        nanosecond =
            format!("{digits:0<9}").get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        rest = fraction.get(length..).unwrap_or_default();
    }
    let (hour, minute, second) = (narrow(hour), narrow(minute), narrow(second));
    let time = Time::new(hour, minute, second, nanosecond)
        .map_err(|_| wrong("hour out of range".into()))?;
    let offset = offset(rest).ok_or_else(|| wrong(format!("cannot use {rest:?} as UTC offset")))?;
    date.to_datetime(time)
        .to_zoned_datetime(offset.to_time_zone())
        .map_err(|error| wrong(error.to_string()))
}

/// Takes so many digits off the text.
fn digits_of(rest: &mut &str, digits: usize, name: &str) -> Result<i16, String> {
    let cannot = format!("cannot use {rest:?} as {name}");
    let part = rest.get(..digits).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let part = part.ok_or_else(|| cannot.clone())?;
    *rest = rest.get(digits..).unwrap_or_default();
    part.parse().map_err(|_| cannot)
}

fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) =
        rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Returns a time in the form in which the language writes it; `None` where the text is none.
pub(super) fn normalised(text: &str) -> Option<String> {
    parse(text).ok().map(|time| rfc3339(&time))
}

fn offset_text(time: &ZonedDateTime, colon: bool, zulu: &str) -> String {
    let seconds = time.offset().seconds();
    if seconds == 0 && !zulu.is_empty() {
        return zulu.to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let colon = if colon { ":" } else { "" };
    format!("{sign}{hours:02}{colon}{minutes:02}")
}

fn rfc3339(time: &ZonedDateTime) -> String {
    format!("{}{}", time.strftime("%Y-%m-%dT%H:%M:%S"), offset_text(time, true, "Z"))
}

/// Reads a duration as Go does: `1h15m30.918273645s`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanoseconds: i128 = 0;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, after) = rest.split_at(length);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let length = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let factor: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            other => return Err(format!("time: unknown unit {other:?} in duration {text:?}")),
        };
        let whole: i128 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let fraction: i128 = format!("{fraction:0<15}")
            .get(..15)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
        nanoseconds = whole
            .checked_mul(factor)
            .and_then(|part| part.checked_add(fraction * factor / 1_000_000_000_000_000))
            .and_then(|part| nanoseconds.checked_add(part))
            .ok_or_else(invalid)?;
        rest = after;
    }
    let nanoseconds = i64::try_from(nanoseconds).map_err(|_| invalid())?;
    Ok(SignedDuration::from_nanos(if negative { -nanoseconds } else { nanoseconds }))
}

fn timeadd(args: &Args<'_>) -> Result<Value, Refusal> {
    let time = parse(args.str(0)).map_err(Refusal::call)?;
    let duration = duration(args.str(1)).map_err(Refusal::call)?;
    let later = time.checked_add(duration).map_err(|error| Refusal::call(error.to_string()))?;
    Ok(Value::string(rfc3339(&later)))
}

fn timecmp(args: &Args<'_>) -> Result<Value, Refusal> {
    let time = |at: usize| parse(args.str(at)).map_err(|why| Refusal::argument(at, why));
    Ok(Value::number(match time(0)?.timestamp().cmp(&time(1)?.timestamp()) {
        Ordering::Less => Number::from(-1),
        Ordering::Equal => Number::from(0),
        Ordering::Greater => Number::from(1),
    }))
}

fn formatdate(args: &Args<'_>) -> Result<Value, Refusal> {
    let time = parse(args.str(1)).map_err(|why| Refusal::argument(1, why))?;
    let mut out = String::new();
    let mut rest = args.str(0);
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (quoted, after) = quoted(rest)?;
            out.push_str(&quoted);
            rest = after;
            continue;
        }
        let length = rest.chars().take_while(|c| *c == first).map(char::len_utf8).sum();
        let (run, after) = rest.split_at(length);
        rest = after;
        if first.is_ascii_alphabetic() {
            out.push_str(&verb(run, first, &time)?);
        } else {
            out.push_str(run);
        }
    }
    Ok(Value::string(out))
}

/// Reads text in single quotes; two of them stand for one.
fn quoted(text: &str) -> Result<(String, &str), Refusal> {
    let mut out = String::new();
    let mut rest = text.get(1..).unwrap_or_default();
    if let Some(after) = rest.strip_prefix('\'') {
        return Ok(("'".to_owned(), after));
    }
    loop {
        let Some((part, after)) = rest.split_once('\'') else {
            return Err(Refusal::argument(0, "unterminated literal '"));
        };
        out.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok((out, after)),
        }
    }
}

fn verb(run: &str, letter: char, time: &ZonedDateTime) -> Result<String, Refusal> {
    let padded = |value: i32, length: usize| -> Option<String> {
        match length {
            1 => Some(value.to_string()),
            2 => Some(format!("{value:02}")),
            _ => None,
        }
    };
    let hour = i32::from(time.hour());
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let length = run.len();
    let text = match (letter, length) {
        ('Y', 2) => Some(format!("{:02}", time.year() % 100)),
        ('Y', 4) => Some(format!("{:04}", time.year())),
        ('M', 3) => Some(time.strftime("%b").to_string()),
        ('M', 4) => Some(time.strftime("%B").to_string()),
        ('M', _) => padded(time.month().into(), length),
        ('D', _) => padded(time.day().into(), length),
        ('E', 3) => Some(time.strftime("%a").to_string()),
        ('E', 4) => Some(time.strftime("%A").to_string()),
        ('h', _) => padded(hour, length),
        ('H', _) => padded(twelve, length),
        ('A', 2) => Some(if hour < 12 { "AM" } else { "PM" }.to_owned()),
        ('a', 2) => Some(if hour < 12 { "am" } else { "pm" }.to_owned()),
        ('m', _) => padded(time.minute().into(), length),
        ('s', _) => padded(time.second().into(), length),
        ('Z', 1) => Some(offset_text(time, true, "Z")),
        ('Z', 3) => Some(offset_text(time, false, "UTC")),
        ('Z', 4) => Some(offset_text(time, false, "")),
        ('Z', 5) => Some(offset_text(time, true, "")),
        _ => None,
    };
    text.ok_or_else(|| {
        let why = match letter {
            'Y' | 'M' | 'D' | 'E' | 'h' | 'H' | 'A' | 'a' | 'm' | 's' | 'Z' => {
                format!("invalid format verb {run:?}")
            }
            _ => format!("invalid format verb {run:?}: letters must be quoted in single quotes"),
        };
        Refusal::argument(0, why)
    })
}
