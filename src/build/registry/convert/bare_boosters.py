"""Files that hold an estimator by themselves, and boosters as the estimators of scikit-learn's kind that they would be."""

import json
import os
import pickle


def load_file(path):
    ending = os.path.splitext(path)[1].lower()
    if ending == ".joblib":
        import joblib

        return joblib.load(path)
    if ending in (".json", ".ubj"):
        import xgboost

        booster = xgboost.Booster()
        try:
            booster.load_model(path)
        except xgboost.core.XGBoostError as error:
            raise SystemExit(f"{os.path.basename(path)} is no model of XGBoost's: {str(error).strip().splitlines()[-1]}")
        return booster
    if ending == ".txt":
        import lightgbm

        try:
            return lightgbm.Booster(model_file=path)
        except lightgbm.basic.LightGBMError as error:
            raise SystemExit(f"{os.path.basename(path)} is no model of LightGBM's: {error}")
    with open(path, "rb") as file:
        return pickle.load(file)


def as_estimator(model):
    """What is no estimator but a booster of XGBoost's or LightGBM's, as one; anything else as it is."""
    module, name = type(model).__module__.split(".")[0], type(model).__name__
    if name != "Booster":
        return model
    return of_xgboost(model) if module == "xgboost" else of_lightgbm(model)


def of_xgboost(booster):
    from xgboost import XGBClassifier, XGBRegressor

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective.startswith(("rank:", "survival:")) or objective == "multi:softmax":
        raise SystemExit(f"a booster with the objective {objective} gives no probabilities and no values that are compared")
    model = (XGBClassifier if objective.startswith(("binary:", "multi:")) else XGBRegressor)()
    model.load_model(bytearray(booster.save_raw("ubj")))
    return model


def of_lightgbm(booster):
    import numpy as np
    from lightgbm import LGBMClassifier, LGBMRegressor

    objective = booster.dump_model().get("objective", "").split(" ")[0]
    if objective in ("lambdarank", "rank_xendcg"):
        raise SystemExit(f"a booster with the objective {objective} gives no probabilities and no values that are compared")
    classifies = objective in ("binary", "multiclass", "multiclassova")
    model = (LGBMClassifier if classifies else LGBMRegressor)(objective=objective or None)
    model._Booster, model._objective = booster, objective
    model._n_features = model._n_features_in = booster.num_feature()
    model.fitted_ = True
    if classifies:
        from sklearn.preprocessing import LabelEncoder

        model._n_classes = max(2, booster.num_model_per_iteration())
        model._classes = np.arange(model._n_classes)
        model._le = LabelEncoder().fit(model._classes)
    return model
