"""How much of the scores' spread goes with each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradwright.tune.space import Space
from gradwright.tune.strategies import Direction

__all__ = ["importance"]

#: Fewer trials with a score tell nothing.
_FEWEST = 8


def importance(
    space: Space, trials: Sequence[Mapping[str, Any]], direction: Direction, *, seed: int = 0
) -> dict[str, Any]:
    """Return the share of the scores' variance that each parameter explains, by functional ANOVA.

    Parameters
    ----------
    space : Space
        What varied.
    trials : sequence of dict
        Lines of ``trials.jsonl``; those that are complete count.
    direction : {"minimize", "maximize"}
        Which scores are better.
    seed : int
        Of the random forest.

    Returns
    -------
    dict
        ``shares`` by name, which may be empty, and ``method`` in words, which then says why.

    Notes
    -----
    Optuna's evaluator, on scikit-learn's forest. A parameter that only some trials have is left out, and named.

    References
    ----------
    F. Hutter, H. Hoos and K. Leyton-Brown, An efficient approach for assessing hyperparameter importance (ICML 2014).

    Examples
    --------
    >>> from gradwright.tune import Linear
    >>> trials = [{"parameters": {"lr": 0.1 + x / 16, "dropout": x * 7 % 16 / 16}, "state": "complete", "score": x}
    ...           for x in range(16)]
    >>> found = importance(Space({"lr": Linear(0.1, 2.0), "dropout": Linear(0.0, 0.99)}), trials, "maximize")
    >>> max(found["shares"], key=found["shares"].get)
    'lr'
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    complete = [t for t in trials if t["state"] == "complete" and t["score"] is not None]
    if len(complete) < _FEWEST or len({t["score"] for t in complete}) < 2:
        return {"shares": {}, "method": f"not computed: {len(complete)} complete trials with too little between them"}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=direction)
    study.add_trials(
        create_trial(
            value=t["score"],
            params={n: space[n].stored(v) for n, v in t["parameters"].items()},
            distributions={n: space[n].distribution() for n in t["parameters"]},
        )
        for t in complete
    )
    everywhere = [n for n in space if all(n in t["parameters"] for t in complete)]
    varied = [n for n in everywhere if len({repr(t["parameters"][n]) for t in complete}) > 1]
    evaluator = FanovaImportanceEvaluator(seed=seed % 2**32)
    shares = dict(get_param_importances(study, evaluator=evaluator, params=varied)) if varied else {}
    left = [n for n in space if n not in everywhere]
    method = f"functional ANOVA (Hutter et al., 2014) on {len(complete)} complete trials"
    return {
        "shares": {name: float(share) for name, share in shares.items()},
        "method": method + (f"; without {', '.join(left)}, which only some of them have" if left else ""),
    }
