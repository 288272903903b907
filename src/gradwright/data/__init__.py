"""Sources, tasks, splits, preparation, batches, baselines and the sealed test part."""

from gradwright.data.baselines import Baseline, fit_baselines
from gradwright.data.batches import epoch_order, uniform
from gradwright.data.builtin import BUILTIN
from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.folds import k_fold
from gradwright.data.leakage import Leak, audit
from gradwright.data.looks import History, LookBook, PastLook, TestPart, corrected_claim
from gradwright.data.messages import DataWarning, Note
from gradwright.data.npz import read_npz
from gradwright.data.preparation import Preparation
from gradwright.data.record import data_record
from gradwright.data.rows import Features, LabeledRows, Rows
from gradwright.data.scaling import TargetScale
from gradwright.data.sealed import Ledger, Look, SealedTest
from gradwright.data.size_advice import SizeAdvice, size_advice
from gradwright.data.sources import Source, read, read_rows
from gradwright.data.splits import Split, split
from gradwright.data.task import Task, TaskKind, infer_task

__all__ = [
    "BUILTIN",
    "Baseline",
    "DataWarning",
    "Features",
    "History",
    "LabeledRows",
    "Leak",
    "Ledger",
    "Look",
    "LookBook",
    "Note",
    "PastLook",
    "Preparation",
    "Rows",
    "SealedTest",
    "SizeAdvice",
    "Source",
    "Split",
    "TargetScale",
    "Task",
    "TaskKind",
    "TestPart",
    "audit",
    "corrected_claim",
    "data_record",
    "epoch_order",
    "fingerprint_of",
    "fit_baselines",
    "infer_task",
    "k_fold",
    "read",
    "read_npz",
    "read_rows",
    "size_advice",
    "split",
    "uniform",
]
