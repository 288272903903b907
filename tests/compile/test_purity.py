"""The package differentiates by itself, and imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gradwright

PACKAGE = Path(gradwright.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
AUTODIFF = {
    "grad", "value_and_grad", "vjp", "jvp", "linearize", "linear_transpose", "jacfwd", "jacrev", "jacobian", "hessian",
    "custom_vjp", "custom_jvp", "custom_gradient", "checkpoint", "remat", "fwd_and_bwd", "autodiff", "ad", "hvp", "jet",
    "saved_input_vjp", "vjp3", "stop_gradient", "defvjp", "defjvp", "backward_pass",
}  # fmt: skip
#: names under which the package knows JAX and its parts
LIBRARY = {"jax", "jnp", "lax", "modules", "jax_modules", "torch", "autograd", "optax"}


def uses_of_autodiff(source: str) -> list[str]:
    """Return every way in which the source reaches for another library's derivatives."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in AUTODIFF:
            root = node.value
            while isinstance(root, ast.Attribute | ast.Call):
                root = root.value if isinstance(root, ast.Attribute) else root.func
            if isinstance(root, ast.Name) and root.id in LIBRARY:
                found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARY:
            names = {alias.name for alias in node.names} | set((node.module or "").split("."))
            found += [f"{node.lineno}: {name}" for name in sorted(names & AUTODIFF)]
        elif isinstance(node, ast.Import):
            found += [
                f"{node.lineno}: {alias.name}"
                for alias in node.names
                if alias.name.split(".")[0] in LIBRARY and set(alias.name.split(".")) & AUTODIFF
            ]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "import_module", "__import__"):
            words = {a.value for a in node.args if isinstance(a, ast.Constant)}
            found += [f"{node.lineno}: {word}" for word in sorted(words & AUTODIFF, key=str)]
    return found


def test_the_package_was_found():
    assert {"engine", "nn", "optim", "compile"} <= {f.parent.name for f in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_uses_another_librarys_autodiff(path):
    assert uses_of_autodiff(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import jax\njax.grad(f)",
        "jax.numpy.x; modules.jax.value_and_grad(f)(x)",
        "jax_modules().jax.vjp(f, x)",
        "from jax import jvp",
        "from jax.interpreters import ad",
        "import jax.interpreters.ad as derivatives",
        "from jax.experimental.jet import jet",
        "getattr(jax, 'grad')",
        "lax.stop_gradient(x)",
        "from torch import autograd\nautograd.grad(y, x)",
    ],
)
def test_the_scan_finds_what_it_should(source):
    assert uses_of_autodiff(source)


def test_the_scan_passes_what_is_ours():
    assert not uses_of_autodiff(
        "from gradwright.engine.autograd import grad\ngrad(y, x)\nself.vjp(x)\np.grad\nop.jvp(x)"
    )


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return result.stdout.strip()


def test_importing_the_package_imports_no_heavy_library():
    heavy = [
        "jax",
        "jaxlib",
        "torch",
        "sklearn",
        "polars",
        "scipy",
        "pandas",
        "matplotlib",
        "optax",
        "typer",
        "rich",
        "pydantic",
    ]
    assert run(f"import sys, gradwright\nprint([m for m in {heavy} if m in sys.modules])") == "[]"


def test_eager_training_needs_no_jax():
    code = """
import sys, gradwright as gw
from gradwright import nn, optim
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 2))
opt = optim.Adam(model.parameters())
loss = nn.CrossEntropyLoss()(model(gw.randn(8, 4)), gw.tensor([0, 1] * 4))
loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); model.state_dict(); repr(model)
print("jax" in sys.modules)
"""
    assert run(code) == "False"
