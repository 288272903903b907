"""What each part of a configuration is worth: left out or replaced one by one, and one after the other."""

from gradwright.tune.ablation.columns import column_parts, read_groups
from gradwright.tune.ablation.parts import Part, select_parts, setting_parts
from gradwright.tune.ablation.run import ablate

__all__ = ["Part", "ablate", "column_parts", "read_groups", "select_parts", "setting_parts"]
