"""The report: one HTML file that stands alone."""

from lf_wrap.report.page import Answer, Judged, ReportPage, write_report

__all__ = ["Answer", "Judged", "ReportPage", "write_report"]
