"""The leakage audit: ways in which a test part tells less than it seems to, looked for before training."""

from gradwright.data.leakage.audit import audit
from gradwright.data.leakage.leak import Leak

__all__ = ["Leak", "audit"]
