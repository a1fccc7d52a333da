"""Texts that attack whoever reads them, by what they attack. One list for all tests."""

from __future__ import annotations

ESC, NUL = "\x1b", "\x00"

PAGES = {
    "script": "<script>alert(1)</script>",
    "script closed": "</script><script>alert(1)</script>",
    "script in title": "</title><script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)",
    "svg": "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x>",
    "svg closed": "</svg></text><foreignObject><iframe src=//evil.example>",
    "style": "</style><style>*{display:none}",
    "comment": "<!-- --!> <!--",
    "cdata": "]]><!--",
    "entities": "&lt;script&gt; &#60;b&#62; &amp;amp; &quot;",
    "address": "javascript:alert(1)",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "details": "</details></summary></td></tr></table>",
}

SHEETS = {
    "formula": '=HYPERLINK("http://evil.example","click")',
    "formula of a macro": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula after plus": "+1+cmd|x",
    "formula after minus": "-2+3+cmd|x",
    "formula, full width": "＝1+1",
    "formula after a tab": "\t=1+1",
    "formula after a return": "\r=1+1",
    "formula after a blank": " =1+1",
    "formula after what is not seen": "\ufeff\u00a0=1+1",
    "error": "#N/A",
    "escape of a workbook": "_x003D_1+1",
    "quotes": '"a","b";\'c\'',
    "line breaks": 'two\nlines\r\n"three"\tfour',
    "bars": "a|b||c\\|d",
}

MARKDOWN = {
    "link": "[click](http://evil.example)",
    "picture": "![x](http://evil.example/x.png)",
    "addresses": "http://evil.example www.evil.example me@evil.example",
    "mentions": "@everyone #1 GH-2 owner/repo#3 :smile:",
    "half an emoji": "x:1",
    "code": "`one` ``two`` ```three",
    "emphasis": "*em* __strong__ ~~gone~~",
    "mathematics": "$x$ $$y$$",
    "heading": "# heading",
    "list": "- [ ] task",
    "rule": "---",
    "quote": "> quote",
    "table": "| a |\n| --- |\n| b |",
    "sarif": "[1](http://evil.example) {0} \\",
    "yaml": "--- !!python/object:os.system {a: [b]} # c",
    "toml": "\"\"\"\n[protect.other]\nx = '''",
}

TERMINALS = {
    "colors": f"red{ESC}[31m\x07",
    "title": f"{ESC}]0;owned\x07",
    "link of a terminal": f"{ESC}]8;;http://evil.example\x07here{ESC}]8;;\x07",
    "cleared": f"{ESC}[2J{ESC}[H\x9b2J",
    "rich": "[bold]rich[/bold] [link=http://evil.example]x[/link]",
    "back": "abc\b\b\bxyz\r12",
    "null": f"null{NUL}byte",
    "command of GitHub": "::error::owned",
    "command of GitHub after a blank": "  ::stop-commands::owned",
    "command of GitHub in a second line": "one\n::add-mask::1",
    "command of Azure": "one ##vso[task.setvariable variable=x]y",
}

LETTERS = {
    "turned": "a\u202egnp.exe",
    "isolated": "\u2066a\u2067b\u2068c",
    "right to left": "\u200f\u05d0\u05d1\u05d2",
    "arabic": "\u0645\u0631\u062d\u0628\u0627 (1)",
    "no width": "a\u200bb\u2060c\ufeffd\u00ade",
    "operators not seen": "a\u2061\u2062\u2063\u2064b",
    "fillers": "a\u115f\u180e\u3164\uffa0b",
    "emoji": "👩🏽\u200d🦽🏳\ufe0f\u200d🌈",
    "zalgo": "Z\u0351\u036b\u0343\u036aa\u0343",
    "no characters": "\ufffe\uffff\ufff9\U0001fffe",
    "separators": "a\u2028b\u2029c\u0085d",
    "blank": " ",
    "blank, wide": "\u3000",
    "long": "x" * 9_990 + "the end",
    "long without blanks to break at": "Ō" * 10_000,
    "many words": "word " * 2_000,
    "a path": "$.fields[0] 'quotes' \"double\" & ampersand;",
}

CORPUS = PAGES | SHEETS | MARKDOWN | TERMINALS | LETTERS

SURROGATES = {"high": "\ud800x", "low": "x\udfff", "turned around": "\udfff\ud800"}
"""They arrive where Python made the text: names of files, what a model answers or complains of."""
