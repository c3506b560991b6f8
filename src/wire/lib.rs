//! Pulumi's protocol: bytes and values, no opinions.

mod path;
mod urn;
mod value;

pub use path::{PropertyPath, Segment};
pub use urn::{InvalidUrn, Urn};
pub use value::{NotPlain, OutputValue, PropertyMap, PropertyValue, ResourceReference, UnknownKind};
