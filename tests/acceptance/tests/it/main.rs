//! Whole cycles on the testbed, SIGKILLs in the middle of them, and the rules of the house.

mod cycle;
mod kills;
mod tidy;
