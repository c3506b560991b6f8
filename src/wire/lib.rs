//! Pulumi's protocol: bytes and values, no opinions.

pub mod codec;
pub mod google;
mod path;
pub mod proto;
pub mod serve;
pub mod status;
mod urn;
mod value;

pub use codec::Encoding;
pub use path::{InvalidPath, PropertyPath, Segment};
pub use prost_types::{Struct, Value};
pub use urn::{InvalidToken, InvalidUrn, Token, Urn};
pub use value::{NotPlain, OutputValue, PropertyMap, PropertyValue, ResourceReference, UnknownKind};
