"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.layout import Choice, Layout
from gradwright.tune.members import Member, MemberResult, Members, train_members
from gradwright.tune.together import Group, Groups

__all__ = ["Choice", "Group", "Groups", "Layout", "Member", "MemberResult", "Members", "train_members"]
