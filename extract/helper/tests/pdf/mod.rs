//! PDF files written byte by byte, small enough to be read beside the test.

use std::fmt::Write;

/// A document of one page for each text; lines are separated by `\n`. An empty text gives an empty page.
pub fn document(pages: &[&str]) -> Vec<u8> {
    let page_object = |index: usize| 4 + 2 * index;
    let kids = (0..pages.len()).map(|index| format!("{} 0 R", page_object(index))).collect::<Vec<_>>().join(" ");
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (index, text) in pages.iter().enumerate() {
        let content = page_object(index) + 1;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        let stream = content_stream(text);
        objects.push(format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()));
    }
    assemble(&objects, "")
}

/// One page of text, and an encryption dictionary that no empty password opens.
pub fn protected() -> Vec<u8> {
    let key = "00".repeat(32);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>".to_owned(),
        "<< /Length 8 >>\nstream\nq 1 0 0 \nendstream".to_owned(),
        format!("<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{key}> /U <{key}> >>"),
    ];
    assemble(&objects, "/Encrypt 5 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]")
}

/// A page whose content is `depth` arrays in each other.
pub fn nested(depth: usize) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [3 0 R] /Count 1 /Deep {}{} >>", "[".repeat(depth), "]".repeat(depth)),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>".to_owned(),
    ];
    assemble(&objects, "")
}

fn content_stream(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut stream = String::from("BT /F1 12 Tf 72 720 Td 14 TL\n");
    for line in text.split('\n') {
        let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        writeln!(stream, "({escaped}) Tj T*").unwrap();
    }
    stream + "ET"
}

fn assemble(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut bytes = String::from("%PDF-1.7\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", bytes.len()).unwrap();
        writeln!(bytes, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let start = bytes.len();
    let size = objects.len() + 1;
    write!(
        bytes,
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    bytes.into_bytes()
}
