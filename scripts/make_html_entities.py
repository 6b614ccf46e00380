#!/usr/bin/env python3
"""Write core/tokenizer/html_entities.inc, the table of HTML's named character references.

The facts are those of the HTML standard (section "Named character references") as
Python's html.entities.html5 lists them. One row is a name, with its semicolon where it
has one, and one or two code points. Rows are sorted by bytes for a binary search.

Run from the repository root:  python3 scripts/make_html_entities.py
"""
import html.entities
from pathlib import Path

rows = []
for name, text in sorted(html.entities.html5.items(), key=lambda kv: kv[0].encode()):
    assert name.isascii() and len(name) <= 32 and 1 <= len(text) <= 2
    codes = [ord(c) for c in text] + [0]
    rows.append('{"%s", {0x%X, 0x%X}},' % (name, codes[0], codes[1]))

lines = [
    "/* html_entities.inc - made by scripts/make_html_entities.py from Python's",
    " * html.entities.html5 (HTML standard, named character references). Sorted by name.",
    " */",
]
line = ""
for row in rows:
    if line and len(line) + 1 + len(row) > 88:
        lines.append(line)
        line = ""
    line = row if not line else line + " " + row
lines.append(line)
Path("core/tokenizer/html_entities.inc").write_text("\n".join(lines) + "\n")
