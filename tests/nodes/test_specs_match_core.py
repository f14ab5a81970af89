"""Every declaration held against the real function, read statically: nothing drifts unseen."""

from __future__ import annotations

import ast
import html
import json
import re
from pathlib import Path

import griffe
import pytest

from dprox_core.compiler.methods import METHODS
from nodes.catalogue import CATALOGUE, CATEGORIES
from nodes.helptext import library_object, read_help
from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec

ROOT = Path(__file__).resolve().parents[2]
SPECS = list(CATALOGUE.values())
CALLED = [spec for spec in SPECS if spec.function]

# Arguments of the library that no port and no parameter of a node stands for, and why.
UNMAPPED = {
    "sum_squares": {"b": "the port “minus” writes the difference"},
    "weighted_sum_squares": {"b": "the port “minus” writes the difference"},
    "Variable": {"name": "the node's own name"},
    "Problem": {
        "constraints": "constraints are terms",
        "sense": "a graph minimizes; linear programs have their own nodes",
    },
    "Problem.solve": {
        "method": "the node's type",
        "device": "chosen by whoever runs the script",
        "options": "each node has those of its method",
        "rho": "FISTA has no penalty parameter",
    },
    "simplex": {"axis": "all values together"},
    "deep_prior": {
        "trainable": "a graph trains nothing",
        "unroll_step": "a graph trains nothing",
        "sqrt": "the course of noise levels is the same",
        "overlap": "follows from how far the network sees",
    },
    "denoise": {"overlap": "follows from how far the network sees"},
    "save_image": {"path": "the node's label"},
    "LinearProgram.solve": {
        "method": "chosen automatically",
        "device": "chosen by whoever runs the script",
    },
    **{
        f"plot_{what}": {"path": "the node's label"}
        for what in ("dispatch", "capacity", "storage", "prices", "values", "convergence")
    },
}
# Functions of the library that no node stands for, and why.
WITHOUT_A_NODE = {
    "patch_nlm": "the node of deep_prior with the denoiser nlm",
    **dict.fromkeys(("certify", "save_lp", "solve_lp"), "programs solve themselves in a graph"),
}
# Defaults on the node that differ from the library's, on purpose: shown in every script.
OTHER_DEFAULTS = {("Problem.solve", "max_iter"), ("split", "axis"), ("sum_over", "axes")}


def signature(spec: NodeSpec) -> dict[str, griffe.Parameter]:
    """The arguments of the function behind a node type."""
    found = library_object(spec.function)
    assert found is not None, f"dprox_core has no {spec.function}"
    assert isinstance(found, griffe.Function | griffe.Class)
    return {p.name: p for p in found.parameters if p.name != "self"}


def default_of(spec: NodeSpec, argument: griffe.Parameter) -> object:
    """The default as a value; names of constants are looked up in the module."""
    text = str(argument.default)
    try:
        return ast.literal_eval(text)
    except ValueError:
        pass
    found = library_object(spec.function)
    assert found is not None
    resolved = found.module.modules_collection[found.resolve(text)]
    target = resolved.final_target if isinstance(resolved, griffe.Alias) else resolved
    assert isinstance(target, griffe.Attribute)
    return ast.literal_eval(str(target.value))


def options_of(spec: NodeSpec) -> set[str]:
    """What the method of a solver's node takes beyond what every solve takes."""
    method = spec.constants.get("method", "")
    own = METHODS[method][0] if method in METHODS else ()
    return {*own, "anderson"} - set(signature(spec))


def arguments_of(spec: NodeSpec) -> list[str]:
    """What the node writes, in order: ports, then parameters."""
    ports = [port.keyword or port.attribute or port.name for port in spec.inputs]
    names = [p.name for p in spec.parameters]
    if spec.form is Form.PENALTY:
        # The expression is the first argument whatever the library calls it; the weight is a
        # factor in front, and the target a difference inside.
        more = [port.name for port in spec.inputs[1:] if port.name != "target"]
        ports = [*list(signature(spec))[:1], *more]
        names = [name for name in names if name != "weight"]
    elif spec.form is Form.PROBLEM:
        ports = ["objective"]
    elif spec.form is Form.SOLVE:
        ports = ports[1:]
        names = [name for name in names if name not in options_of(spec)]
    elif spec.form is Form.VIEW:
        names = [name for name in names if name != "label"]
    elif spec.form is Form.PIECE:
        names = [name for name in names if name != "piece"]
    return [*ports, *names]


@pytest.mark.parametrize("spec", CALLED, ids=lambda spec: spec.type)
def test_every_argument_is_a_port_a_parameter_or_left_out_for_a_reason(spec: NodeSpec) -> None:
    arguments = signature(spec)
    left_out = UNMAPPED.get(spec.function, {})
    written = arguments_of(spec)
    assert set(written) <= set(arguments)
    unexplained = set(arguments) - set(written) - set(left_out)
    assert not unexplained


@pytest.mark.parametrize("spec", CALLED, ids=lambda spec: spec.type)
def test_what_is_written_by_position_is_in_the_librarys_order(spec: NodeSpec) -> None:
    arguments = list(signature(spec))
    written = [name for name in arguments_of(spec) if name in arguments]
    positional = [name for port in spec.inputs if port.keyword is None for name in [port.name]]
    if spec.form in (Form.CALL, Form.VIEW):
        order = [arguments.index(name) for name in written]
        assert order == sorted(order)
        assert len(positional) <= len(order)


