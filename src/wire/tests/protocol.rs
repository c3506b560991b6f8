//! Holds our messages and services against the descriptors that the engine's own release carries.
//!
//! The release is the Python wheel of the same version, fetched once into the cache folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

/// The engine that the project is built against.
const ENGINE: &str = "3.259.0";

/// A name (of a field, a value, a method) and everything that the wire depends on.
type Members = BTreeMap<String, String>;

#[test]
fn our_protocol_is_the_engines() {
    let ours = FileDescriptorSet::decode(&include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))[..]).unwrap();
    let theirs = FileDescriptorSet::decode(run(python("descriptors.py").arg(wheel())).as_slice()).unwrap();
    let (ours, theirs) = (declarations(&ours), declarations(&theirs));
    // Guards the test itself: an empty set would differ in nothing.
    for name in [
        ".pulumirpc.CreateRequest",
        ".pulumirpc.LanguageRuntime",
        ".google.rpc.Status",
    ] {
        assert!(
            ours.contains_key(name) && theirs.contains_key(name),
            "{name} is not among the descriptors"
        );
    }
    let differences: Vec<String> = ours
        .iter()
        .flat_map(|(name, own)| match theirs.get(name) {
            None => vec![format!("{name} is not in the engine's protocol")],
            Some(their) => differences(name, own, their),
        })
        .collect();
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

fn differences(name: &str, own: &Members, their: &Members) -> Vec<String> {
    let members: BTreeSet<&String> = own.keys().chain(their.keys()).collect();
    members
        .into_iter()
        .filter(|member| own.get(*member) != their.get(*member))
        .map(|member| {
            format!(
                "{name}.{member}: ours {:?}, the engine's {:?}",
                own.get(member),
                their.get(member)
            )
        })
        .collect()
}

fn declarations(set: &FileDescriptorSet) -> BTreeMap<String, Members> {
    let mut all = BTreeMap::new();
    for file in set.file.iter().filter(|file| file.package() != "google.protobuf") {
        let scope = format!(".{}", file.package());
        for message in &file.message_type {
            declare_message(&mut all, &scope, message);
        }
        for declared in &file.enum_type {
            declare_enum(&mut all, &scope, declared);
        }
        for service in &file.service {
            all.insert(format!("{scope}.{}", service.name()), methods(service));
        }
    }
    all
}

fn declare_message(all: &mut BTreeMap<String, Members>, scope: &str, message: &DescriptorProto) {
    let name = format!("{scope}.{}", message.name());
    for nested in &message.nested_type {
        declare_message(all, &name, nested);
    }
    for declared in &message.enum_type {
        declare_enum(all, &name, declared);
    }
    let fields = message
        .field
        .iter()
        .map(|field| (field.name().to_owned(), describe(message, field)))
        .collect();
    all.insert(name, fields);
}

fn describe(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let label = match field.label() {
        Label::Repeated => "repeated ",
        _ if field.proto3_optional() => "optional ",
        _ => "",
    };
    let kind = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().to_owned(),
        scalar => scalar.as_str_name().to_owned(),
    };
    let choice = field
        .oneof_index
        .filter(|_| !field.proto3_optional())
        .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?))
        .map(|choice| format!(" of {}", choice.name()))
        .unwrap_or_default();
    format!("{label}{kind} = {}{choice}", field.number())
}

fn declare_enum(all: &mut BTreeMap<String, Members>, scope: &str, declared: &EnumDescriptorProto) {
    let values = declared
        .value
        .iter()
        .map(|value| (value.name().to_owned(), value.number().to_string()))
        .collect();
    all.insert(format!("{scope}.{}", declared.name()), values);
}

fn methods(service: &ServiceDescriptorProto) -> Members {
    let stream = |streams: bool| if streams { "stream " } else { "" };
    service
        .method
        .iter()
        .map(|method| {
            let (takes, gives) = (stream(method.client_streaming()), stream(method.server_streaming()));
            let signature = format!("({takes}{}) -> {gives}{}", method.input_type(), method.output_type());
            (method.name().to_owned(), signature)
        })
        .collect()
}

/// The engine's wheel, fetched when it is not there yet.
fn wheel() -> PathBuf {
    let name = format!("pulumi-{ENGINE}-py3-none-any.whl");
    let folder = cache().join("wheels");
    let wheel = folder.join(&name);
    if !wheel.is_file() {
        // Fetched beside its place and moved there whole: a run beside this one sees all of it or nothing.
        let fetched = folder.join(format!("fetch-{}", process::id()));
        run(Command::new("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--dest",
            ])
            .arg(&fetched)
            .arg(format!("pulumi=={ENGINE}")));
        fs::rename(fetched.join(&name), &wheel).expect("pip fetched another file than the wheel");
        fs::remove_dir_all(&fetched).unwrap();
    }
    wheel
}

fn cache() -> PathBuf {
    let folder = |variable: &str| {
        env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("GROUNDWORK_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("groundwork")))
        .or_else(|| Some(folder("HOME")?.join(".cache/groundwork")))
        .expect("one of GROUNDWORK_CACHE, XDG_CACHE_HOME and HOME says where the cache is")
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script));
    command
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
