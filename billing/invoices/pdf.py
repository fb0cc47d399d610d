"""A paper as a PDF. The same paper gives the same bytes."""

from __future__ import annotations

import unicodedata
from typing import Any

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from billing.invoices.fonts import BOLD, REGULAR, fonts_for
from billing.invoices.paper import Paper

_INK, _FAINT, _RULE, _ACCENT = (31, 41, 55), (107, 114, 128), (209, 213, 219), (15, 118, 110)
_MARGIN, _BOTTOM = 18, 20
_SIZE, _SMALL, _LARGE, _TITLE = 9.5, 8, 11, 19
#: Millimeters from one line to the next.
_STEP = 4.9
#: The share of the width of the columns: of one with a description and an amount, and of one with quantities.
_WIDTHS = {2: (80, 20), 4: (55, 13, 15, 17)}
#: Sums stand below the amounts.
_SUMS_FROM = 0.42


class _PaperPDF(FPDF):
    """A4, with the page numbers and the title at the foot of each page."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self.foot = _clean(paper.title)
        self.set_title(self.foot)
        self.set_lang("en-US")
        self.set_creation_date(paper.dated)
        self.set_producer("Clientele")
        self.set_margins(_MARGIN, _MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, _BOTTOM)
        self.add_font("sans", "", REGULAR)
        self.add_font("sans", "B", BOLD)
        others = fonts_for(_texts(paper))
        for font in others:
            self.add_font(font.stem, "", font)
        self.set_fallback_fonts([font.stem for font in others], exact_match=False)
        self.set_text_shaping(True)
        self.set_draw_color(*_RULE)

    def footer(self) -> None:
        """Print the title and the number of the page."""
        self.set_y(-_BOTTOM + 6)
        self.write_in(_SMALL, color=_FAINT)
        self.cell(self.epw, 4, f"{self.foot}, page {self.page_no()} of {{nb}}", align="L")

    def write_in(self, size: float, *, color: tuple[int, int, int] = _INK, is_bold: bool = False) -> None:
        """Use this size and color for what follows."""
        self.set_font("sans", "B" if is_bold else "", size)
        self.set_text_color(*color)

    def rows(self, x: float, width: float, rows: list[str], align: str = "L") -> None:
        """Print texts below each other, in a column."""
        for row in rows:
            self.set_x(x)
            self.multi_cell(width, _STEP, _clean(row), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def to_pdf(paper: Paper) -> bytes:
    """The file's content."""
    pdf = _PaperPDF(paper)
    pdf.add_page()
    _head(pdf, paper)
    _parties(pdf, paper)
    _lines(pdf, paper)
    _sums(pdf, paper)
    _remarks(pdf, paper)
    return bytes(pdf.output())


