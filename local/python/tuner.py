"""Searches hyperparameters for the local SageMaker: one JSON request a line on stdin, one JSON answer a line on stdout.

It keeps nothing between requests. Each carries all trials of a tuning job, so that the service's files are the only truth
and this process may be killed at any moment:

    {"id", "name", "strategy": "Bayesian" | "Random" | "Grid" | "Hyperband", "direction": "maximize" | "minimize", "seed",
     "space": [{"name", "kind": "continuous" | "integer" | "categorical", "low", "high", "scale", "values"}],
     "resource": {"min", "max"} (Hyperband), "ask": how many suggestions,
     "trials": [{"parameters", "state": "running" | "complete" | "stopped" | "failed", "value"}],
     "reports": [[index of the trial, step, value]] in the order in which they came}

    {"id", "suggestions": [parameters], "stop": [indices of the trials that are not worth going on]} or {"id", "error"}
"""

import itertools
import json
import math
import random
import sys
import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

# Each request names its own space; the largest that is worth listing to find what was not tried.
LARGEST_LISTED_SPACE = 10_000
# Random trials before the model of a Bayesian search says anything.
STARTUP_TRIALS = 5


class Parameter:
    """One range: how Optuna searches it, and how its values read outside."""

    def __init__(self, spec):
        self.name = spec["name"]
        self.kind = spec["kind"]
        self.reverse = spec.get("scale") == "reverse-log"
        log = spec.get("scale") in ("log", "reverse-log")
        if self.kind == "categorical":
            self.distribution = CategoricalDistribution(spec["values"])
        elif self.kind == "integer":
            self.distribution = IntDistribution(int(spec["low"]), int(spec["high"]), log=log)
        else:
            low, high = spec["low"], spec["high"]
            # Dense near 1: the distance from 1 is what is logarithmic.
            bounds = (1 - high, 1 - low) if self.reverse else (low, high)
            self.distribution = FloatDistribution(*bounds, log=log)

    def inside(self, value):
        if not self.reverse:
            return value
        # 1 - (1 - x) may be the next number beside x, and out of its bounds.
        return min(max(1 - value, self.distribution.low), self.distribution.high)

    def outside(self, value):
        return 1 - value if self.reverse else value

    def all_values(self):
        """Every value of a finite range; None for a continuous one."""
        if self.kind == "categorical":
            return list(self.distribution.choices)
        if self.kind == "integer":
            return range(self.distribution.low, self.distribution.high + 1)
        return None


def sampler_of(request):
    # Another for every request, so that a search goes on after a restart; the same for the same.
    seed = random.Random(f"{request['seed']}/{len(request['trials'])}").getrandbits(32)
    if request["strategy"] in ("Random", "Grid"):
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(
        seed=seed, multivariate=True, constant_liar=True, n_startup_trials=STARTUP_TRIALS
    )


def pruner_of(request):
    if request["strategy"] != "Hyperband":
        return optuna.pruners.NopPruner()
    resource = request["resource"]
    return optuna.pruners.HyperbandPruner(min_resource=resource["min"], max_resource=resource["max"])


def rebuild(request, parameters):
    """The study as it was after the last report, with those of its running trials that the pruner gives up."""
    study = optuna.create_study(
        study_name=request["name"],
        direction=request["direction"],
        sampler=sampler_of(request),
        pruner=pruner_of(request),
    )
    distributions = {p.name: p.distribution for p in parameters}
    for trial in request["trials"]:
        values = {p.name: p.inside(trial["parameters"][p.name]) for p in parameters}
        study.add_trial(create_trial(state=TrialState.RUNNING, params=values, distributions=distributions))
    given_up = set()
    storage = study._storage
    # Replayed in their order, the reports lead the pruner to what it decided when they came.
    for index, step, value in request["reports"]:
        trial_id = study.get_trials(deepcopy=False)[index]._trial_id
        storage.set_trial_intermediate_value(trial_id, step, value)
        if study.pruner.prune(study, study.get_trials(deepcopy=False)[index]):
            given_up.add(index)
    for index, trial in enumerate(request["trials"]):
        if trial["state"] == "complete":
            study.tell(index, trial["value"])
        elif trial["state"] == "stopped":
            study.tell(index, state=TrialState.PRUNED)
        elif trial["state"] == "failed":
            study.tell(index, state=TrialState.FAIL)
    running = {i for i, trial in enumerate(request["trials"]) if trial["state"] == "running"}
    return study, sorted(given_up & running)


def untried(parameters, tried, seed):
    """The combinations of a finite space that were not tried, in an order of chance; None where there is no list."""
    lists = [p.all_values() for p in parameters]
    if any(values is None for values in lists) or math.prod(map(len, lists)) > LARGEST_LISTED_SPACE:
        return None
    left = [values for values in itertools.product(*lists) if values not in tried]
    random.Random(seed).shuffle(left)
    return left


def suggest(study, request, parameters):
    """New combinations: none that was tried already, and fewer than asked for where there are no others."""
    names = [p.name for p in parameters]
    tried = {tuple(t["parameters"][name] for name in names) for t in request["trials"]}
    left = untried(parameters, tried, request["seed"])
    suggestions = []
    for _ in range(request["ask"]):
        if left is not None and not left:
            break
        if request["strategy"] == "Grid":
            values = left[0]
        else:
            trial = study.ask({p.name: p.distribution for p in parameters})
            values = tuple(p.outside(trial.params[p.name]) for p in parameters)
            if values in tried and left:
                values = left[0]
        tried.add(values)
        if left is not None:
            left = [one for one in left if one != values]
        suggestions.append(dict(zip(names, values)))
    return suggestions


def answer(request):
    parameters = [Parameter(spec) for spec in request["space"]]
    study, given_up = rebuild(request, parameters)
    return {"suggestions": suggest(study, request, parameters), "stop": given_up}


def main():
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = answer(request)
        except Exception as error:  # The service tells it; this process goes on.
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": request["id"], **result}), flush=True)


main()
