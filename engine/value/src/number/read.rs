//! Where numbers come from: text, doubles, integers.

use std::sync::Arc;

use dashu_int::UBig;

use super::{COUNTED_BITS, DOUBLE_BITS, Number, NumberError, Repr, WRITTEN_BITS};
use crate::float::Float;
use crate::shortest;

/// Longest text of a number: far beyond any real one, short enough to convert at once.
const TEXT_LIMIT: usize = 100_000;
/// Largest decimal exponent, for the same reason: each step is a digit to write.
const EXPONENT_LIMIT: i64 = 100_000;

/// Reading.
impl Number {
    /// Zero, as written down.
    pub const ZERO: Self = Self(Repr::Int { value: 0, bits: WRITTEN_BITS });

    /// Parses decimal text: a literal, a string that becomes a number, JSON.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.len() > TEXT_LIMIT {
            return Err(NumberError::TooLarge);
        }
        let negative = text.starts_with('-');
        let body = text.strip_prefix(['-', '+']).unwrap_or(text);
        if body == "Inf" || body == "inf" {
            return Ok(Self::infinity(negative));
        }
        if is_digits(body) && body.len() <= 18 {
            let value: i64 = body.parse().map_err(|_| NumberError::Syntax)?;
            if value != 0 || !negative {
                let value = if negative { -value } else { value };
                return Ok(Self(Repr::Int { value, bits: WRITTEN_BITS }));
            }
        }
        parse_float(negative, body).map(Self::from_float)
    }

    /// Parses a whole number in a base from 2 to 36; both letter cases count as digits.
    pub fn parse_radix(text: &str, radix: u32) -> Result<Self, NumberError> {
        if text.len() > TEXT_LIMIT {
            return Err(NumberError::TooLarge);
        }
        let negative = text.starts_with('-');
        let body = text.strip_prefix(['-', '+']).unwrap_or(text);
        let sound = (2..=36).contains(&radix) && !body.is_empty();
        if !sound || !body.chars().all(|c| c.is_digit(radix)) {
            return Err(NumberError::Syntax);
        }
        let whole = UBig::from_str_radix(body, radix).map_err(|_| NumberError::Syntax)?;
        Ok(Self::whole(negative && !whole.is_zero(), whole))
    }

    /// Parses decimal text at a precision of its own.
    pub(crate) fn parse_with_bits(text: &str, bits: u32) -> Result<Self, NumberError> {
        if bits <= WRITTEN_BITS {
            return Ok(Self::from_float(Self::parse(text)?.to_float().with_bits(bits)));
        }
        let negative = text.starts_with('-');
        let body = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, scale) = parse_decimal(body)?;
        Ok(Self::from_float(shortest::scaled(negative, mantissa, scale, bits)))
    }

    /// Returns the number of a double; none for NaN.
    pub fn checked_from_f64(value: f64) -> Option<Self> {
        let negative = value.is_sign_negative();
        if value.is_nan() {
            return None;
        }
        if value.is_infinite() {
            return Some(Self::infinity(negative));
        }
        let raw = value.to_bits();
        let fraction = raw & ((1 << 52) - 1);
        let stored = i64::try_from((raw >> 52) & 0x7ff).unwrap_or(0);
        let mantissa = if stored == 0 { fraction } else { fraction | (1 << 52) };
        let exponent = stored.max(1) - 1075;
        let float = Float::rounded(negative, UBig::from(mantissa), exponent, DOUBLE_BITS, false);
        Some(Self::from_float(float))
    }

    /// Returns the number of a double, at the precision of one. NaN, which no function here
    /// yields, becomes 0.
    pub fn from_f64(value: f64) -> Self {
        Self::checked_from_f64(value).unwrap_or(Self::ZERO)
    }

    /// Returns `+Inf` or `-Inf`.
    pub fn infinity(negative: bool) -> Self {
        Self(Repr::Big(Arc::new(Float::infinite(negative, WRITTEN_BITS))))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_float(negative: bool, body: &str) -> Result<Float, NumberError> {
    let (mantissa, scale) = parse_decimal(body)?;
    Ok(shortest::scaled(negative, mantissa, scale, WRITTEN_BITS))
}

/// Reads `mantissa × 10^scale`.
fn parse_decimal(body: &str) -> Result<(UBig, i64), NumberError> {
    let (digits, power) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], parse_exponent(&body[at + 1..])?),
        None => (body, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    if !is_digits(&all) {
        return Err(NumberError::Syntax);
    }
    let mantissa = UBig::from_str_radix(&all, 10).map_err(|_| NumberError::Syntax)?;
    Ok((mantissa, power - i64::try_from(fraction.len()).unwrap_or(i64::MAX)))
}

fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !is_digits(body) {
        return Err(NumberError::Syntax);
    }
    let power: i64 = body.parse().map_err(|_| NumberError::TooLarge)?;
    if power > EXPONENT_LIMIT {
        return Err(NumberError::TooLarge);
    }
    Ok(if text.starts_with('-') { -power } else { power })
}

macro_rules! from_integers {
    ($($small:ty),*) => {$(
        impl From<$small> for Number {
            fn from(value: $small) -> Self {
                Self(Repr::Int { value: i64::from(value), bits: COUNTED_BITS })
            }
        }
    )*};
}

from_integers!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::whole(false, UBig::from(value))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::whole(false, UBig::from(value))
    }
}
