"""Is the exported model the tuned one? Its tensors, its logits and its chat template, each against training's."""

from lf_wrap.model.parity.preparing import template_meanwhile
from lf_wrap.model.parity.trained_template import TrainedTemplate
from lf_wrap.model.parity.verdict import Parity, prove

__all__ = ["Parity", "TrainedTemplate", "prove", "template_meanwhile"]
