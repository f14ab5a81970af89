"""Every node type, and the categories they are sorted into."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nodes.catalogue import (
    arrays,
    data,
    data_terms,
    functions,
    linear,
    matrices,
    operators,
    penalties,
    priors,
    shaping,
    solvers,
    solving,
    spectra,
    transforms,
    weighted,
)
from nodes.spec import Category, NodeSpec

__all__ = ["CATALOGUE", "CATEGORIES"]

# Colours: Okabe and Ito, "Color Universal Design" (2008), with the grey usually added to it.
CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        category.key: category
        for category in (
            Category("data", "Data", "#56B4E9", "mdi6.image-multiple-outline"),
            Category("variables", "Variables", "#F0E442", "mdi6.variable"),
            Category("operators", "Operators", "#009E73", "mdi6.function-variant"),
            Category("penalties", "Penalties", "#E69F00", "mdi6.scale-balance"),
            Category("constraints", "Constraints", "#D55E00", "mdi6.fence"),
            Category("problem", "Problem", "#CC79A7", "mdi6.sigma"),
            Category("solvers", "Solvers", "#0072B2", "mdi6.cog-outline"),
            Category("views", "Views", "#999999", "mdi6.eye-outline"),
        )
    }
)

# The order of the palette: what is used most comes first in its category.
_MODULES = (
    data,
    arrays,
    operators,
    transforms,
    shaping,
    matrices,
    spectra,
    penalties,
    functions,
    weighted,
    data_terms,
    priors,
    solving,
    solvers,
    linear,
)

CATALOGUE: Mapping[str, NodeSpec] = MappingProxyType(
    {spec.type: spec for module in _MODULES for spec in module.SPECS}
)
