"""The fonts of PDFs: Noto Sans, and for other scripts those that a text needs. `billing/fonts/README.md` has their origin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FONTS = Path(__file__).resolve().parent.parent / "fonts"
REGULAR, BOLD = FONTS / "NotoSans-Regular.ttf", FONTS / "NotoSans-Bold.ttf"

#: The first and last character of each block, in hexadecimal. Blocks of one script share a font.
_BLOCKS = {
    "NotoSansArmenian-Regular": "0530-058F FB13-FB17",
    "NotoSansHebrew-Regular": "0590-05FF FB1D-FB4F",
    "NotoSansArabic-Regular": "0600-06FF 0750-077F 08A0-08FF FB50-FDFF FE70-FEFF",
    "NotoSansDevanagari-Regular": "0900-097F A8E0-A8FF",
    "NotoSansBengali-Regular": "0980-09FF",
    "NotoSansGurmukhi-Regular": "0A00-0A7F",
    "NotoSansGujarati-Regular": "0A80-0AFF",
    "NotoSansOriya-Regular": "0B00-0B7F",
    "NotoSansTamil-Regular": "0B80-0BFF",
    "NotoSansTelugu-Regular": "0C00-0C7F",
    "NotoSansKannada-Regular": "0C80-0CFF",
    "NotoSansMalayalam-Regular": "0D00-0D7F",
    "NotoSansSinhala-Regular": "0D80-0DFF",
    "NotoSansThai-Regular": "0E00-0E7F",
    "NotoSansLao-Regular": "0E80-0EFF",
    "NotoSansMyanmar-Regular": "1000-109F A9E0-A9FF AA60-AA7F",
    "NotoSansGeorgian-Regular": "10A0-10FF 1C90-1CBF 2D00-2D2F",
    "NotoSansEthiopic-Regular": "1200-139F 2D80-2DDF AB00-AB2F",
    "NotoSansKhmer-Regular": "1780-17FF 19E0-19FF",
    "ClienteleHangul-Regular": "1100-11FF 3130-318F AC00-D7FF",
    # Chinese and Japanese.
    "DroidSansFallbackFull": "2E80-312F 3190-A4CF F900-FAFF FE30-FE4F FF00-FFEF",
}


def _ranges(blocks: str) -> list[tuple[int, int]]:
    bounds = (block.split("-") for block in blocks.split())
    return [(int(first, 16), int(last, 16)) for first, last in bounds]


_RANGES = {name: _ranges(blocks) for name, blocks in _BLOCKS.items()}


def fonts_for(texts: Iterable[str]) -> list[Path]:
    """The fonts that these texts need beside Noto Sans, each once, in a fixed order."""
    used = {ord(char) for text in texts for char in text if not char.isascii()}
    return [
        FONTS / f"{name}.ttf"
        for name, ranges in _RANGES.items()
        if any(first <= char <= last for char in used for first, last in ranges)
    ]
