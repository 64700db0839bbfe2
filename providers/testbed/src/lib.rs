//! A simulated Chameleon.
