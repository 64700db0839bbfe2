//! Decimal digits of a number, rounded and laid out as Go's `%e`, `%f` and `%g` do.

use std::fmt::Write as _;

use dashu_int::UBig;
use terrarium_value::Number;

/// Digits `0.d₁d₂d₃… × 10^point`.
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Reads plain decimal text such as `-12.5`; `None` for an infinity.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut digits: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        let mut point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            point = 0;
        }
        Some(Self { negative, digits, point })
    }

    /// Takes all digits of a binary number, which has finitely many; `None` for an infinity.
    pub(super) fn exact(number: &Number) -> Option<Self> {
        const STEP_BITS: u32 = 60;
        const MAX_STEPS: u32 = 200;
        if number.is_infinite() {
            return None;
        }
        // n × 2^k is whole for some k, and 2^-k is 5^k × 10^-k.
        let step = Number::from(1_i64 << STEP_BITS);
        let (mut whole, mut bits) = (number.clone(), 0);
        while !whole.is_integer() && bits < STEP_BITS * MAX_STEPS {
            whole = whole.mul(&step).ok()?;
            bits += STEP_BITS;
        }
        if bits == 0 {
            return Self::parse(&number.to_string());
        }
        // In hexadecimal all digits are shown; in decimal only as many as tell the number from others.
        let digits = UBig::from_str_radix(&whole.abs().to_radix(16)?, 16).ok()?;
        let digits = digits * UBig::from(5_u8).pow(usize::try_from(bits).ok()?);
        let mut decimal = Self::parse(&digits.to_string())?;
        decimal.point -= i64::from(bits);
        decimal.negative = number.is_negative();
        Some(decimal)
    }

    /// Lays the number out for one of `e`, `f`, `g`.
    pub(super) fn format(mut self, verb: char, precision: Option<usize>) -> String {
        let text = match verb {
            'e' => {
                let precision = precision.unwrap_or(6);
                self.round(precision + 1);
                self.scientific(precision)
            }
            'f' => {
                let precision = precision.unwrap_or(6);
                let keep = self.point + i64::try_from(precision).unwrap_or(i64::MAX);
                self.round_to(keep);
                self.plain(precision)
            }
            _ => self.general(precision),
        };
        if self.negative { format!("-{text}") } else { text }
    }

    fn general(&mut self, precision: Option<usize>) -> String {
        /// Without a precision, Go writes an exponent from here on.
        const LARGE: i64 = 6;

        let wanted = precision.map(|precision| precision.max(1));
        if let Some(wanted) = wanted {
            self.round(wanted);
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let limit = wanted.map_or(LARGE, |wanted| i64::try_from(wanted).unwrap_or(i64::MAX));
        if exponent < -4 || exponent >= limit {
            return self.scientific(self.digits.len().saturating_sub(1));
        }
        let fraction = i64::try_from(self.digits.len()).unwrap_or(i64::MAX) - self.point;
        self.plain(usize::try_from(fraction).unwrap_or(0))
    }

    /// Keeps so many digits, rounding half to even.
    fn round(&mut self, keep: usize) {
        self.round_to(i64::try_from(keep).unwrap_or(i64::MAX));
    }

    fn round_to(&mut self, keep: i64) {
        let Ok(keep) = usize::try_from(keep) else {
            self.digits.clear();
            self.point = 0;
            return;
        };
        let Some(next) = self.digits.get(keep).copied() else { return };
        let exact_half = next == 5 && self.digits.len() == keep + 1;
        let odd = keep
            .checked_sub(1)
            .and_then(|last| self.digits.get(last))
            .is_some_and(|digit| digit % 2 == 1);
        let up = next > 5 || (next == 5 && (!exact_half || odd));
        self.digits.truncate(keep);
        if up {
            self.increment();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    fn increment(&mut self) {
        while let Some(last) = self.digits.pop() {
            if last < 9 {
                self.digits.push(last + 1);
                return;
            }
        }
        self.digits.push(1);
        self.point += 1;
    }

    fn digit(&self, at: i64) -> char {
        let digit =
            usize::try_from(at).ok().and_then(|at| self.digits.get(at)).copied().unwrap_or(0);
        char::from(b'0' + digit)
    }

    fn plain(&self, precision: usize) -> String {
        let mut out = String::new();
        if self.point <= 0 {
            out.push('0');
        }
        (0..self.point).for_each(|at| out.push(self.digit(at)));
        if precision > 0 {
            out.push('.');
            let precision = i64::try_from(precision).unwrap_or(i64::MAX);
            (0..precision).for_each(|at| out.push(self.digit(self.point + at)));
        }
        out
    }

    fn scientific(&self, precision: usize) -> String {
        let mut out = String::from(self.digit(0));
        if precision > 0 {
            out.push('.');
            let precision = i64::try_from(precision).unwrap_or(i64::MAX);
            (1..=precision).for_each(|at| out.push(self.digit(at)));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
        out
    }
}
