//! Pulumi's protocol: bytes and values, no opinions.

pub mod google;
mod path;
pub mod proto;
mod urn;
mod value;

pub use path::{PropertyPath, Segment};
pub use prost_types::{Struct, Value};
pub use urn::{InvalidUrn, Urn};
pub use value::{NotPlain, OutputValue, PropertyMap, PropertyValue, ResourceReference, UnknownKind};
