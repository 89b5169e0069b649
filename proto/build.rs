//! Generates the messages of `lectern.v1` and `lectern.internal.v1`, the descriptor set that server reflection serves, and
//! the one that messages are shown with. Debug of a message shows nothing of the fields that are marked `debug_redact`.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

use prost::Message as _;
use protox::{
    Compiler,
    prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor},
};

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> =
        proto_files("lectern/v1")?.into_iter().chain(proto_files("lectern/internal/v1")?).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Encoded by protox, which keeps options that prost-types does not know, `debug_redact` among them.
    let compiled = compile(&files, false)?;
    fs::write(out.join("lectern_descriptors.bin"), compiled.encode_file_descriptor_set())?;
    let with_secrets = with_secrets(&compiled.descriptor_pool());
    let shown: String = with_secrets.iter().map(debug_of).collect();
    fs::write(out.join("debug.rs"), shown)?;
    let descriptors = compile(&files, true)?.file_descriptor_set();
    let public = prost_types::FileDescriptorSet {
        file: descriptors.file.iter().filter(|file| file.package() == "lectern.v1").cloned().collect(),
    };
    fs::write(out.join("lectern_v1_descriptors.bin"), public.encode_to_vec())?;
    prost_build::Config::new()
        .btree_map(["."])
        .bytes(["lectern.v1.PutChunkRequest.data"])
        .skip_debug(with_secrets.iter().map(|message| format!(".{}", message.full_name())))
        .compile_fds(descriptors)?;
    Ok(())
}

/// The messages in which a field holds a secret.
fn with_secrets(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let messages = pool.all_messages().filter(|message| message.package_name().starts_with("lectern."));
    let messages: Vec<_> = messages.filter(|message| message.fields().any(|field| is_secret(&field))).collect();
    for message in &messages {
        // prost leaves Debug out for what is in a message together with the message's own.
        assert!(message.parent_message().is_none(), "{}: put it beside the other message", message.full_name());
        assert_eq!(message.child_messages().count(), 0, "{}: put what is in it beside it", message.full_name());
    }
    messages
}

fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|marked| marked.as_bool() == Some(true))
}

/// Debug of a message, and of the choices in it, as prost would derive it but for the secrets.
fn debug_of(message: &MessageDescriptor) -> String {
    let module = format!("crate::{}", message.package_name().trim_start_matches("lectern.").replace('.', "::"));
    let name = message.name();
    let alone = |field: &FieldDescriptor| field.containing_oneof().is_none_or(|choice| choice.is_synthetic());
    let mut fields = String::new();
    for field in message.fields().filter(alone) {
        let name = field.name();
        let value =
            if is_secret(&field) { "&format_args!(\"(secret)\")".into() } else { format!("&self.{}", ident(name)) };
        let _ = writeln!(fields, ".field({name:?}, {value})");
    }
    let mut shown = String::new();
    for choice in message.oneofs().filter(|choice| !choice.is_synthetic()) {
        let path = format!("{module}::{}::{}", snake(name), camel(choice.name()));
        let mut arms = String::new();
        for field in choice.fields() {
            let variant = camel(field.name());
            let shown = if is_secret(&field) {
                format!("(_) => f.write_str(\"{variant}((secret))\")")
            } else {
                format!("(it) => f.debug_tuple({variant:?}).field(it).finish()")
            };
            let _ = writeln!(arms, "Self::{variant}{shown},");
        }
        shown += &debug(&path, &format!("match self {{ {arms} }}"));
        let _ = writeln!(fields, ".field({:?}, &self.{})", choice.name(), ident(choice.name()));
    }
    shown + &debug(&format!("{module}::{name}"), &format!("f.debug_struct({name:?}){fields}.finish()"))
}

fn debug(path: &str, body: &str) -> String {
    format!(
        "impl std::fmt::Debug for {path} {{ fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{ {body} }} }}\n"
    )
}

/// A field as prost names it.
fn ident(name: &str) -> String {
    match name {
        "self" => "self_".into(),
        "type" | "ref" | "move" | "match" | "use" | "where" | "in" | "for" | "as" => format!("r#{name}"),
        _ => name.into(),
    }
}

fn camel(name: &str) -> String {
    let word =
        |word: &str| word.chars().next().map(|first| first.to_uppercase().to_string() + &word[first.len_utf8()..]);
    name.split('_').filter_map(word).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
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
