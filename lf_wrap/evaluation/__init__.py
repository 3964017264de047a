"""What the base and the tuned model know: questions asked, answers kept and judged, scores compared."""

from lf_wrap.evaluation.choosing import choosing_questions
from lf_wrap.evaluation.compare import Comparison, compare, corrected
from lf_wrap.evaluation.engines import ENGINES, Engine, engine_for
from lf_wrap.evaluation.evaluate import answer
from lf_wrap.evaluation.harness import HarnessRows, harness_rows, refuse_harness, write_harness
from lf_wrap.evaluation.judged import (
    JudgedRow,
    JudgedSet,
    Kind,
    QuestionSet,
    judge,
    read_judged,
    read_rows,
    rows_file,
    write_sets,
)
from lf_wrap.evaluation.questions import Question, questions, task_of
from lf_wrap.evaluation.scores import Comparisons, all_scores, scores
from lf_wrap.evaluation.sets import question_sets
from lf_wrap.evaluation.tasks import AnswerTask, Metric, Task, task_named

__all__ = [
    "ENGINES",
    "AnswerTask",
    "Comparison",
    "Comparisons",
    "Engine",
    "HarnessRows",
    "JudgedRow",
    "JudgedSet",
    "Kind",
    "Metric",
    "Question",
    "QuestionSet",
    "Task",
    "all_scores",
    "answer",
    "choosing_questions",
    "compare",
    "corrected",
    "engine_for",
    "harness_rows",
    "judge",
    "question_sets",
    "questions",
    "read_judged",
    "read_rows",
    "refuse_harness",
    "rows_file",
    "scores",
    "task_named",
    "task_of",
    "write_harness",
    "write_sets",
]
