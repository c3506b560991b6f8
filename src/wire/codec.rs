//! `PropertyValue` to and from the wire's `Struct` and `Value`: the one place that knows the signatures and sentinels.
//!
//! Reading never fails. What carries a signature but not what the signature promises stays a plain object, signature
//! included, so that it goes back as it came; only where that could show a secret is it read as one:
//!
//! - a secret without a value is a secret of whatever else the object holds;
//! - an output whose `secret` is no boolean is secret; dependencies that are no URNs are left out;
//! - a resource reference needs a URN; an id that is neither text nor unknown is left out;
//! - a signature that nobody knows is a plain object;
//! - a value of no kind is null.

use std::collections::BTreeMap;

use prost_types::{ListValue, NullValue, Struct, Value, value::Kind};

use crate::{OutputValue, PropertyMap, PropertyValue, ResourceReference, UnknownKind};

const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT: &str = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const RESOURCE: &str = "5cf8f73096256a8f31e491e813e4eb8e";
const ASSET: &str = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE: &str = "0def7320c3a5731c473e5ecbe6d01bc7";
const BYTES: &str = "803fd3297a5875dc03ca845dda5d2a98";

const UNKNOWNS: [UnknownKind; 7] = [
    UnknownKind::String,
    UnknownKind::Bool,
    UnknownKind::Number,
    UnknownKind::Array,
    UnknownKind::Asset,
    UnknownKind::Archive,
    UnknownKind::Object,
];

const fn sentinel(kind: UnknownKind) -> &'static str {
    match kind {
        UnknownKind::String => "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        UnknownKind::Bool => "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        UnknownKind::Number => "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        UnknownKind::Array => "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        UnknownKind::Asset => "030794c1-ac77-496b-92df-f27374a8bd58",
        UnknownKind::Archive => "e48ece36-62e2-4504-bad9-02848725956a",
        UnknownKind::Object => "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
}

/// What the receiving side understands beyond JSON, unknowns and assets, which all sides do.
///
/// Whatever it does not understand is sent as the nearest thing that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Secrets; otherwise their bare values. A provider that does not accept secrets gets them bare.
    pub secrets: bool,
    /// Outputs; otherwise their values, as secrets where they are secret, or an unknown.
    pub outputs: bool,
    /// Resource references; otherwise the resource's id, or its URN where it has no id.
    pub resources: bool,
    /// Byte strings; otherwise their base64 as text.
    pub byte_strings: bool,
}

impl Encoding {
    /// For the engine in `RegisterResource`, `Construct` and `Call`: everything.
    pub const FULL: Self = Self {
        secrets: true,
        outputs: true,
        resources: true,
        byte_strings: true,
    };
    /// For the engine everywhere else: what a provider answers, `RegisterResourceOutputs`, `Invoke`.
    pub const WITHOUT_OUTPUTS: Self = Self {
        outputs: false,
        ..Self::FULL
    };
    /// For a side that understands nothing beyond JSON.
    pub const PLAIN: Self = Self {
        secrets: false,
        outputs: false,
        resources: false,
        byte_strings: false,
    };

    /// An object as the receiving side understands it.
    pub fn to_struct(self, map: &PropertyMap) -> Struct {
        Struct {
            fields: map
                .iter()
                .map(|(key, value)| (key.clone(), self.to_value(value)))
                .collect(),
        }
    }

