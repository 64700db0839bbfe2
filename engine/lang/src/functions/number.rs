//! Numbers.

use std::cmp::Ordering;

use terrarium_value::{Kind, Number, Type, Value, convert};

use super::{Args, Function, NUMBER, Refusal, Returns, any, function, number};

pub(super) const FUNCTIONS: &[Function] = &[
    function("abs", &[number("num")], NUMBER, |args| Ok(Value::number(args.number(0).abs())),
        "Returns the absolute value of `num`."),
    function("ceil", &[number("num")], NUMBER, ceil,
        "Returns the smallest whole number that is at least `num`."),
    function("floor", &[number("num")], NUMBER, |args| Ok(Value::number(args.number(0).floor())),
        "Returns the largest whole number that is at most `num`."),
    function("log", &[number("num"), number("base")], NUMBER, log,
        "Returns the logarithm of `num` to `base`."),
    function("max", &[], NUMBER, |args| extreme(args, Ordering::Greater),
        "Returns the largest of the `numbers`.").variadic(number("numbers")),
    function("min", &[], NUMBER, |args| extreme(args, Ordering::Less),
        "Returns the smallest of the `numbers`.").variadic(number("numbers")),
    function("parseint", &[any("number"), number("base")], NUMBER, parseint,
        "Reads the text `number` as a whole number to `base`, 2 to 62."),
    function("pow", &[number("num"), number("power")], NUMBER, pow,
        "Returns `num` to the `power`."),
    function("signum", &[number("num")], NUMBER, signum,
        "Returns -1, 0 or 1: the sign of `num`."),
    function("sum", &[any("list").deep()], NUMBER, sum,
        "Returns the sum of the numbers in `list`."),
    function("range", &[], Returns::Of(|_| Ok(Type::list(Type::Number))), range,
        "Returns numbers from a start (0) to a limit, which is left out, by steps (1): `params` are limit; start and \
         limit; or start, limit and step.").variadic(number("params")),
];

fn float(value: f64) -> Result<Value, Refusal> {
    let number = Number::checked_from_f64(value)
        .ok_or_else(|| Refusal::call("the result is not a number"))?;
    Ok(Value::number(number))
}

fn log(args: &Args<'_>) -> Result<Value, Refusal> {
    float(args.number(0).to_f64().ln() / args.number(1).to_f64().ln())
}

fn pow(args: &Args<'_>) -> Result<Value, Refusal> {
    float(args.number(0).to_f64().powf(args.number(1).to_f64()))
}

fn extreme(args: &Args<'_>, wanted: Ordering) -> Result<Value, Refusal> {
    let mut numbers = args.values.iter().filter_map(Value::as_number);
    let first = numbers.next().ok_or_else(|| Refusal::call("must pass at least one number"))?;
    let best =
        numbers.fold(first, |best, number| if number.cmp(best) == wanted { number } else { best });
    Ok(Value::number(best.clone()))
}

fn parseint(args: &Args<'_>) -> Result<Value, Refusal> {
    let Some(text) = args.value(0).as_str() else {
        let why =
            format!("first argument must be a string, not {}", args.value(0).ty().friendly_name());
        return Err(Refusal::argument(0, why));
    };
    let base = args
        .number(1)
        .to_u64()
        .and_then(|base| u32::try_from(base).ok())
        .filter(|base| (2..=62).contains(base));
    let base = base.ok_or_else(|| {
        Refusal::argument(1, "base must be a whole number between 2 and 62 inclusive")
    })?;
    let parsed =
        if base > 36 { large_radix(text, base) } else { Number::parse_radix(text, base).ok() };
    parsed.map(Value::number).ok_or_else(|| {
        Refusal::argument(0, format!("cannot parse {text:?} as a base {base} integer"))
    })
}

/// Above 36, upper case letters are digits of their own, after the lower case ones.
fn large_radix(text: &str, base: u32) -> Option<Number> {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
    if digits.is_empty() {
        return None;
    }
    let mut number = Number::from(0);
    for digit in digits.bytes() {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'z' => digit - b'a' + 10,
            b'A'..=b'Z' => digit - b'A' + 36,
            _ => return None,
        };
        if u32::from(digit) >= base {
            return None;
        }
        let scaled = number.mul(&Number::from(i64::from(base))).ok()?;
        number = scaled.add(&Number::from(i64::from(digit))).ok()?;
    }
    Some(if negative { number.neg() } else { number })
}

/// Zero without a sign: `ceil(-0.5)` is 0.
fn ceil(args: &Args<'_>) -> Result<Value, Refusal> {
    let number = args.number(0).ceil();
    Ok(Value::number(if number.is_zero() { Number::from(0) } else { number }))
}

fn signum(args: &Args<'_>) -> Result<Value, Refusal> {
    args.whole(0).map(|number| Value::number(number.signum()))
}

fn sum(args: &Args<'_>) -> Result<Value, Refusal> {
    let list = args.value(0);
    let items = match list.kind() {
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => items,
        Kind::Map(_) | Kind::Object(_) => {
            let ty = list.ty().friendly_name();
            let why = format!("argument must be list, set, or tuple. Received {ty}");
            return Err(Refusal::argument(0, why));
        }
        _ => return Err(Refusal::argument(0, "cannot sum noniterable")),
    };
    if items.is_empty() {
        return Err(Refusal::argument(0, "cannot sum an empty list"));
    }
    let wrong = || Refusal::argument(0, "argument must be list, set, or tuple of number values");
    let mut total = Number::from(0);
    for item in items {
        let item = convert(item, &Type::Number).map_err(|_| wrong())?;
        let number = item.as_number().ok_or_else(wrong)?;
        total = total.add(number).map_err(|error| Refusal::call(error.to_string()))?;
    }
    Ok(Value::number(total))
}

/// The largest result of `range`.
const RANGE_LIMIT: usize = 1024;

fn range(args: &Args<'_>) -> Result<Value, Refusal> {
    let zero = || Number::from(0);
    let (start, end, step) = match args.len() {
        1 => (zero(), args.number(0), None),
        2 => (args.number(0), args.number(1), None),
        3 => (args.number(0), args.number(1), Some(args.number(2))),
        _ => return Err(Refusal::call("must have one, two, or three arguments")),
    };
    let down = step.as_ref().map_or(end < start, Number::is_negative);
    let step = step.unwrap_or_else(|| Number::from(if down { -1 } else { 1 }));
    if step.is_zero() {
        return Err(Refusal::argument(2, "step must not be zero"));
    }
    if args.len() == 3 && down && end > start {
        return Err(Refusal::argument(1, "end must be less than start when step is negative"));
    }
    if args.len() == 3 && !down && end < start {
        return Err(Refusal::argument(1, "end must be greater than start when step is positive"));
    }
    let mut items = Vec::new();
    let mut next = start;
    while if down { next > end } else { next < end } {
        if items.len() >= RANGE_LIMIT {
            let why = format!(
                "more than {RANGE_LIMIT} values were generated; either decrease the difference between start and end \
                 or use a smaller step"
            );
            return Err(Refusal::call(why));
        }
        items.push(Value::number(next.clone()));
        next = next.add(&step).map_err(|error| Refusal::call(error.to_string()))?;
    }
    Ok(Value::list(Type::Number, items))
}
