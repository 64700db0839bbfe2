//! Glance: images, to look up.

mod image;

pub(crate) use image::IMAGE_DATA;
