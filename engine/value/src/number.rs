//! Terraform's numbers: an `i64` where that is enough, else a shared binary float.

mod read;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dashu_int::UBig;
use dashu_int::ops::BitTest;

use crate::float::{Float, NotANumber, Size};
use crate::shortest;

/// Precision of a number that was written down: in source text, a string or JSON.
const WRITTEN_BITS: u32 = 512;
/// Precision of a number that counts something: a length, an index.
const COUNTED_BITS: u32 = 64;
/// Precision of the result of a float function.
const DOUBLE_BITS: u32 = 53;

/// A number with the precision Terraform gives it: 512 bits when written down, 64 when counted, 53
/// from float functions, the higher one after arithmetic. The infinities and −0 exist.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// Invariant: not more bits than the precision, so its digits are its text.
    Int {
        value: i64,
        bits: u32,
    },
    Big(Arc<Float>),
}

/// Why there is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// The text is no number.
    Syntax,
    /// The text has too many digits or too large an exponent.
    TooLarge,
    /// `+Inf + -Inf`.
    OpposingInfinities,
    /// `0 * Inf`.
    ZeroTimesInfinity,
    /// `0 / 0` or `Inf / Inf`.
    ZeroByZero,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "a number is required",
            Self::TooLarge => "the number has too many digits or too large an exponent",
            Self::OpposingInfinities => "can't compute sum of opposing infinities",
            Self::ZeroTimesInfinity => "can't multiply zero by infinity",
            Self::ZeroByZero => "can't divide zero by zero or infinity by infinity",
        })
    }
}

impl std::error::Error for NumberError {}

/// Arithmetic, rounded to the higher precision of the two.
impl Number {
    /// Adds.
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        if let Some(sum) = self.whole_with(other, i64::checked_add) {
            return Ok(sum);
        }
        self.with(other, Float::add, NumberError::OpposingInfinities)
    }

    /// Subtracts.
    pub fn sub(&self, other: &Self) -> Result<Self, NumberError> {
        if let Some(difference) = self.whole_with(other, i64::checked_sub) {
            return Ok(difference);
        }
        let subtract = |a: &Float, b: &Float, bits| a.add(&b.negated(), bits);
        self.with(other, subtract, NumberError::OpposingInfinities)
    }

    /// Multiplies.
    pub fn mul(&self, other: &Self) -> Result<Self, NumberError> {
        // A product of zero has a sign, which only floats know.
        let product = |a: i64, b: i64| a.checked_mul(b).filter(|product| *product != 0);
        if let Some(product) = self.whole_with(other, product) {
            return Ok(product);
        }
        self.with(other, Float::mul, NumberError::ZeroTimesInfinity)
    }

    /// Divides; by zero, the result is infinite.
    pub fn div(&self, other: &Self) -> Result<Self, NumberError> {
        let quotient = |a: i64, b: i64| {
            let divides = a != 0 && a.checked_rem(b) == Some(0);
            a.checked_div(b).filter(|_| divides)
        };
        if let Some(quotient) = self.whole_with(other, quotient) {
            return Ok(quotient);
        }
        self.with(other, Float::div, NumberError::ZeroByZero)
    }

    /// Returns the remainder of the division towards zero; by zero or an infinity, the number itself.
    pub fn rem(&self, other: &Self) -> Result<Self, NumberError> {
        if other.is_zero() || other.is_infinite() {
            return Ok(self.clone());
        }
        if let (Repr::Int { value: a, .. }, Repr::Int { value: b, bits }) = (&self.0, &other.0)
            && let Some(rest) = a.checked_rem(*b)
        {
            return Ok(Self::exact(rest, *bits));
        }
        let times = self.div(other)?.truncate();
        let bits = other.bits();
        let product = other.to_float().mul(&times.to_float(), bits);
        let product = product.map_err(|NotANumber| NumberError::ZeroTimesInfinity)?;
        let rest = self.to_float().add(&product.negated(), bits);
        rest.map(Self::from_float).map_err(|NotANumber| NumberError::OpposingInfinities)
    }

    /// Negates; `-0` of `0`.
    #[must_use]
    pub fn neg(&self) -> Self {
        match &self.0 {
            Repr::Int { value, bits } if *value != 0 && *value != i64::MIN => {
                Self::exact(-value, *bits)
            }
            _ => Self::from_float(self.to_float().negated()),
        }
    }

    /// Returns the absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() { self.neg() } else { self.clone() }
    }

    /// Returns the largest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Self {
        let cut = self.truncate();
        if cut > *self { cut.sub(&Self::from(1)).unwrap_or(cut) } else { cut }
    }

    /// Returns the smallest whole number that is not below it.
    #[must_use]
    pub fn ceil(&self) -> Self {
        let cut = self.truncate();
        if cut < *self { cut.add(&Self::from(1)).unwrap_or(cut) } else { cut }
    }

    /// Returns the whole part; an infinity stays.
    #[must_use]
    pub fn truncate(&self) -> Self {
        match &self.0 {
            Repr::Int { value, .. } => Self::exact(*value, COUNTED_BITS),
            Repr::Big(float) => match float.whole() {
                None => self.clone(),
                Some(whole) => Self::whole(float.negative, whole),
            },
        }
    }

    /// Raises to a power, as a double.
    #[must_use]
    pub fn pow(&self, power: &Self) -> Self {
        Self::from_f64(self.to_f64().powf(power.to_f64()))
    }

    fn whole_with(
        &self,
        other: &Self,
        operation: impl Fn(i64, i64) -> Option<i64>,
    ) -> Option<Self> {
        match (&self.0, &other.0) {
            (Repr::Int { value: a, bits: p }, Repr::Int { value: b, bits: q }) => {
                Some(Self::exact(operation(*a, *b)?, *p.max(q)))
            }
            _ => None,
        }
    }

    fn with(
        &self,
        other: &Self,
        operation: impl Fn(&Float, &Float, u32) -> Result<Float, NotANumber>,
        error: NumberError,
    ) -> Result<Self, NumberError> {
        let bits = self.bits().max(other.bits());
        let result = operation(&self.to_float(), &other.to_float(), bits);
        result.map(Self::from_float).map_err(|NotANumber| error)
    }
}

