"""A runtime of MLServer for one ONNX model, as its documentation has custom runtimes written."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        self.named = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (taken,) = payload.inputs
        values = self.session.run(self.named, {taken.name: NumpyCodec.decode_input(taken)})
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                StringCodec.encode_output(name, value.tolist()) if value.dtype == object else NumpyCodec.encode_output(name, value)
                for name, value in zip(self.named, values)
            ],
        )
