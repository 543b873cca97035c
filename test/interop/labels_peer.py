"""Confident learning of cleanlab, as a reference for ours.

Input: [ { labels: [class], probabilities: [[...]] }, ... ].
Output: for each { mask: [bool], ranked: [row], thresholds: [number] }.
"""

import json
import sys
import warnings

import numpy as np
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues

warnings.filterwarnings("ignore")
found = []
for case in json.load(sys.stdin):
    labels, shares = np.array(case["labels"]), np.array(case["probabilities"])
    mask = find_label_issues(labels, shares, filter_by="confident_learning", n_jobs=1)
    ranked = find_label_issues(
        labels, shares, filter_by="confident_learning", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    joint = compute_confident_joint(labels, shares, calibrate=False)
    found.append(
        {
            "mask": mask.tolist(),
            "ranked": ranked.tolist(),
            "thresholds": get_confident_thresholds(labels, shares).tolist(),
            "joint": joint.tolist(),
        }
    )
json.dump(found, sys.stdout)