    /// A value as the receiving side understands it.
    pub fn to_value(self, value: &PropertyValue) -> Value {
        match value {
            PropertyValue::Null => wire(Kind::NullValue(NullValue::NullValue.into())),
            PropertyValue::Bool(truth) => wire(Kind::BoolValue(*truth)),
            PropertyValue::Number(number) => wire(Kind::NumberValue(*number)),
            PropertyValue::String(text) => string(text),
            PropertyValue::Array(items) => list(items.iter().map(|item| self.to_value(item)).collect()),
            PropertyValue::Object(map) => wire(Kind::StructValue(self.to_struct(map))),
            PropertyValue::Secret(inner) => self.secret(self.to_value(inner)),
            PropertyValue::Unknown(kind) => unknown(*kind),
            PropertyValue::Output(output) => self.output(output),
            PropertyValue::Resource(reference) => self.resource(reference),
            PropertyValue::Asset(map) => signed(ASSET, self.to_struct(map).fields),
            PropertyValue::Archive(map) => signed(ARCHIVE, self.to_struct(map).fields),
            PropertyValue::Bytes(base64) if self.byte_strings => signed(BYTES, fields([("value", string(base64))])),
            PropertyValue::Bytes(base64) => string(base64),
        }
    }

    fn secret(self, inner: Value) -> Value {
        if self.secrets {
            signed(SECRET, fields([("value", inner)]))
        } else {
            inner
        }
    }

    fn output(self, output: &OutputValue) -> Value {
        let value = output.value.as_ref().map(|value| self.to_value(value));
        if !self.outputs {
            let value = value.unwrap_or_else(|| unknown(UnknownKind::String));
            return if output.secret { self.secret(value) } else { value };
        }
        let mut parts = BTreeMap::new();
        if let Some(value) = value {
            parts.insert("value".to_owned(), value);
        }
        if output.secret {
            parts.insert("secret".to_owned(), wire(Kind::BoolValue(true)));
        }
        if !output.dependencies.is_empty() {
            let urns = output.dependencies.iter().map(|urn| string(urn.as_str())).collect();
            parts.insert("dependencies".to_owned(), list(urns));
        }
        signed(OUTPUT, parts)
    }

    fn resource(self, reference: &ResourceReference) -> Value {
        let id = reference.id.as_ref().map(PropertyValue::plain).and_then(|id| match id {
            PropertyValue::String(text) => Some(text.as_str()),
            // The wire writes an unknown id as an empty one.
            PropertyValue::Unknown(_) => Some(""),
            _ => None,
        });
        if !self.resources {
            return match id {
                Some("") => unknown(UnknownKind::String),
                Some(id) => string(id),
                None => string(reference.urn.as_str()),
            };
        }
        let mut parts = fields([("urn", string(reference.urn.as_str()))]);
        if let Some(id) = id {
            parts.insert("id".to_owned(), string(id));
        }
        if !reference.package_version.is_empty() {
            parts.insert("packageVersion".to_owned(), string(&reference.package_version));
        }
        signed(RESOURCE, parts)
    }
}

/// An object with everything in it that the wire can say ([`Encoding::FULL`]).
pub fn to_struct(map: &PropertyMap) -> Struct {
    Encoding::FULL.to_struct(map)
}

/// A value with everything in it that the wire can say ([`Encoding::FULL`]).
pub fn to_value(value: &PropertyValue) -> Value {
    Encoding::FULL.to_value(value)
}

/// Reads an object. Total: see the module's notes on what is malformed.
///
/// An object that is signed as a whole is read as a plain one: properties of a resource are never anything else.
pub fn from_struct(object: &Struct) -> PropertyMap {
    object
        .fields
        .iter()
        .map(|(key, value)| (key.clone(), from_value(value)))
        .collect()
}

/// Reads an optional object, as requests carry it; a missing one is empty.
pub fn from_optional(object: Option<&Struct>) -> PropertyMap {
    object.map(from_struct).unwrap_or_default()
}

/// Reads a value. Total: see the module's notes on what is malformed.
pub fn from_value(value: &Value) -> PropertyValue {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => PropertyValue::Null,
        Some(Kind::BoolValue(truth)) => PropertyValue::Bool(*truth),
        Some(Kind::NumberValue(number)) => PropertyValue::Number(*number),
        Some(Kind::StringValue(text)) => UNKNOWNS
            .into_iter()
            .find(|kind| sentinel(*kind) == text)
            .map_or_else(|| PropertyValue::String(text.clone()), PropertyValue::Unknown),
        Some(Kind::ListValue(items)) => PropertyValue::Array(items.values.iter().map(from_value).collect()),
        Some(Kind::StructValue(object)) => from_object(object),
    }
}

