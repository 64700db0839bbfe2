//! Binary floats that carry their own precision, rounded half to even as Terraform's are.
//!
//! Addition, multiplication and division are exact before one rounding, so a result never depends
//! on how it was computed.

use std::cmp::Ordering;

use dashu_int::UBig;
use dashu_int::ops::{BitTest, DivRem};

/// Sign, magnitude and the precision that arithmetic rounds to.
#[derive(Clone, Debug)]
pub(crate) struct Float {
    pub(crate) negative: bool,
    pub(crate) size: Size,
    pub(crate) bits: u32,
}

/// The magnitude of a [`Float`].
#[derive(Clone, Debug)]
pub(crate) enum Size {
    Zero,
    /// `mantissa × 2^exponent`. Invariant: the mantissa is odd.
    Finite {
        mantissa: UBig,
        exponent: i64,
    },
    Infinite,
}

/// An operation whose result is not a number.
pub(crate) struct NotANumber;

impl Float {
    /// Builds `mantissa × 2^exponent`, rounded to `bits`; `sticky` says that a little more was cut off.
    pub(crate) fn rounded(
        negative: bool,
        mantissa: UBig,
        exponent: i64,
        bits: u32,
        sticky: bool,
    ) -> Self {
        let (mut mantissa, mut exponent) = (mantissa, exponent);
        let excess = mantissa.bit_len().saturating_sub(bits as usize);
        if excess > 0 {
            let half = mantissa.bit(excess - 1);
            let rest = sticky || mantissa.trailing_zeros().is_some_and(|zeros| zeros < excess - 1);
            let odd = mantissa.bit(excess);
            mantissa >>= excess;
            exponent += shift(excess);
            if half && (rest || odd) {
                mantissa += 1u8;
            }
        }
        let size = match mantissa.trailing_zeros() {
            None => Size::Zero,
            Some(zeros) => {
                Size::Finite { mantissa: mantissa >> zeros, exponent: exponent + shift(zeros) }
            }
        };
        Self { negative, size, bits }
    }

    pub(crate) fn zero(negative: bool, bits: u32) -> Self {
        Self { negative, size: Size::Zero, bits }
    }

    pub(crate) fn infinite(negative: bool, bits: u32) -> Self {
        Self { negative, size: Size::Infinite, bits }
    }

    pub(crate) fn from_i64(value: i64, bits: u32) -> Self {
        Self::rounded(value < 0, UBig::from(value.unsigned_abs()), 0, bits, false)
    }

    pub(crate) fn negated(&self) -> Self {
        Self { negative: !self.negative, ..self.clone() }
    }

    /// Returns this value rounded to `bits`.
    pub(crate) fn with_bits(&self, bits: u32) -> Self {
        match &self.size {
            Size::Finite { mantissa, exponent } => {
                Self::rounded(self.negative, mantissa.clone(), *exponent, bits, false)
            }
            size => Self { negative: self.negative, size: size.clone(), bits },
        }
    }

    /// Adds, rounding to `bits`.
    pub(crate) fn add(&self, other: &Self, bits: u32) -> Result<Self, NotANumber> {
        match (&self.size, &other.size) {
            (Size::Infinite, Size::Infinite) if self.negative != other.negative => Err(NotANumber),
            (Size::Infinite, _) => Ok(Self::infinite(self.negative, bits)),
            (_, Size::Infinite) => Ok(Self::infinite(other.negative, bits)),
            (Size::Zero, Size::Zero) => Ok(Self::zero(self.negative && other.negative, bits)),
            (Size::Zero, _) => Ok(other.with_bits(bits)),
            (_, Size::Zero) => Ok(self.with_bits(bits)),
            (
                Size::Finite { mantissa: left, exponent: at },
                Size::Finite { mantissa: right, exponent: beside },
            ) => Ok(add_finite((self.negative, left, *at), (other.negative, right, *beside), bits)),
        }
    }

    /// Multiplies, rounding to `bits`.
    pub(crate) fn mul(&self, other: &Self, bits: u32) -> Result<Self, NotANumber> {
        let negative = self.negative != other.negative;
        match (&self.size, &other.size) {
            (Size::Infinite, Size::Zero) | (Size::Zero, Size::Infinite) => Err(NotANumber),
            (Size::Infinite, _) | (_, Size::Infinite) => Ok(Self::infinite(negative, bits)),
            (Size::Zero, _) | (_, Size::Zero) => Ok(Self::zero(negative, bits)),
            (
                Size::Finite { mantissa: left, exponent: at },
                Size::Finite { mantissa: right, exponent: beside },
            ) => Ok(Self::rounded(negative, left * right, at + beside, bits, false)),
        }
    }

    /// Divides, rounding to `bits`; a division by zero is infinite.
    pub(crate) fn div(&self, other: &Self, bits: u32) -> Result<Self, NotANumber> {
        let negative = self.negative != other.negative;
        match (&self.size, &other.size) {
            (Size::Infinite, Size::Infinite) | (Size::Zero, Size::Zero) => Err(NotANumber),
            (Size::Infinite, _) | (_, Size::Zero) => Ok(Self::infinite(negative, bits)),
            (Size::Zero, _) | (_, Size::Infinite) => Ok(Self::zero(negative, bits)),
            (
                Size::Finite { mantissa: left, exponent: at },
                Size::Finite { mantissa: right, exponent: beside },
            ) => {
                let wanted = bits as usize + 2 + right.bit_len();
                let up = wanted.saturating_sub(left.bit_len());
                let (quotient, rest) = (left << up).div_rem(right);
                let exponent = at - beside - shift(up);
                Ok(Self::rounded(negative, quotient, exponent, bits, !rest.is_zero()))
            }
        }
    }

