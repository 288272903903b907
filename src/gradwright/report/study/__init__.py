"""The report of a study: pure data first (`*_info`), then one self-contained HTML page."""

from gradwright.report.study.bands import bands_info
from gradwright.report.study.contest import contest_info
from gradwright.report.study.groups import groups_info
from gradwright.report.study.history import history_info
from gradwright.report.study.impact import impact_info
from gradwright.report.study.importance import importance_info
from gradwright.report.study.members import members_info
from gradwright.report.study.page import render_study, study_summary, write_study_report
from gradwright.report.study.parallel import parallel_info
from gradwright.report.study.records import Curve, Parameter, StudyRecord, Trial, read_study
from gradwright.report.study.scale import scales_info
from gradwright.report.study.scores import ranking_info
from gradwright.report.study.seeds import seeds_info
from gradwright.report.study.slices import slices_info
from gradwright.report.study.tune import tune_info
from gradwright.report.study.validation import validation_info

__all__ = [
    "Curve",
    "Parameter",
    "StudyRecord",
    "Trial",
    "bands_info",
    "contest_info",
    "groups_info",
    "history_info",
    "impact_info",
    "importance_info",
    "members_info",
    "parallel_info",
    "ranking_info",
    "read_study",
    "render_study",
    "scales_info",
    "seeds_info",
    "slices_info",
    "study_summary",
    "tune_info",
    "validation_info",
    "write_study_report",
]
