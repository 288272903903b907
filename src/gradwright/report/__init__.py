"""The report of a run: pure data first (`*_info`), then one self-contained HTML page."""

from gradwright.report.baselines import baselines_info
from gradwright.report.compare import compare_info
from gradwright.report.confusion import confusion_info
from gradwright.report.curves import curves_info
from gradwright.report.example import example_files, example_record
from gradwright.report.facts import data_info, environment_info, settings_info, time_info
from gradwright.report.figures import figures_info
from gradwright.report.graph import graph_info
from gradwright.report.layers import layers_info
from gradwright.report.ledger import ledger_info
from gradwright.report.page import render, render_rates, write_report
from gradwright.report.records import RunRecord, parse_record, read_record
from gradwright.report.scatter import scatter_info
from gradwright.report.summary import summary_info

__all__ = [
    "RunRecord",
    "baselines_info",
    "compare_info",
    "confusion_info",
    "curves_info",
    "data_info",
    "environment_info",
    "example_files",
    "example_record",
    "figures_info",
    "graph_info",
    "layers_info",
    "ledger_info",
    "parse_record",
    "read_record",
    "render",
    "render_rates",
    "scatter_info",
    "settings_info",
    "summary_info",
    "time_info",
    "write_report",
]
