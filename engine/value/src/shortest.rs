//! Decimal text of a float: the shortest that reads back as the same float at its precision.
//!
//! The rounding follows Go's `math/big`, down to what it does at powers of two (it does not narrow
//! the lower bound there), because that text is what Terraform shows and stores.

use dashu_int::UBig;
use dashu_int::ops::BitTest;

use crate::float::{Float, Size};

/// Decimal digits with a point: `0.d₀d₁d₂… × 10^point`.
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

/// Writes the number without exponent, as Terraform prints numbers everywhere.
pub(crate) fn plain(float: &Float) -> String {
    let sign = if float.negative { "-" } else { "" };
    let (mantissa, exponent) = match &float.size {
        Size::Zero => return format!("{sign}0"),
        Size::Infinite => return if float.negative { "-Inf".into() } else { "+Inf".into() },
        Size::Finite { mantissa, exponent } => (mantissa, *exponent),
    };
    let decimal = shortest(mantissa, exponent, float.bits);
    let mut text = String::from(sign);
    let digit = |at: i64| {
        usize::try_from(at).ok().and_then(|at| decimal.digits.get(at)).copied().unwrap_or(b'0')
    };
    if decimal.point <= 0 {
        text.push('0');
    }
    for at in 0..decimal.point {
        text.push(char::from(digit(at)));
    }
    let length = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX);
    if length > decimal.point {
        text.push('.');
        for at in decimal.point..length {
            text.push(char::from(digit(at)));
        }
    }
    text
}

/// Writes the number with ten significant digits, as `%.10g`: cty's order of sets is that of this text.
pub(crate) fn ten_digits(float: &Float) -> String {
    const DIGITS: i64 = 10;
    let (mantissa, exponent) = match &float.size {
        Size::Zero | Size::Infinite => return plain(float),
        Size::Finite { mantissa, exponent } => (mantissa, *exponent),
    };
    let mut decimal = exact(mantissa, exponent);
    decimal.round(10);
    let sign = if float.negative { "-" } else { "" };
    let length = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX);
    let limit = if DIGITS > length && length >= decimal.point { length } else { DIGITS };
    let power = decimal.point - 1;
    if (-4..limit).contains(&power) {
        let rounded = Float { negative: float.negative, ..decimal.to_float() };
        return plain(&rounded);
    }
    let (first, rest) =
        decimal.digits.split_first().map_or((b'0', &[][..]), |(first, rest)| (*first, rest));
    let fraction: String = rest.iter().map(|digit| char::from(*digit)).collect();
    let dot = if fraction.is_empty() { "" } else { "." };
    let mark = if power < 0 { '-' } else { '+' };
    format!("{sign}{}{dot}{fraction}e{mark}{:02}", char::from(first), power.unsigned_abs())
}

fn shortest(mantissa: &UBig, exponent: i64, bits: u32) -> Decimal {
    let mut decimal = exact(mantissa, exponent);
    // The mantissa with one bit more than the precision: its last bit is half a unit.
    let up = (bits as usize + 1).saturating_sub(mantissa.bit_len());
    let wide = mantissa << up;
    let down = exponent - i64::try_from(up).unwrap_or(i64::MAX);
    let lower = exact(&(&wide - 1u8), down);
    let upper = exact(&(&wide + 1u8), down);
    let inclusive = !wide.bit(1);
    for at in 0..decimal.digits.len() {
        let middle = decimal.at(at);
        let (low, high) = (lower.at(at), upper.at(at));
        let may_drop = low != middle || inclusive && at + 1 == lower.digits.len();
        let may_raise =
            middle != high && (inclusive || middle + 1 < high || at + 1 < upper.digits.len());
        match (may_drop, may_raise) {
            (true, true) => decimal.round(at + 1),
            (true, false) => decimal.cut(at + 1),
            (false, true) => decimal.raise(at + 1),
            (false, false) => continue,
        }
        break;
    }
    decimal
}

/// Returns all digits of `mantissa × 2^exponent`.
fn exact(mantissa: &UBig, exponent: i64) -> Decimal {
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
    let (whole, point) = if exponent >= 0 {
        (mantissa << places, 0)
    } else {
        (mantissa * UBig::from(5u8).pow(places), exponent)
    };
    let digits = whole.to_string().into_bytes();
    let point = point + i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let mut decimal = Decimal { digits, point };
    decimal.trim();
    decimal
}

impl Decimal {
    fn at(&self, at: usize) -> u8 {
        self.digits.get(at).copied().unwrap_or(b'0')
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
    }

    fn round(&mut self, length: usize) {
        let Some(&next) = self.digits.get(length) else { return };
        let half = next == b'5' && length + 1 == self.digits.len();
        let up = if half { length > 0 && self.at(length - 1) % 2 == 1 } else { next >= b'5' };
        if up { self.raise(length) } else { self.cut(length) }
    }

    fn cut(&mut self, length: usize) {
        self.digits.truncate(length);
        self.trim();
    }

    fn raise(&mut self, length: usize) {
        if length >= self.digits.len() {
            return;
        }
        self.digits.truncate(length);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        if let Some(last) = self.digits.last_mut() {
            *last += 1;
        } else {
            self.digits.push(b'1');
            self.point += 1;
        }
    }

    /// Returns a float of enough precision that its shortest text is these digits.
    fn to_float(&self) -> Float {
        let digits: String = self.digits.iter().map(|digit| char::from(*digit)).collect();
        let scale = self.point - i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let whole = UBig::from_str_radix(&digits, 10).unwrap_or(UBig::ZERO);
        scaled(false, whole, scale, 512)
    }
}

/// Builds `whole × 10^scale`, rounded once.
pub(crate) fn scaled(negative: bool, whole: UBig, scale: i64, bits: u32) -> Float {
    if whole.is_zero() {
        return Float::zero(negative, bits);
    }
    let places = usize::try_from(scale.unsigned_abs()).unwrap_or(usize::MAX);
    let power = UBig::from(5u8).pow(places);
    if scale >= 0 {
        return Float::rounded(negative, whole * power, scale, bits, false);
    }
    let raised = Float::rounded(negative, whole, 0, u32::MAX, false);
    let divisor = Float::rounded(false, power, 0, u32::MAX, false);
    let quotient = raised.div(&divisor, bits).unwrap_or_else(|_| Float::zero(negative, bits));
    match quotient.size {
        Size::Finite { mantissa, exponent } => {
            Float::rounded(negative, mantissa, exponent + scale, bits, false)
        }
        _ => quotient,
    }
}
