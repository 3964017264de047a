"""The report of a run: one HTML file that stands alone, the same as Markdown and as JSON; and a dataset's page."""

from lf_wrap.report.dataset_page import DatasetPage, Model, Shown, dataset_html, dataset_page, measure, seen
from lf_wrap.report.markdown import to_markdown
from lf_wrap.report.page import to_html
from lf_wrap.report.report import Report

__all__ = [
    "DatasetPage",
    "Model",
    "Report",
    "Shown",
    "dataset_html",
    "dataset_page",
    "measure",
    "seen",
    "to_html",
    "to_markdown",
]