    /// Returns the whole part, towards zero; none for an infinity.
    pub(crate) fn whole(&self) -> Option<UBig> {
        match &self.size {
            Size::Infinite => None,
            Size::Zero => Some(UBig::ZERO),
            Size::Finite { mantissa, exponent } => Some(match usize::try_from(*exponent) {
                Ok(up) => mantissa << up,
                Err(_) => {
                    mantissa >> usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX)
                }
            }),
        }
    }

    /// Returns the magnitude where it is whole.
    pub(crate) fn integer(&self) -> Option<UBig> {
        if self.is_integer() { self.whole() } else { None }
    }

    pub(crate) fn is_integer(&self) -> bool {
        match &self.size {
            Size::Zero => true,
            Size::Finite { exponent, .. } => *exponent >= 0,
            Size::Infinite => false,
        }
    }

    /// Returns the position of the leading bit: the value is below `2^order`.
    fn order(mantissa: &UBig, exponent: i64) -> i64 {
        exponent.saturating_add(shift(mantissa.bit_len()))
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        match (&self.size, &other.size) {
            (Size::Infinite, Size::Infinite) | (Size::Zero, Size::Zero) => Ordering::Equal,
            (Size::Infinite, _) | (_, Size::Zero) => Ordering::Greater,
            (_, Size::Infinite) | (Size::Zero, _) => Ordering::Less,
            (
                Size::Finite { mantissa: left, exponent: at },
                Size::Finite { mantissa: right, exponent: beside },
            ) => Self::order(left, *at).cmp(&Self::order(right, *beside)).then_with(|| {
                let low = (*at).min(*beside);
                raised(left, at - low).cmp(&raised(right, beside - low))
            }),
        }
    }

    /// Compares by value; the two zeros are equal.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let sign = |float: &Self| match (&float.size, float.negative) {
            (Size::Zero, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let by_size = self.cmp_size(other);
            if self.negative { by_size.reverse() } else { by_size }
        })
    }

    /// Returns the nearest double.
    pub(crate) fn to_f64(&self) -> f64 {
        let size = match &self.size {
            Size::Zero => 0.0,
            Size::Infinite => f64::INFINITY,
            Size::Finite { mantissa, exponent } => nearest_double(mantissa, *exponent),
        };
        if self.negative { -size } else { size }
    }
}

/// Bits as an exponent; a mantissa never comes near the limit.
fn shift(bits: usize) -> i64 {
    i64::try_from(bits).unwrap_or(i64::MAX)
}

fn raised(mantissa: &UBig, by: i64) -> UBig {
    mantissa << usize::try_from(by).unwrap_or(0)
}

fn add_finite(left: (bool, &UBig, i64), right: (bool, &UBig, i64), bits: u32) -> Float {
    let (high, low) = if Float::order(left.1, left.2) >= Float::order(right.1, right.2) {
        (left, right)
    } else {
        (right, left)
    };
    // A summand far below the last bit only breaks ties: one bit in its place does the same, and
    // keeps `1e90000 + 1` from shifting by 300,000 bits.
    let floor = Float::order(high.1, high.2) - shift(bits as usize) - 3;
    let floor = floor.min(high.2 - 1);
    let one = UBig::from(1u8);
    let low = if Float::order(low.1, low.2) < floor { (low.0, &one, floor - 1) } else { low };
    let base = high.2.min(low.2);
    let (great, small) = (raised(high.1, high.2 - base), raised(low.1, low.2 - base));
    if high.0 == low.0 {
        return Float::rounded(high.0, great + small, base, bits, false);
    }
    match great.cmp(&small) {
        Ordering::Equal => Float::zero(false, bits),
        Ordering::Greater => Float::rounded(high.0, great - small, base, bits, false),
        Ordering::Less => Float::rounded(low.0, small - great, base, bits, false),
    }
}

fn nearest_double(mantissa: &UBig, exponent: i64) -> f64 {
    // A double has 53 bits, fewer below 2^-1022, where its last bit is 2^-1074.
    let order = Float::order(mantissa, exponent);
    let bits = u32::try_from((order + 1074).clamp(0, 53)).unwrap_or(53);
    if order > 1024 {
        return f64::INFINITY;
    }
    if bits == 0 {
        return if order == -1074 && mantissa.bit_len() > 1 { f64::from_bits(1) } else { 0.0 };
    }
    let rounded = Float::rounded(false, mantissa.clone(), exponent, bits, false);
    let Size::Finite { mantissa, exponent } = rounded.size else { return 0.0 };
    let digits = u64::try_from(&mantissa).unwrap_or(u64::MAX);
    // Both steps are exact: the digits fit, and each factor is a power of two within range.
    #[expect(clippy::cast_precision_loss, reason = "at most 53 bits")]
    let digits = digits as f64;
    let exponent = i32::try_from(exponent).unwrap_or(i32::MIN);
    let first = exponent.clamp(-1000, 900);
    digits * 2f64.powi(first) * 2f64.powi(exponent - first)
}
