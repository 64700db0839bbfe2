//! Seeds: each is a world in which much goes wrong, and which must be in order afterwards.

mod seeds;
