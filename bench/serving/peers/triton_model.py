"""A model of Triton's Python backend for the ONNX model beside it: what has waited together runs together, as the backend hands it over."""

import json
import os

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["threads"]["string_value"])
        path = os.path.join(os.path.dirname(__file__), "model.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        images = [triton.get_input_tensor_by_name(request, "image").as_numpy() for request in requests]
        (scores,) = self.session.run(["scores"], {"image": images[0] if len(images) == 1 else np.concatenate(images)})
        answers, at = [], 0
        for image in images:
            answers.append(triton.InferenceResponse([triton.Tensor("scores", scores[at : at + len(image)])]))
            at += len(image)
        return answers
