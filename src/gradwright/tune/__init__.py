"""Many networks at once: search, cross-validation, seeds, comparisons, ablations."""

from gradwright.tune.groups import Group, Groups
from gradwright.tune.layout import Choice, Layout
from gradwright.tune.members import Member, MemberResult, Members, train_members
from gradwright.tune.population import Population

__all__ = ["Choice", "Group", "Groups", "Layout", "Member", "MemberResult", "Members", "Population", "train_members"]
