"""What this machine has for fine-tuning, what it lacks, and the command that mends it: one file per part."""

from lf_wrap.doctor.examine import examine
from lf_wrap.doctor.finding import Finding

__all__ = ["Finding", "examine"]