def pairs() -> list[tuple[NodeSpec, Parameter]]:
    return [(spec, p) for spec in CALLED for p in spec.parameters if p.name in signature(spec)]


@pytest.mark.parametrize(
    ("spec", "parameter"), pairs(), ids=lambda part: getattr(part, "type", None) or part.name
)
def test_defaults_are_the_librarys(spec: NodeSpec, parameter: Parameter) -> None:
    argument = signature(spec)[parameter.name]
    if argument.default is None:
        # Without a default in the library, the script must always say the value.
        assert not parameter.quiet
        return
    if (spec.function, parameter.name) in OTHER_DEFAULTS:
        assert not parameter.quiet
        return
    default = default_of(spec, argument)
    source = parameter.literals.get(str(parameter.default))
    mine = ast.literal_eval(source) if source else parameter.default
    assert mine == default
    assert type(mine) is type(default)


@pytest.mark.parametrize("spec", CALLED, ids=lambda spec: spec.type)
def test_the_help_explains_every_argument(spec: NodeSpec) -> None:
    page = spec.help()
    assert page.summary.endswith(".")
    assert page.example or spec.form is Form.SOLVE
    for name in arguments_of(spec):
        assert page.argument(name), name
    plain = re.sub(r"<[^>]*>", "", html.unescape(page.html()))
    assert page.summary.replace("`", "") in plain


@pytest.mark.parametrize(
    "spec", [s for s in CALLED if s.constants.get("method") in METHODS], ids=lambda spec: spec.type
)
def test_a_solver_has_the_options_of_its_method(spec: NodeSpec) -> None:
    method = spec.constants["method"]
    own = {p.name for p in spec.parameters} - set(signature(spec))
    # Lists of noise levels and of terms are written in code.
    assert own == options_of(spec) - {"sigmas", "split"}
    defaults = {"adaptive": True, "preconditioned": True, "backtracking": False, "restart": True}
    defaults |= {"relaxation": 1.0 if method == "pdhg" else 1.6, "variant": "pd3o"}
    for name in own:
        parameter = spec.parameter(name)
        assert parameter is not None
        assert parameter.quiet
        source = parameter.literals.get(str(parameter.default))
        mine = ast.literal_eval(source) if source else parameter.default
        assert mine == defaults.get(name)
        assert f"``{name}``" in read_help("Problem.compile").argument("options")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_a_declaration_is_complete(spec: NodeSpec) -> None:
    assert spec.category in CATEGORIES
    assert spec.title[0].isupper()
    assert spec.stem.isidentifier()
    assert spec.help().summary
    assert spec.formula or spec.form is Form.VIEW
    assert spec.keywords
    names = [port.name for port in (*spec.inputs, *spec.outputs)]
    assert len({port.name for port in spec.inputs}) == len(spec.inputs)
    assert names
    assert len(spec.outputs) <= 1
    for port in spec.inputs:
        assert port.help.endswith(".")
    for parameter in spec.parameters:
        assert parameter.validate(parameter.default) is None
        assert parameter.help.endswith(".")
        assert parameter.kind in ("float", "int", "bool", "choice", "path", "text")
        assert set(parameter.literals) <= set(parameter.choices)
    assert isinstance(spec.summary(spec.defaults()), str)
    broken = {name: [] for name in spec.defaults()}
    assert isinstance(spec.summary(broken), str)  # type: ignore[arg-type]


def test_every_function_of_the_library_that_makes_terms_or_data_has_a_node() -> None:
    found = library_object("Problem")
    assert found is not None
    public = ast.literal_eval(str(found.package["__all__"].value))
    functions = {
        name
        for name in public
        if isinstance(library_object(name), griffe.Function)
        # What listens to a solve, or measures, is no part of a graph.
        and name
        not in (
            "monitor",
            "session",
            "cancel_requested",
            "psnr",
            # A layer of a network is made and trained in code.
            "specialize",
            "train",
            "candidates",
            "gradient_report",
            "estimate_noise",
            "lipschitz",
            "log_descent",
            "denoiser",
        )
        and name not in WITHOUT_A_NODE
    }
    assert set(WITHOUT_A_NODE) <= set(public)
    assert functions <= {spec.function for spec in SPECS}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_notations_are_filled_in_from_ports_and_parameters(spec: NodeSpec) -> None:
    if spec.notation is None:
        return
    slots = set(re.findall(r"\{(\w+)\}", spec.notation.tex + spec.notation.html))
    known = {port.name for port in spec.inputs} | {p.name for p in spec.parameters} | {"name"}
    assert slots <= known


def test_every_icon_is_in_the_icon_set() -> None:
    fonts = Path(pytest.importorskip("qtawesome").__file__).parent / "fonts"
    charmap = json.loads(next(fonts.glob("materialdesignicons6*.json")).read_text("utf-8"))
    icons = {spec.icon for spec in SPECS} | {c.icon for c in CATEGORIES.values()}
    for icon in icons:
        family, name = icon.split(".")
        assert family == "mdi6"
        assert name in charmap


def test_category_colours_are_those_of_okabe_and_ito() -> None:
    palette = {"000000", "E69F00", "56B4E9", "009E73", "F0E442", "0072B2", "D55E00", "CC79A7"} | {
        "999999"
    }
    colours = [category.colour.removeprefix("#") for category in CATEGORIES.values()]
    assert set(colours) <= palette
    assert len(set(colours)) == len(colours)
