"""Which settings go together: one that would be ignored is refused instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradwright.train.config import Config

__all__ = ["NETWORK_SETTINGS", "settings_in_vain"]

#: The settings that each network has of those that not all have.
NETWORK_SETTINGS: dict[str, tuple[str, ...]] = {
    "gpt": ("depth", "width", "dropout"),
    "highway": ("depth", "width", "activation"),
    "lenet": ("activation",),
    "linear": (),
    "mlp": ("hidden", "activation", "dropout", "batch_norm"),
    "resnet": ("depth", "width", "stochastic_depth"),
    "tagger": ("depth", "width", "dropout"),
    "window-tagger": ("width",),
}

_CLOSURE = ("lookahead", "accumulate", "clip_norm", "clip_value", "gradient_noise", "schedule", "warmup")

#: The settings that mean nothing to a rule: those that look at the loss by themselves, and one that reads signs only.
_NOT_FOR: dict[str, tuple[str, ...]] = {
    "lbfgs": _CLOSURE,
    "newton": _CLOSURE,
    "rprop": ("schedule", "warmup", "clip_norm", "clip_value"),
}


def settings_in_vain(config: Config) -> list[str]:
    """Return a sentence for each setting that the others make meaningless.

    Examples
    --------
    >>> from gradwright.train import Config
    >>> Config(source="digits", network="lenet", depth=3)
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Config
      Value error, depth = 3: lenet has no such setting; gpt, highway, resnet, tagger have it ...
    """
    fields = type(config).model_fields

    def given(name: str) -> bool:
        return bool(getattr(config, name) != fields[name].default)

    problems = []
    takes = NETWORK_SETTINGS.get(config.network, ())
    for name in dict.fromkeys(name for names in NETWORK_SETTINGS.values() for name in names):
        if name not in takes and given(name):
            having = [network for network, names in NETWORK_SETTINGS.items() if name in names]
            problems.append(
                f"{name} = {getattr(config, name)}: {config.network} has no such setting; {', '.join(having)} "
                f"{'have' if len(having) > 1 else 'has'} it"
            )
    for name in _NOT_FOR.get(config.optimizer, ()):
        if given(name):
            problems.append(f"{name} = {getattr(config, name)}: it means nothing to {config.optimizer}")
    if config.lr == "auto" and config.optimizer in _NOT_FOR:
        problems.append(f"lr = auto: {config.optimizer} finds the size of its steps by itself")
    if config.precision == "bfloat16" and config.dtype == "float64":
        problems.append("precision = bfloat16: dtype = float64 asks for the opposite")
    for name in ("patience", "min_delta"):
        if config.stopping != "patience" and given(name):
            problems.append(f"{name} = {getattr(config, name)}: stopping = {config.stopping} has no such setting")
    if config.schedule == "plateau" and config.warmup:
        problems.append(f"warmup = {config.warmup}: plateau goes by epochs and has no warm-up")
    return problems
