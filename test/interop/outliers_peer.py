"""scikit-learn's IsolationForest and scipy's Mahalanobis distance, as references of our outlier scores.

Input: { "x": rows of numbers }.
Output: the peer's trees as lists with the scores of all rows; distances of all rows; which rows are outliers by the peer's own forests of several seeds.
"""

import json
import sys

import numpy as np
from scipy.spatial.distance import mahalanobis
from sklearn.ensemble import IsolationForest


def tree(estimator, columns):
    grown = estimator.tree_
    return {
        "feature": [int(columns[feature]) if feature >= 0 else -1 for feature in grown.feature],
        "threshold": grown.threshold.tolist(),
        "left": grown.children_left.tolist(),
        "right": grown.children_right.tolist(),
        "rows": grown.n_node_samples.tolist(),
    }


def main():
    x = np.array(json.load(sys.stdin)["x"], dtype=np.float32)
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(x)
    others = [IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(x) for seed in range(1, 4)]
    wide = x.astype(np.float64)
    inverse = np.linalg.inv(np.cov(wide, rowvar=False))
    middle = wide.mean(axis=0)
    json.dump(
        {
            "trees": [tree(*pair) for pair in zip(forest.estimators_, forest.estimators_features_)],
            "scores": (-forest.score_samples(x)).tolist(),
            "others": [(-other.score_samples(x)).tolist() for other in others],
            "distances": [mahalanobis(row, middle, inverse) for row in wide],
        },
        sys.stdout,
    )


main()
