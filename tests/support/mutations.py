"""Loads part of the program anew with one expression of it replaced: a check taken out."""

import ast
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

import twinlens

SOURCES = Path(twinlens.__file__).parent
_COMMANDS = ("commands.acting", "commands.apply", "commands.trash", "commands.undo")
_PARTS = ("twinlens.actions", *(f"twinlens.{name}" for name in _COMMANDS))


class _Replace(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new
        self.times = 0

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and ast.unparse(node) == self._old:
            self.times += 1
            return ast.copy_location(ast.parse(self._new, mode="eval").body, node)
        return self.generic_visit(node)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, old: str, new: str) -> None:
        super().__init__(name, path)
        self._old, self._new = old, new

    def get_code(self, fullname: str) -> CodeType:
        replace = _Replace(self._old, self._new)
        tree = replace.visit(ast.parse(Path(self.path).read_bytes()))
        assert replace.times, f"{fullname} has no {self._old!r} any more: change the mutation too"
        code = compile(ast.fix_missing_locations(tree), self.path, "exec")
        assert isinstance(code, CodeType)
        return code


class _Finder:
    def __init__(self, name: str, old: str, new: str) -> None:
        self._name, self._old, self._new = name, old, new

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        loader = _Loader(name, spec.origin, self._old, self._new)
        return importlib.util.spec_from_loader(name, loader, origin=spec.origin)


@contextmanager
def loaded(mutation: tuple[str, str, str] | None = None) -> Iterator[Mapping[str, ModuleType]]:
    """The rooms of actions, loaded anew: modules by their name below `twinlens`. `mutation` is a
    module ("actions.pairs"), an expression in it as `ast.unparse` writes it, and what replaces it.
    """
    old = {name: module for name, module in sys.modules.items() if name.startswith(_PARTS)}
    homes = {name: dict(vars(sys.modules[name])) for name in ("twinlens", "twinlens.commands")}
    for name in old:
        del sys.modules[name]
    finder = None
    if mutation is not None:
        finder = _Finder(f"twinlens.{mutation[0]}", *mutation[1:])
        sys.meta_path.insert(0, finder)
    try:
        names = [f"actions.{path.stem}" for path in sorted((SOURCES / "actions").glob("[a-z]*.py"))]
        names += _COMMANDS
        yield {name: importlib.import_module(f"twinlens.{name}") for name in names}
    finally:
        if finder is not None:
            sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(_PARTS)]:
            del sys.modules[name]
        sys.modules.update(old)
        for name, contents in homes.items():
            vars(sys.modules[name]).update(contents)


def refusing_checks(module: str) -> Iterator[str]:
    """The condition of every `if` of a module that does nothing but raise, as `ast.unparse` writes
    it."""
    path = SOURCES / (module.replace(".", "/") + ".py")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
            yield ast.unparse(node.test)
