"""Sources from outside: a package with an entry point in the group `lfw` brings its own raw layouts.

In the package's pyproject.toml:  [project.entry-points.lfw]  and  mine = "my_package.lfw_plugin"
"""

from __future__ import annotations

from functools import cache

import pluggy

from lf_wrap.sources.source import Source

GROUP = "lfw"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def lfw_sources() -> list[type[Source]]:
    """The raw layouts that the plugin knows. An unknown file is held against them before lfw's own."""
    raise NotImplementedError


@cache
def plugin_sources() -> tuple[type[Source], ...]:
    """The sources of all installed plugins."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(_Specs)
    manager.load_setuptools_entrypoints(GROUP)
    return tuple(source for found in manager.hook.lfw_sources() for source in found)


class _Specs:
    lfw_sources = staticmethod(lfw_sources)
