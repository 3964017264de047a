"""What can be known of a recipe before it costs GPU time: a file for each check, a function from `Case` to problems."""

from lf_wrap.recipe.checks.check import Outcome, check
from lf_wrap.recipe.checks.problem import Problem, refusal

__all__ = ["Outcome", "Problem", "check", "refusal"]
