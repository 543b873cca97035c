"""The formulas of scikit-learn and scipy, as references for ours.

Input: { "binary": { truth, scores, weights, threshold }, "multiclass": { truth, scores [rows][classes], weights },
"regression": { truth, predicted, weights }, "samples": [ [a, b], ... ], "histograms": [ [p, q], ... ], "laws": {
"chi_squared": [[x, k]], "normal": [level] }, "sequences": [[successes, trials, confidence]] }. Output: the same keys with values by metric name.
"""

import json
import sys

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon
from scipy.special import betaln, xlog1py, xlogy
from sklearn import metrics
from sklearn.calibration import calibration_curve


def of_labels(truth, predicted, weights, average):
    options = {"average": average, "sample_weight": weights, "zero_division": 0}
    return {
        "precision": metrics.precision_score(truth, predicted, **options),
        "recall": metrics.recall_score(truth, predicted, **options),
        "f1": metrics.f1_score(truth, predicted, **options),
    }


def of_classes(truth, predicted, weights):
    weighted = of_labels(truth, predicted, weights, "weighted")
    return {
        "accuracy": metrics.accuracy_score(truth, predicted, sample_weight=weights),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted, sample_weight=weights),
        **{f"{name}_weighted": value for name, value in weighted.items()},
    }


def binary(truth, scores, weights, threshold):
    truth, scores = np.array(truth), np.array(scores)
    predicted = (scores >= threshold).astype(int)
    return {
        **of_classes(truth, predicted, weights),
        **of_labels(truth, predicted, weights, "binary"),
        "roc_auc": metrics.roc_auc_score(truth, scores, sample_weight=weights),
        "pr_auc": metrics.average_precision_score(truth, scores, sample_weight=weights),
        "log_loss": metrics.log_loss(truth, scores, sample_weight=weights),
        "brier": metrics.brier_score_loss(truth, scores, sample_weight=weights),
    }


def multiclass(truth, scores, weights):
    truth, scores = np.array(truth), np.array(scores)
    predicted = scores.argmax(axis=1)
    one_hot = np.eye(scores.shape[1])[truth]
    return {
        **of_classes(truth, predicted, weights),
        **of_labels(truth, predicted, weights, "macro"),
        "roc_auc": metrics.roc_auc_score(truth, scores, multi_class="ovr", sample_weight=weights),
        "pr_auc": metrics.average_precision_score(one_hot, scores, sample_weight=weights),
        "log_loss": metrics.log_loss(truth, scores, sample_weight=weights),
        "brier": np.average(((scores - one_hot) ** 2).sum(axis=1), weights=weights),
    }


def regression(truth, predicted, weights):
    options = {"sample_weight": weights}
    return {
        "mse": metrics.mean_squared_error(truth, predicted, **options),
        "rmse": metrics.root_mean_squared_error(truth, predicted, **options),
        "mae": metrics.mean_absolute_error(truth, predicted, **options),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted, **options),
        "r2": metrics.r2_score(truth, predicted, **options),
    }


def two_samples(a, b):
    ks = stats.ks_2samp(a, b)
    return {
        "ks": ks.statistic,
        "ks_p": ks.pvalue,
        "wasserstein": stats.wasserstein_distance(a, b),
        "pearson": stats.pearsonr(a[: len(b)], b[: len(a)]).statistic,
        "spearman": stats.spearmanr(a[: len(b)], b[: len(a)]).statistic,
        "quantiles": list(np.quantile(a, [0, 0.1, 0.5, 0.77, 1])),
        "variance": np.var(a, ddof=1),
    }


def histograms(p, q):
    test = stats.chi2_contingency([p, q], correction=False)
    p_share, q_share = np.array(p) / sum(p), np.array(q) / sum(q)
    return {
        "jensen_shannon": jensenshannon(p_share, q_share),
        "hellinger": np.sqrt(((np.sqrt(p_share) - np.sqrt(q_share)) ** 2).sum() / 2),
        "chi_squared": test.statistic,
        "chi_squared_p": test.pvalue,
        "entropy": stats.entropy(p_share),
    }


def sequence(successes, trials, confidence):
    """Borders of Robbins' mixture with Jeffreys' prior, found by Brent's method."""
    failures = trials - successes
    mixture = betaln(0.5 + successes, 0.5 + failures) - betaln(0.5, 0.5)

    def ratio(p):
        return mixture - xlogy(successes, p) - xlog1py(failures, -p) + np.log(1 - confidence)

    share = successes / trials
    low = 0 if successes == 0 else brentq(ratio, 1e-300, share, xtol=1e-16)
    high = 1 if failures == 0 else brentq(ratio, share, 1 - 1e-16, xtol=1e-16)
    return [low, high]


given = json.load(sys.stdin)
truth, scores = given["binary"]["truth"], given["binary"]["scores"]
rates, predicted = calibration_curve(truth, scores, n_bins=10, strategy="uniform")
laws = given["laws"]
json.dump(
    {
        "binary": binary(**given["binary"]),
        "calibration": {"rates": list(rates), "predicted": list(predicted)},
        "multiclass": multiclass(**given["multiclass"]),
        "regression": regression(**given["regression"]),
        "samples": [two_samples(np.array(a), np.array(b)) for a, b in given["samples"]],
        "histograms": [histograms(p, q) for p, q in given["histograms"]],
        "laws": {
            "chi_squared": [stats.chi2.sf(x, k) for x, k in laws["chi_squared"]],
            "chi_squared_critical": [stats.chi2.isf(0.001, k) for _, k in laws["chi_squared"]],
            "normal": [stats.norm.ppf(level) for level in laws["normal"]],
            "adjusted": list(stats.false_discovery_control(laws["p"])),
        },
        "sequences": [sequence(*one) for one in given["sequences"]],
    },
    sys.stdout,
)
