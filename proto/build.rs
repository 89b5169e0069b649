//! Generates the messages of `lectern.v1` and `lectern.internal.v1`, the descriptor set that server reflection serves, and
//! the one that messages are shown with.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;
use protox::Compiler;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> =
        proto_files("lectern/v1")?.into_iter().chain(proto_files("lectern/internal/v1")?).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Encoded by protox, which keeps options that prost-types does not know, `debug_redact` among them.
    fs::write(out.join("lectern_descriptors.bin"), compile(&files, false)?.encode_file_descriptor_set())?;
    let descriptors = compile(&files, true)?.file_descriptor_set();
    let public = prost_types::FileDescriptorSet {
        file: descriptors.file.iter().filter(|file| file.package() == "lectern.v1").cloned().collect(),
    };
    fs::write(out.join("lectern_v1_descriptors.bin"), public.encode_to_vec())?;
    prost_build::Config::new().btree_map(["."]).bytes(["lectern.v1.PutChunkRequest.data"]).compile_fds(descriptors)?;
    Ok(())
}

fn compile(files: &[PathBuf], comments: bool) -> Result<Compiler, protox::Error> {
    let mut compiler = Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(comments).open_files(files)?;
    Ok(compiler)
}

fn proto_files(dir: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={dir}");
    let mut files = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.sort();
    Ok(files)
}
