"""`python -m lf_wrap` is `lfw`."""

from lf_wrap.cli.main import run

run()
