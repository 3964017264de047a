"""How a page is made: templates that escape all text that is not our own, one style, nothing loaded, nothing run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from lf_wrap.report.plain import plain


def rendered(template: str, styles: tuple[str, ...], filters: Mapping[str, Callable[..., Any]], **told: Any) -> str:
    """The template of that name with what is `told`. The same in, the same out."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lf_wrap.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else _safe(value),
    )
    environment.filters |= {**filters, "plain": plain}
    folder = files("lf_wrap.report").joinpath("templates")
    style = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in styles)
    return environment.get_template(template).render(style=Markup(style), **told)  # noqa: S704  (our own files)


def drawings(drawn: object) -> Any:
    """Drawings are ours, made from numbers and from escaped names: they go into the page as they are."""
    from markupsafe import Markup

    if isinstance(drawn, dict):
        return {name: drawings(one) for name, one in drawn.items()}
    return Markup(drawn) if drawn else None  # noqa: S704


def _safe(value: object) -> object:
    """What is printed into the page: lone surrogates, which no file can hold, become visible."""
    return plain(value, longest=1_000_000) if isinstance(value, str) else value
