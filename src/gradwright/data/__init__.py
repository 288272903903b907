"""Sources, tasks, splits, preparation, batches, baselines and the sealed test part."""

from gradwright.data.baselines import Baseline, fit_baselines
from gradwright.data.batches import epoch_order, uniform
from gradwright.data.builtin import BUILTIN
from gradwright.data.encoding import encode_rows, fit_preparation, network_targets, outputs_of
from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.folds import k_fold
from gradwright.data.inference import OVERRULES, infer_task
from gradwright.data.leakage import Leak, audit
from gradwright.data.looks import History, LookBook, PastLook, TestPart, corrected_claim
from gradwright.data.messages import DataWarning, Note
from gradwright.data.npz import read_npz
from gradwright.data.preparation import Preparation
from gradwright.data.record import data_record
from gradwright.data.rows import Features, LabeledRows, Rows
from gradwright.data.scaling import TargetScale, TargetScales
from gradwright.data.sealed import Ledger, Look, SealedTest
from gradwright.data.size_advice import SizeAdvice, size_advice
from gradwright.data.sources import Source, read, read_rows
from gradwright.data.splits import Split, split
from gradwright.data.streaming import Streamed, StreamPart, must_stream, stream
from gradwright.data.task import Task, TaskKind
from gradwright.data.token_baselines import TokenFrequencies
from gradwright.data.tokens import TokenPreparation
from gradwright.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)

__all__ = [
    "BUILTIN",
    "OVERRULES",
    "Baseline",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "DataWarning",
    "Dataset",
    "Features",
    "History",
    "IterableDataset",
    "LabeledRows",
    "Leak",
    "Ledger",
    "Look",
    "LookBook",
    "Note",
    "PastLook",
    "Preparation",
    "RandomSampler",
    "Rows",
    "Sampler",
    "SealedTest",
    "SequentialSampler",
    "SizeAdvice",
    "Source",
    "Split",
    "StackDataset",
    "StreamPart",
    "Streamed",
    "Subset",
    "SubsetRandomSampler",
    "TargetScale",
    "TargetScales",
    "Task",
    "TaskKind",
    "TensorDataset",
    "TestPart",
    "TokenFrequencies",
    "TokenPreparation",
    "WeightedRandomSampler",
    "audit",
    "corrected_claim",
    "data_record",
    "default_collate",
    "encode_rows",
    "epoch_order",
    "fingerprint_of",
    "fit_baselines",
    "fit_preparation",
    "infer_task",
    "k_fold",
    "must_stream",
    "network_targets",
    "outputs_of",
    "random_split",
    "read",
    "read_npz",
    "read_rows",
    "size_advice",
    "split",
    "stream",
    "uniform",
]
