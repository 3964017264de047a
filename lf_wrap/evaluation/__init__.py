"""What the base and the tuned model know: questions asked, answers kept, scores compared."""

from lf_wrap.evaluation.compare import Comparison, compare
from lf_wrap.evaluation.evaluate import answer, read_answers, scores
from lf_wrap.evaluation.questions import Question, questions, task_of
from lf_wrap.evaluation.tasks import TASKS, Task, task_named

__all__ = [
    "TASKS",
    "Comparison",
    "Question",
    "Task",
    "answer",
    "compare",
    "questions",
    "read_answers",
    "scores",
    "task_named",
    "task_of",
]
