//! Turns `proto/` into messages, clients and servers, without protoc.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 13] = [
    "google/rpc/status.proto",
    "pulumi/alias.proto",
    "pulumi/analyzer.proto",
    "pulumi/callback.proto",
    "pulumi/codegen/hcl.proto",
    "pulumi/engine.proto",
    "pulumi/errors.proto",
    "pulumi/language.proto",
    "pulumi/plugin.proto",
    "pulumi/provider.proto",
    "pulumi/resource.proto",
    "pulumi/resource_status.proto",
    "pulumi/source.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).open_files(FILES)?;
    // For the test that holds our messages against the engine's own.
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        // Sorted maps: whatever is derived from a message is deterministic.
        .btree_map(".")
        // An RPC that a server leaves out answers Unimplemented.
        .generate_default_stubs(true)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
