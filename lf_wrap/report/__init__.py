"""The report of a run: one HTML file that stands alone, the same as Markdown and as JSON."""

from lf_wrap.report.markdown import to_markdown
from lf_wrap.report.page import to_html
from lf_wrap.report.report import Report

__all__ = ["Report", "to_html", "to_markdown"]
