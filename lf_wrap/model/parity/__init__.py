"""Is the exported model the tuned one? Its tensors, its logits and its chat template, each against training's."""

from lf_wrap.model.parity.preparing import Prepared, prepared_meanwhile
from lf_wrap.model.parity.trained_template import TrainedTemplate
from lf_wrap.model.parity.verdict import Parity, prove

__all__ = ["Parity", "Prepared", "TrainedTemplate", "prepared_meanwhile", "prove"]