fn from_object(object: &Struct) -> PropertyValue {
    let mut map = from_struct(object);
    let Some(PropertyValue::String(signature)) = map.get(SIGNATURE) else {
        return PropertyValue::Object(map);
    };
    match signature.as_str() {
        SECRET => {
            map.remove(SIGNATURE);
            let inner = map.remove("value").unwrap_or(PropertyValue::Object(map));
            PropertyValue::Secret(Box::new(inner))
        }
        OUTPUT => PropertyValue::Output(Box::new(OutputValue {
            value: map.remove("value"),
            secret: map
                .get("secret")
                .is_some_and(|secret| *secret != PropertyValue::Bool(false)),
            dependencies: map
                .get("dependencies")
                .and_then(PropertyValue::as_array)
                .unwrap_or_default()
                .iter()
                .filter_map(|urn| urn.as_str()?.parse().ok())
                .collect(),
        })),
        RESOURCE => match map.get("urn").and_then(|urn| urn.as_str()?.parse().ok()) {
            Some(urn) => PropertyValue::Resource(Box::new(ResourceReference {
                urn,
                id: map.get("id").map(PropertyValue::plain).and_then(|id| match id {
                    PropertyValue::String(text) if !text.is_empty() => Some(PropertyValue::String(text.clone())),
                    PropertyValue::String(_) | PropertyValue::Unknown(_) => Some(PropertyValue::UNKNOWN),
                    _ => None,
                }),
                package_version: map
                    .get("packageVersion")
                    .and_then(PropertyValue::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            })),
            None => PropertyValue::Object(map),
        },
        ASSET => {
            map.remove(SIGNATURE);
            PropertyValue::Asset(map)
        }
        ARCHIVE => {
            map.remove(SIGNATURE);
            PropertyValue::Archive(map)
        }
        BYTES => match map.get("value") {
            Some(PropertyValue::String(base64)) => PropertyValue::Bytes(base64.clone()),
            _ => PropertyValue::Object(map),
        },
        _ => PropertyValue::Object(map),
    }
}

const fn wire(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn string(text: &str) -> Value {
    wire(Kind::StringValue(text.to_owned()))
}

const fn list(values: Vec<Value>) -> Value {
    wire(Kind::ListValue(ListValue { values }))
}

fn unknown(kind: UnknownKind) -> Value {
    string(sentinel(kind))
}

fn fields<const N: usize>(parts: [(&str, Value); N]) -> BTreeMap<String, Value> {
    parts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn signed(signature: &str, mut parts: BTreeMap<String, Value>) -> Value {
    parts.insert(SIGNATURE.to_owned(), string(signature));
    wire(Kind::StructValue(Struct { fields: parts }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection, prelude::*};
    use prost::Message;

    use super::*;
    use crate::Urn;

    fn urn() -> impl Strategy<Value = Urn> {
        "[a-z]{1,5}::[a-z]{1,5}::[a-z:]{1,5}[a-z]::.{0,5}".prop_filter_map("three delimiters exactly", |text| {
            format!("urn:pulumi:{text}").parse().ok()
        })
    }

    fn kind() -> impl Strategy<Value = UnknownKind> {
        (0..UNKNOWNS.len()).prop_map(|index| UNKNOWNS[index])
    }

    /// Keys that are no signature: an object that says it is something else is that.
    fn map(value: impl Strategy<Value = PropertyValue>) -> impl Strategy<Value = PropertyMap> {
        collection::btree_map(prop_oneof!["value", "urn", "secret", any::<String>()], value, 0..4)
    }

    fn reference() -> impl Strategy<Value = ResourceReference> {
        let id = prop_oneof![
            Just(None),
            Just(Some(PropertyValue::UNKNOWN)),
            ".{1,8}".prop_map(|id| Some(PropertyValue::String(id)))
        ];
        (urn(), id, any::<String>()).prop_map(|(urn, id, package_version)| ResourceReference {
            urn,
            id,
            package_version,
        })
    }

    fn value() -> impl Strategy<Value = PropertyValue> {
        let leaf = prop_oneof![
            Just(PropertyValue::Null),
            any::<bool>().prop_map(PropertyValue::Bool),
            any::<f64>().prop_map(PropertyValue::Number),
            any::<String>().prop_map(PropertyValue::String),
            kind().prop_map(PropertyValue::Unknown),
            "[A-Za-z0-9+/=]{0,12}".prop_map(PropertyValue::Bytes),
            reference().prop_map(|reference| PropertyValue::Resource(Box::new(reference))),
        ];
        leaf.prop_recursive(5, 64, 4, |inner| {
            let output = (
                proptest::option::of(inner.clone()),
                any::<bool>(),
                collection::btree_set(urn(), 0..3),
            )
                .prop_map(|(value, secret, dependencies)| OutputValue {
                    value,
                    secret,
                    dependencies,
                });
            prop_oneof![
                collection::vec(inner.clone(), 0..4).prop_map(PropertyValue::Array),
                map(inner.clone()).prop_map(PropertyValue::Object),
                map(inner.clone()).prop_map(PropertyValue::Asset),
                map(inner.clone()).prop_map(PropertyValue::Archive),
                inner.prop_map(|inner| PropertyValue::Secret(Box::new(inner))),
                output.prop_map(|output| PropertyValue::Output(Box::new(output))),
            ]
        })
    }

    /// Anything that a peer might send: signatures with the wrong things beside them.
    fn sent() -> impl Strategy<Value = Value> {
        let signature = prop_oneof![SECRET, OUTPUT, RESOURCE, ASSET, ARCHIVE, BYTES, any::<String>()];
        let leaf = prop_oneof![
            Just(Value { kind: None }),
            any::<i32>().prop_map(|null| wire(Kind::NullValue(null))),
            any::<bool>().prop_map(|truth| wire(Kind::BoolValue(truth))),
            any::<f64>().prop_map(|number| wire(Kind::NumberValue(number))),
            any::<String>().prop_map(|text| string(&text)),
            signature.prop_map(|text| string(&text)),
            kind().prop_map(unknown),
            urn().prop_map(|urn| string(urn.as_str())),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            let key = prop_oneof![
                4 => Just(SIGNATURE.to_owned()),
                4 => prop_oneof!["value", "secret", "dependencies", "urn", "id", "packageVersion"],
                1 => any::<String>(),
            ];
            prop_oneof![
                collection::vec(inner.clone(), 0..4).prop_map(list),
                collection::btree_map(key, inner, 0..6).prop_map(|fields| wire(Kind::StructValue(Struct { fields }))),
            ]
        })
    }

    fn over_the_wire(value: &Value) -> Value {
        Value::decode(value.encode_to_vec().as_slice()).unwrap()
    }

    proptest! {
        #[test]
        fn every_value_survives_the_round_trip(value in value()) {
            prop_assert_eq!(from_value(&over_the_wire(&to_value(&value))), value);
        }

        #[test]
        fn every_object_survives_the_round_trip(map in map(value())) {
            prop_assert_eq!(from_struct(&to_struct(&map)), map);
        }

        #[test]
        fn whatever_is_sent_is_read_and_reads_the_same_again(sent in sent()) {
            let read = from_value(&sent);
            prop_assert_eq!(same(&from_value(&to_value(&read))), same(&read));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in collection::vec(any::<u8>(), 0..256)) {
            if let Ok(object) = Struct::decode(bytes.as_slice()) {
                from_struct(&object);
            }
        }

        #[test]
        fn a_peer_gets_only_what_it_understands(value in value()) {
            prop_assert!(!signatures(&Encoding::PLAIN.to_value(&value)).iter().any(|signature| ![ASSET, ARCHIVE].contains(&signature.as_str())));
            prop_assert!(!signatures(&Encoding::WITHOUT_OUTPUTS.to_value(&value)).contains(OUTPUT));
        }

        #[test]
        fn a_peer_without_outputs_learns_as_much_about_secrets_and_unknowns(value in value()) {
            let read = from_value(&Encoding::WITHOUT_OUTPUTS.to_value(&value));
            prop_assert_eq!(read.contains_secret(), value.contains_secret());
            prop_assert_eq!(read.contains_unknown(), value.contains_unknown());
        }
    }

    /// NaN is no NaN's equal; as text it is.
    fn same(value: &PropertyValue) -> String {
        format!("{value:?}")
    }

    fn signatures(value: &Value) -> BTreeSet<String> {
        match &value.kind {
            Some(Kind::StructValue(object)) => {
                let own = match object.fields.get(SIGNATURE).and_then(|value| value.kind.as_ref()) {
                    Some(Kind::StringValue(signature)) => Some(signature.clone()),
                    _ => None,
                };
                object.fields.values().flat_map(signatures).chain(own).collect()
            }
            Some(Kind::ListValue(items)) => items.values.iter().flat_map(signatures).collect(),
            _ => BTreeSet::new(),
        }
    }

    fn signed_with(signature: &str, parts: &[(&str, Value)]) -> PropertyValue {
        let parts = parts
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        from_value(&signed(signature, parts))
    }

    #[test]
    fn a_malformed_secret_stays_secret() {
        let read = signed_with(SECRET, &[("valeu", string("hunter2"))]);
        assert_eq!(
            read,
            PropertyValue::secret(PropertyValue::Object([("valeu".to_owned(), "hunter2".into())].into()))
        );
        assert!(signed_with(OUTPUT, &[("secret", string("yes"))]).contains_secret());
    }

    #[test]
    fn a_malformed_reference_is_the_object_that_it_came_as() {
        for parts in [
            vec![],
            vec![("urn", string("nonsense"))],
            vec![("urn", wire(Kind::BoolValue(true)))],
        ] {
            let read = signed_with(RESOURCE, &parts);
            assert!(
                matches!(&read, PropertyValue::Object(map) if map.len() == parts.len() + 1),
                "{read:?}"
            );
        }
    }

    #[test]
    fn an_unknown_id_is_unknown_however_it_is_written() {
        let urn = ("urn", string("urn:pulumi:s::p::a:b:C::n"));
        for id in [string(""), unknown(UnknownKind::String), unknown(UnknownKind::Object)] {
            match signed_with(RESOURCE, &[urn.clone(), ("id", id)]) {
                PropertyValue::Resource(reference) => assert_eq!(reference.id, Some(PropertyValue::UNKNOWN)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_peer_without_references_gets_the_id_or_the_urn() {
        let reference = |id| {
            let urn = "urn:pulumi:s::p::a:b:C::n".parse().unwrap();
            let reference = ResourceReference {
                urn,
                id,
                package_version: String::new(),
            };
            from_value(&Encoding::PLAIN.to_value(&PropertyValue::Resource(Box::new(reference))))
        };
        assert_eq!(reference(Some("vpc-1".into())), "vpc-1".into());
        assert_eq!(reference(Some(PropertyValue::UNKNOWN)), PropertyValue::UNKNOWN);
        assert_eq!(reference(None), "urn:pulumi:s::p::a:b:C::n".into());
    }

    #[test]
    fn a_deeply_nested_schema_survives_the_wire() {
        let nested = (0..300).fold(PropertyValue::Null, |inner, level| match level % 3 {
            0 => PropertyValue::Array(vec![inner]),
            1 => PropertyValue::Object([("properties".to_owned(), inner)].into()),
            _ => PropertyValue::Secret(Box::new(inner)),
        });
        assert_eq!(from_value(&over_the_wire(&to_value(&nested))), nested);
    }
}