/// Accessors.
impl Number {
    /// Returns the nearest double.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            #[expect(clippy::cast_precision_loss, reason = "the cast rounds to nearest, as wanted")]
            Repr::Int { value, .. } => *value as f64,
            Repr::Big(float) => float.to_f64(),
        }
    }

    /// Returns the whole number, where it is one that fits.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int { value, .. } => Some(*value),
            Repr::Big(float) => {
                let size = i128::try_from(&float.integer()?).ok()?;
                i64::try_from(if float.negative { -size } else { size }).ok()
            }
        }
    }

    /// Returns the whole number, where it is one that fits.
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Int { value, .. } => u64::try_from(*value).ok(),
            Repr::Big(float) => {
                let size = float.integer()?;
                if float.negative && !size.is_zero() { None } else { u64::try_from(&size).ok() }
            }
        }
    }

    /// Returns whether it is a whole number; an infinity is none.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int { .. } => true,
            Repr::Big(float) => float.is_integer(),
        }
    }

    /// Returns whether it is one of the infinities.
    pub fn is_infinite(&self) -> bool {
        matches!(&self.0, Repr::Big(float) if matches!(float.size, Size::Infinite))
    }

    /// Returns whether it is 0 or −0.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Int { value, .. } => *value == 0,
            Repr::Big(float) => matches!(float.size, Size::Zero),
        }
    }

    /// Returns whether it has a minus sign.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Int { value, .. } => *value < 0,
            Repr::Big(float) => float.negative,
        }
    }

    /// Writes a whole number in a base from 2 to 36, in lower case; none where it is not whole.
    pub fn to_radix(&self, radix: u8) -> Option<String> {
        let size = match &self.0 {
            Repr::Int { value, .. } => UBig::from(value.unsigned_abs()),
            Repr::Big(float) => float.integer()?,
        };
        if !(2..=36).contains(&radix) {
            return None;
        }
        let digits = size.in_radix(radix).to_string();
        Some(if self.is_negative() { format!("-{digits}") } else { digits })
    }

    /// Returns the text by which cty orders numbers inside elements of sets.
    pub(crate) fn ten_digits(&self) -> String {
        match &self.0 {
            Repr::Int { value, .. } if value.unsigned_abs() < 10_000_000_000 => value.to_string(),
            _ => shortest::ten_digits(&self.to_float()),
        }
    }

    pub(crate) fn bits(&self) -> u32 {
        match &self.0 {
            Repr::Int { bits, .. } => *bits,
            Repr::Big(float) => float.bits,
        }
    }
}

/// Between the two representations.
impl Number {
    fn exact(value: i64, bits: u32) -> Self {
        if 64 - value.unsigned_abs().leading_zeros() <= bits {
            Self(Repr::Int { value, bits })
        } else {
            Self::from_float(Float::from_i64(value, bits))
        }
    }

    fn whole(negative: bool, whole: UBig) -> Self {
        let bits = u32::try_from(whole.bit_len()).unwrap_or(u32::MAX).max(COUNTED_BITS);
        Self::from_float(Float::rounded(negative, whole, 0, bits, false))
    }

    fn from_float(float: Float) -> Self {
        let size = match &float.size {
            Size::Zero if !float.negative => Some(0),
            Size::Finite { exponent: 0..=62, .. } => {
                float.whole().and_then(|size| i64::try_from(&size).ok())
            }
            _ => None,
        };
        match size {
            Some(size) if 64 - size.leading_zeros() <= float.bits => {
                let value = if float.negative { -size } else { size };
                Self(Repr::Int { value, bits: float.bits })
            }
            _ => Self(Repr::Big(Arc::new(float))),
        }
    }

    fn to_float(&self) -> Float {
        match &self.0 {
            Repr::Int { value, bits } => Float::from_i64(*value, *bits),
            Repr::Big(float) => Float::clone(float),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders by value; 0 and −0 are equal, and so are equal values of different precision.
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int { value: a, .. }, Repr::Int { value: b, .. }) => a.cmp(b),
            (Repr::Big(a), Repr::Big(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            _ => self.to_float().compare(&other.to_float()),
        }
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal values have one nearest double.
        let double = if self.is_zero() { 0.0 } else { self.to_f64() };
        double.to_bits().hash(state);
    }
}

/// Prints as Terraform does: no exponent, the shortest digits that read back.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int { value, .. } => write!(f, "{value}"),
            Repr::Big(float) => f.write_str(&shortest::plain(float)),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
