//! Arithmetic and text of numbers.

use proptest::prelude::*;
use terrarium_value::{Number, NumberError};

fn number(text: &str) -> Number {
    Number::parse(text).expect("a number")
}

#[test]
fn arithmetic_prints_as_measured() {
    let two = number("2");
    let rows = [
        (number("0.1").add(&number("0.2")), "0.3"),
        (number("1").div(&number("0")), "+Inf"),
        (number("-1").div(&number("0")), "-Inf"),
        (number("-7").rem(&number("3")), "-1"),
        (number("7.5").rem(&two), "1.5"),
        (number("5").rem(&number("2.5")), "0"),
        (number("1e30").rem(&number("7")), "1"),
        (number("1").rem(&number("0")), "1"),
        (number("0").mul(&number("-5")), "-0"),
        (Number::from(1).div(&Number::from(3)), "0.33333333333333333334"),
        (Ok(two.pow(&number("64"))), "18446744073709550000"),
        (Ok(two.pow(&number("62"))), "4611686018427388000"),
        (Ok(two.pow(&number("100"))), "1267650600228229400000000000000"),
        (two.pow(&number("53")).add(&number("0.5")), "9007199254740992.5"),
        (number("3").pow(&number("40")).add(&number("1")), "12157665459056928769"),
        (Ok(number("-0.5").floor()), "-1"),
        (Ok(number("1.5").ceil()), "2"),
        (Ok(number("0").neg()), "-0"),
        (
            number("5").rem(&number("0.3")),
            "0.19999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999976",
        ),
        (
            number("1.5e-10").div(&number("3")),
            "0.000000000050000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002",
        ),
        (
            number("1").div(&number("3")),
            "0.33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333335",
        ),
        (number("9223372036854775807").add(&number("1")), "9223372036854775808"),
    ];
    for (result, text) in rows {
        assert_eq!(result.expect("a result").to_string(), text);
    }
}

#[test]
fn undefined_results_are_errors() {
    let (zero, infinite) = (number("0"), number("Inf"));
    assert_eq!(zero.div(&zero), Err(NumberError::ZeroByZero));
    assert_eq!(zero.mul(&infinite), Err(NumberError::ZeroTimesInfinity));
    assert_eq!(infinite.sub(&infinite), Err(NumberError::OpposingInfinities));
}

#[test]
fn texts_that_are_no_numbers() {
    for text in ["", "-", "abc", "0x1F", "1 ", "1_000", "infinity", "1e", ".", "--1", "é"] {
        assert_eq!(Number::parse(text), Err(NumberError::Syntax), "{text}");
    }
    assert_eq!(Number::parse("1e999999999999"), Err(NumberError::TooLarge));
    for (text, printed) in
        [("5.", "5"), (".5", "0.5"), ("1E5", "100000"), ("+3", "3"), ("007", "7")]
    {
        assert_eq!(number(text).to_string(), printed);
    }
}

#[test]
fn integers_fit_or_do_not() {
    assert_eq!(number("9223372036854775807").to_i64(), Some(i64::MAX));
    assert_eq!(number("-9223372036854775808").to_i64(), Some(i64::MIN));
    assert_eq!(number("9223372036854775808").to_i64(), None);
    assert_eq!(number("18446744073709551615").to_u64(), Some(u64::MAX));
    assert_eq!(number("1.5").to_i64(), None);
    assert_eq!(number("-1").to_u64(), None);
    assert_eq!(Number::parse_radix("zz", 36).map(|n| n.to_string()), Ok("1295".into()));
    assert_eq!(number("-255").to_radix(16).as_deref(), Some("-ff"));
}

proptest! {
    #[test]
    fn text_reads_back(mantissa in any::<i64>(), scale in -40i32..40) {
        let first = number(&format!("{mantissa}e{scale}"));
        prop_assert_eq!(number(&first.to_string()), first);
    }

    #[test]
    fn doubles_survive(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
        let there = Number::from_f64(value);
        prop_assert_eq!(there.to_f64().to_bits(), value.to_bits());
        prop_assert_eq!(there.to_string().parse::<f64>().ok(), Some(value));
    }

    #[test]
    fn order_is_that_of_integers(a in any::<i64>(), b in any::<i64>(), c in any::<i32>()) {
        let big = |value: i64| number(&format!("{value}.5"));
        prop_assert_eq!(number(&a.to_string()).cmp(&number(&b.to_string())), a.cmp(&b));
        if a != b && (a < 0) == (b < 0) && a >= 0 {
            prop_assert_eq!(big(a).cmp(&big(b)), a.cmp(&b));
        }
        let sum = number(&a.to_string()).add(&Number::from(c)).expect("finite");
        prop_assert_eq!(sum.to_string(), (i128::from(a) + i128::from(c)).to_string());
    }
}
