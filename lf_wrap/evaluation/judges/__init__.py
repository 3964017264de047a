"""Who says which answer is better: a model behind an endpoint, or people with a blinded sheet."""

from lf_wrap.evaluation.judges.agreement import cohens_kappa
from lf_wrap.evaluation.judges.endpoint import Bill, Endpoint
from lf_wrap.evaluation.judges.judging import Judging, Models, Planned, plan
from lf_wrap.evaluation.judges.pairwise import Duel
from lf_wrap.evaluation.judges.ranking import Ranked, rank
from lf_wrap.evaluation.judges.rubric import Rubric, rubric_named
from lf_wrap.evaluation.judges.sheet import read_sheet, write_sheet

__all__ = [
    "Bill",
    "Duel",
    "Endpoint",
    "Judging",
    "Models",
    "Planned",
    "Ranked",
    "Rubric",
    "cohens_kappa",
    "plan",
    "rank",
    "read_sheet",
    "rubric_named",
    "write_sheet",
]
