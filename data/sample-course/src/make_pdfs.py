"""Makes materials/*.pdf from the Markdown beside this file.

    pip install reportlab==5.1.0
    python3 src/make_pdfs.py

The PDFs are committed, so this runs only after a change of the text. The output depends on nothing but the text: no
time stamps, no random identifiers. It knows the Markdown these notes use: headings, paragraphs, lists, fenced code, `code` and
*emphasis*.
"""

import pathlib
import re
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, Preformatted, SimpleDocTemplate, Spacer

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "materials"

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15, spaceAfter=7)
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=22, leading=27, spaceAfter=4)
HEADING = ParagraphStyle(
    "heading", parent=BODY, fontName="Helvetica-Bold", fontSize=14, leading=18, spaceBefore=12, spaceAfter=5, keepWithNext=1
)
ITEM = ParagraphStyle("item", parent=BODY, leftIndent=16, bulletIndent=2, spaceAfter=4)
CODE = ParagraphStyle("code", fontName="Courier", fontSize=9.5, leading=12.5, leftIndent=12, spaceBefore=2, spaceAfter=9)


def inline(text):
    """`code` and *emphasis* as reportlab's markup."""
    parts = re.split(r"`([^`]*)`", text)
    for index, part in enumerate(parts):
        part = escape(part)
        if index % 2:
            parts[index] = f'<font face="Courier" size="10">{part}</font>'
        else:
            parts[index] = re.sub(r"\*([^*]+)\*", r"<i>\1</i>", part)
    return "".join(parts)


def split_blocks(text):
    """Blocks separated by blank lines; fenced code is one block whatever is in it."""
    block, fenced = [], False
    for line in text.splitlines() + [""]:
        if line.startswith("```"):
            fenced = not fenced
            block.append(line)
        elif line or fenced:
            block.append(line)
        elif block:
            yield block
            block = []


def flowables(text):
    """What reportlab sets, in order."""
    for block in split_blocks(text):
        first = block[0]
        if first.startswith("```"):
            yield Preformatted("\n".join(block[1:-1]), CODE)
        elif first.startswith("# "):
            yield Paragraph(inline(first[2:]), TITLE)
        elif first.startswith("## "):
            yield Paragraph(inline(first[3:]), HEADING)
        elif re.match(r"- |\d+\. ", first):
            for line in block:
                mark, rest = line.split(" ", 1)
                yield Paragraph(inline(rest), ITEM, bulletText="\u2013" if mark == "-" else mark)
            yield Spacer(1, 3)
        else:
            yield Paragraph(inline(" ".join(block)), BODY)


def make(source):
    text = source.read_text(encoding="utf-8")
    title = text.splitlines()[0].removeprefix("# ")

    def footer(canvas, document):
        canvas.setFont("Helvetica", 9)
        canvas.drawString(25 * mm, 14 * mm, f"CS 101 \u00b7 {title}")
        canvas.drawRightString(A4[0] - 25 * mm, 14 * mm, str(document.page))

    document = SimpleDocTemplate(
        str(OUT / f"{source.stem}.pdf"), pagesize=A4, title=title, author="CS 101", invariant=1,
        leftMargin=25 * mm, rightMargin=25 * mm, topMargin=22 * mm, bottomMargin=24 * mm,
    )
    document.build(list(flowables(text)), onFirstPage=footer, onLaterPages=footer)


if __name__ == "__main__":
    for source in sorted(HERE.glob("*.md")):
        make(source)
