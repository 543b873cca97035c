# Plays MLflow's client for R, from the sources of a checkout of MLflow, against a server: one line for each verb, "ok" or what went wrong.
# Usage: Rscript mlflow_client.R CHECKOUT ADDRESS, with MLFLOW_TRACKING_TOKEN in the environment

suppressPackageStartupMessages({
  library(httr)
  library(jsonlite)
  library(purrr)
  library(zeallot)
  library(rlang)
  library(base64enc)
})

given <- commandArgs(TRUE)
sources <- file.path(given[1], "mlflow", "R", "mlflow", "R")
.globals <- new.env()
for (name in c(
  "globals", "tracking-globals", "logging", "cast-utils", "tracking-utils", "tracking-observer", "tracking-rest", "tracking-client",
  "tracking-experiments", "tracking-runs", "model-registry"
)) {
  source(file.path(sources, paste0(name, ".R")), local = globalenv())
}
# Its sources ask for the version of the package that they are not installed as.
packageVersion <- function(...) "3.11.1"
get_rest_config <- eval(parse(text = gsub("utils::packageVersion", "packageVersion", deparse(get_rest_config), fixed = TRUE)))

client <- mlflow_client(given[2])
left <- new.env()
verb <- function(name, action) {
  said <- tryCatch({
    force(action)
    "ok"
  }, error = function(error) conditionMessage(error))
  cat(name, "\t", gsub("[\n\t]", " ", said), "\n", sep = "")
}
is <- function(...) stopifnot(...)

verb("create experiment", left$experiment <- mlflow_create_experiment("by-r", client = client))
verb("get experiment", is(mlflow_get_experiment(experiment_id = left$experiment, client = client)$name == "by-r"))
verb("get experiment by name", is(mlflow_get_experiment(name = "by-r", client = client)$experiment_id == left$experiment))
verb("tag experiment", mlflow_set_experiment_tag("team", "red", experiment_id = left$experiment, client = client))
verb("search experiments", is(length(mlflow_search_experiments(filter = "name = 'by-r'", client = client)) > 0))
verb("rename experiment", mlflow_rename_experiment("by-r-still", experiment_id = left$experiment, client = client))
verb("create run", left$run <- mlflow_create_run(experiment_id = left$experiment, tags = list(a = "b"), client = client)$run_uuid)
verb("log parameter", mlflow_log_param("depth", 3, run_id = left$run, client = client))
verb("log metric", mlflow_log_metric("loss", 0.25, run_id = left$run, client = client))
verb("log metric at a round step", mlflow_log_metric("loss", 0.125, step = 100000, run_id = left$run, client = client))
verb("log metric at a round instant", mlflow_log_metric("loss", 0.5, timestamp = 1.8e12, step = 200000, run_id = left$run, client = client))
verb("log NaN", mlflow_log_metric("nan", NaN, run_id = left$run, client = client))
verb("log -Inf", mlflow_log_metric("inf", -Inf, run_id = left$run, client = client))
verb("tag run", mlflow_set_tag("k", "v", run_id = left$run, client = client))
verb("untag run", mlflow_delete_tag("k", run_id = left$run, client = client))
verb("log batch", mlflow_log_batch(
  metrics = data.frame(key = "m", value = c(1, 2), timestamp = c(1, 2), step = c(1, 100000)),
  params = data.frame(key = "p", value = "1"), tags = data.frame(key = "t", value = "x"), run_id = left$run, client = client
))
verb("get run", is(setequal(mlflow_get_run(left$run, client = client)$metrics[[1]]$key, c("inf", "loss", "m", "nan"))))
verb("history", is(identical(mlflow_get_metric_history("loss", run_id = left$run, client = client)$step, c(0, 100000, 200000))))
verb("search runs", is(nrow(mlflow_search_runs("metrics.loss < 1", experiment_ids = list(left$experiment), client = client)) == 1))
verb("list artifacts", suppressMessages(mlflow_list_artifacts(run_id = left$run, client = client)))
verb("end run", is(mlflow_set_terminated("FINISHED", current_time(), left$run, client)$status == "FINISHED"))
verb("delete run", mlflow_delete_run(left$run, client = client))
verb("restore run", mlflow_restore_run(left$run, client = client))
verb("create model", mlflow_create_registered_model("by-r", description = "d", client = client))
verb("get model", is(mlflow_get_registered_model("by-r", client = client)$name == "by-r"))
verb("update model", mlflow_update_registered_model("by-r", "e", client = client))
verb("search models", is(length(mlflow_search_registered_models(filter = "name = 'by-r'", client = client)$registered_models) == 1))
verb("create version", mlflow_create_model_version("by-r", paste0("runs:/", left$run, "/model"), run_id = left$run, client = client))
verb("get version", is(mlflow_get_model_version("by-r", 1, client = client)$version == "1"))
verb("update version", mlflow_update_model_version("by-r", 1, "x", client = client))
verb("tag version", mlflow_set_model_version_tag("by-r", version = 1, key = "a", value = "b", client = client))
verb("stage", is(mlflow_transition_model_version_stage("by-r", 1, "Staging", client = client)$current_stage == "Staging"))
verb("stage and archive", mlflow_transition_model_version_stage("by-r", 1, "Production", TRUE, client = client))
verb("latest of a stage", is(length(mlflow_get_latest_versions("by-r", stages = list("Production"), client = client)) == 1))
verb("rename model", mlflow_rename_registered_model("by-r", "by-r-still", client = client))
verb("delete version", mlflow_delete_model_version("by-r-still", 1, client = client))
verb("delete model", mlflow_delete_registered_model("by-r-still", client = client))
verb("delete experiment", mlflow_delete_experiment(left$experiment, client = client))
verb("restore experiment", mlflow_restore_experiment(left$experiment, client = client))