def _head(pdf: _PaperPDF, paper: Paper) -> None:
    top, half = pdf.get_y(), pdf.epw / 2
    pdf.write_in(_TITLE, is_bold=True)
    pdf.set_xy(pdf.l_margin + half, top)
    pdf.multi_cell(half, 9, paper.kind, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    below = pdf.get_y()
    pdf.set_y(top)
    pdf.write_in(_LARGE, color=_ACCENT, is_bold=True)
    pdf.rows(pdf.l_margin, half, list(paper.seller[:1]))
    pdf.write_in(_SIZE)
    pdf.rows(pdf.l_margin, half, list(paper.seller[1:]))
    pdf.set_y(max(pdf.get_y(), below) + 9)


def _parties(pdf: _PaperPDF, paper: Paper) -> None:
    """The buyer on the left, the facts on the right."""
    top, half = pdf.get_y(), pdf.epw / 2
    pdf.write_in(_SMALL, color=_FAINT, is_bold=True)
    pdf.rows(pdf.l_margin, half, ["Billed to"])
    pdf.write_in(_SIZE)
    pdf.rows(pdf.l_margin, half - 6, list(paper.buyer))
    below = pdf.get_y()
    pdf.set_y(top)
    for label, value in paper.facts:
        line = pdf.get_y()
        pdf.write_in(_SIZE, color=_FAINT)
        pdf.rows(pdf.l_margin + half, half * 0.35, [label])
        pdf.set_y(line)
        pdf.write_in(_SIZE)
        pdf.rows(pdf.l_margin + half * 1.35, half * 0.65, [value], align="R")
    pdf.set_y(max(pdf.get_y(), below) + 9)


def _lines(pdf: _PaperPDF, paper: Paper) -> None:
    columns = len(paper.headings)
    pdf.write_in(_SIZE)
    heading = FontFace(emphasis="BOLD", size_pt=_SMALL, color=_FAINT)
    with pdf.table(
        col_widths=_WIDTHS[columns],
        text_align=("LEFT", *["RIGHT"] * (columns - 1)),
        headings_style=heading,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=_STEP,
        padding=(1.3, 0, 1.3, 0),
        v_align="TOP",
    ) as table:
        table.row(paper.headings)
        for line in paper.lines:
            row = table.row()
            row.cell(
                "\n".join(filter(None, (_clean(line.description), line.period))), padding=(1.3, 4, 1.3, 0)
            )
            if columns > 2:
                row.cell(line.quantity)
                row.cell(line.unit_price)
            row.cell(line.amount)


def _sums(pdf: _PaperPDF, paper: Paper) -> None:
    """The sums, kept together on one page if they fit on one."""
    left = pdf.l_margin + pdf.epw * _SUMS_FROM
    label, amount = pdf.epw * (1 - _SUMS_FROM) - 34, 34.0
    pdf.ln(4)
    pdf.write_in(_SIZE)
    height = sum(_height(pdf, row.label, label if row.amount else label + amount) for row in paper.sums)
    if pdf.will_page_break(min(height, pdf.eph - 1)):
        pdf.add_page()
    for row in paper.sums:
        if pdf.will_page_break(_height(pdf, row.label, label)):
            pdf.add_page()
        pdf.write_in(_SIZE, is_bold=row.is_total)
        top = pdf.get_y()
        if row.is_total:
            pdf.line(left, top, pdf.w - pdf.r_margin, top)
        pdf.set_y(top + 0.9)
        pdf.rows(left, label if row.amount else label + amount, [row.label])
        below = pdf.get_y() + 0.9
        pdf.set_xy(left + label, top + 0.9)
        pdf.cell(amount, _STEP, row.amount, align="R")
        pdf.set_xy(pdf.l_margin, below)


def _remarks(pdf: _PaperPDF, paper: Paper) -> None:
    pdf.ln(7)
    if paper.to_pay:
        rows = [row for row in paper.to_pay.splitlines() if row.strip()]
        if pdf.will_page_break(min(sum(_height(pdf, row, pdf.epw) for row in rows) + _STEP, pdf.eph - 1)):
            pdf.add_page()
        pdf.write_in(_SMALL, color=_FAINT, is_bold=True)
        pdf.rows(pdf.l_margin, pdf.epw, ["Payment"])
        pdf.write_in(_SIZE)
        pdf.rows(pdf.l_margin, pdf.epw, rows)
        pdf.ln(3)
    pdf.write_in(_SIZE, color=_FAINT)
    pdf.rows(pdf.l_margin, pdf.epw, list(paper.remarks))


def _height(pdf: _PaperPDF, text: str, width: float) -> float:
    lines: Any = pdf.multi_cell(width, _STEP, _clean(text), dry_run=True, output="LINES")
    return len(lines) * _STEP + 1.8


def _texts(paper: Paper) -> list[str]:
    return [
        paper.title,
        *paper.seller,
        *paper.buyer,
        *(value for _, value in paper.facts),
        *(line.description for line in paper.lines),
        *(row.label for row in paper.sums),
        *paper.remarks,
        paper.to_pay,
    ]


def _clean(text: str) -> str:
    """The text in one line, without characters that have no picture."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
