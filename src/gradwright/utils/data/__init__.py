"""PyTorch's data tools for those who write their own loop: ``gradwright.utils.data``, also in ``gradwright.data``."""

from gradwright.utils.data.collate import default_collate, default_convert
from gradwright.utils.data.combining import ChainDataset, ConcatDataset, StackDataset, Subset
from gradwright.utils.data.dataloader import DataLoader
from gradwright.utils.data.dataset import Dataset, IterableDataset, TensorDataset
from gradwright.utils.data.readahead import get_worker_info
from gradwright.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from gradwright.utils.data.splitting import random_split

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
