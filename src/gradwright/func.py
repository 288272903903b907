"""Functions of functions, under the names of ``torch.func``: ``gradwright.func``."""

from gradwright.engine.ahead import jvp
from gradwright.engine.transforms.checkpoint import checkpoint
from gradwright.engine.transforms.derivative import grad, value_and_grad, vjp
from gradwright.engine.transforms.jacobian import hessian, hvp, jacfwd, jacobian, jacrev
from gradwright.engine.transforms.scan import scan
from gradwright.engine.transforms.vmap import vmap

__all__ = [
    "checkpoint", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "scan", "value_and_grad", "vjp",
    "vmap",
]  # fmt: skip
