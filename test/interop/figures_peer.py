"""What SciPy, scikit-learn and NumPy make of the figures that pages draw.

Input: { "numbers": [[parameter], [metric]], "words": [[word], [metric]], "boxes": [[value]] }. Output: { "spearman": r, "ratio": root of
the share of the ranks' variance that a linear model of the words explains, "boxes": [[lower, median, upper, mean, deviation]] }.
"""

import json
import sys

import numpy as np
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder


def main():
    given = json.load(sys.stdin)
    words, values = given["words"]
    ranks = stats.rankdata(values)
    columns = OneHotEncoder().fit_transform(np.array(words).reshape(-1, 1))
    explained = LinearRegression().fit(columns, ranks).score(columns, ranks)
    json.dump(
        {
            "spearman": stats.spearmanr(*given["numbers"]).statistic,
            "ratio": float(np.sqrt(explained)),
            "boxes": [
                [*np.quantile(box, [0.25, 0.5, 0.75]).tolist(), float(np.mean(box)), float(np.std(box, ddof=1))] for box in given["boxes"]
            ],
        },
        sys.stdout,
    )


main()
