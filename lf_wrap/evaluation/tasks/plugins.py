"""Tasks from outside: a package with an entry point in the group `lfw` brings its own ways to judge.

In the package's pyproject.toml:  [project.entry-points.lfw]  and  mine = "my_package.lfw_plugin"
"""

from __future__ import annotations

from functools import cache

import pluggy

from lf_wrap.evaluation.tasks.task import Task
from lf_wrap.sources.plugins import GROUP, hookspec


@hookspec
def lfw_tasks() -> list[type[Task]]:
    """The tasks that the plugin brings. One with a name of lfw's own takes its place."""
    raise NotImplementedError


@cache
def plugin_tasks() -> tuple[type[Task], ...]:
    """The tasks of all installed plugins."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(_Specs)
    manager.load_setuptools_entrypoints(GROUP)
    return tuple(task for found in manager.hook.lfw_tasks() for task in found)


class _Specs:
    lfw_tasks = staticmethod(lfw_tasks)
