//! Generates the gRPC clients and servers over the messages of `lectern-proto`.

use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let files = proto_files("../lectern/v1")?.into_iter().chain(proto_files("../lectern/internal/v1")?);
    let descriptors = protox::compile(files, [".."])?;
    tonic_prost_build::configure()
        .extern_path(".lectern.v1", "::lectern_proto::v1")
        .extern_path(".lectern.internal.v1", "::lectern_proto::internal::v1")
        .compile_fds(descriptors)?;
    Ok(())
}

fn proto_files(dir: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={dir}");
    let mut files = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.sort();
    Ok(files)
}
