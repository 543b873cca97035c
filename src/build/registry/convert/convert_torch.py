"""PyTorch's models, by its own exporter: MLflow's flavour, programs of torch.export (.pt2), TorchScript, and a class with its state_dict."""

import importlib
import os
import sys

import numpy as np
import onnx
import torch
from convert_network import DTYPES, of_columns, of_tensors

OPSET = 18
torch.set_num_threads(1)


def load(spec):
    """@return an ExportedProgram, a ScriptModule or a Module"""
    kind, path = spec["kind"], spec["path"]
    if kind == "pytorch":
        flavor = spec["flavors"]["pytorch"]
        program = os.path.join(path, flavor.get("model_data") or "data", "model.pt2")
        if flavor.get("code"):
            sys.path.insert(0, os.path.join(path, flavor["code"]))
        if os.path.exists(program):
            return torch.export.load(program)
        import mlflow.pytorch

        return mlflow.pytorch.load_model(path, map_location="cpu").eval()
    if kind == "exported":
        return torch.export.load(path)
    if kind == "torchscript":
        try:
            return torch.jit.load(path, map_location="cpu").eval()
        except RuntimeError as error:
            raise SystemExit(
                f"{os.path.basename(path)} is no TorchScript file ({first_line(error)}): of a state_dict name the class it is of (--class module:Net)"
            )
    return from_state(spec)


def from_state(spec):
    module, _, name = spec["class"].partition(":")
    sys.path.insert(0, spec["classPath"])
    try:
        made = getattr(importlib.import_module(module), name)()
    except AttributeError:
        raise SystemExit(f'the module "{module}" has no class "{name}"')
    except TypeError as error:
        raise SystemExit(f"{spec['class']} cannot be made without arguments: {error}")
    state = torch.load(spec["path"], map_location="cpu", weights_only=True)
    made.load_state_dict(state)
    return made.eval()


def first_line(error):
    return str(error).strip().split("\n")[0][:200]


def taken_by(model, spec):
    """The tensors that the model takes: as somebody said, or as a program says itself."""
    if spec.get("tensors"):
        return spec["tensors"]
    if not isinstance(model, torch.export.ExportedProgram):
        raise SystemExit("nothing says what the model takes: name its tensors in their order (--input NAME=FP32[N,3,96,96])")
    by_name = {node.name: node.meta["val"] for node in model.graph.nodes if node.op == "placeholder"}
    tensors = []
    for name in model.graph_signature.user_inputs:
        value = by_name[name]
        shape = [size if isinstance(size, int) else -1 for size in value.shape]
        tensors.append({"name": name, "datatype": datatype_of(value.dtype), "shape": shape})
    if any(tensor["shape"][:1] != [-1] for tensor in tensors):
        raise SystemExit("the program takes a fixed number of rows: export it with a dynamic first axis (dynamic_shapes)")
    return tensors


def datatype_of(dtype):
    kind = str(dtype).removeprefix("torch.")
    for datatype, name in DTYPES.items():
        if name == kind:
            return datatype
    raise SystemExit(f"the model takes {kind}, which ONNX Runtime is not given")


def flat(answer):
    if isinstance(answer, torch.Tensor):
        return [answer]
    if isinstance(answer, dict):
        return [one for value in answer.values() for one in flat(value)]
    if isinstance(answer, (list, tuple)):
        return [one for value in answer for one in flat(value)]
    raise SystemExit(f"the model gives {type(answer).__name__}, not tensors")


def convert(spec):
    model = load(spec)
    runs = model.module() if isinstance(model, torch.export.ExportedProgram) else model

    def ask(arrays):
        with torch.no_grad():
            return [tensor.detach().cpu().numpy() for tensor in flat(runs(*[torch.from_numpy(np.array(array)) for array in arrays]))]

    if spec.get("columns"):
        shapes = [[-1, len(spec["columns"])]]
        return of_columns(spec, ask, lambda arrays: exported(model, arrays, shapes, spec))
    tensors = taken_by(model, spec)
    return of_tensors(spec, tensors, ask, lambda arrays: exported(model, arrays, [tensor["shape"] for tensor in tensors], spec))


def exported(model, arrays, shapes, spec):
    path = spec["graph"]
    # A first axis of one row would be taken for a constant.
    inputs = tuple(torch.from_numpy(np.concatenate([array, array]) if len(array) == 1 else np.array(array)) for array in arrays)
    with torch.no_grad():
        if isinstance(model, torch.jit.ScriptModule):
            names = [f"in_{at}" for at in range(len(inputs))]
            axes = {name: {at: f"axis_{at}" for at, size in enumerate(shape) if size < 0} for name, shape in zip(names, shapes)}
            given = [f"out_{at}" for at in range(len(flat(model(*inputs))))]
            axes.update({name: {0: "axis_0"} for name in given})
            torch.onnx.export(
                model, inputs, path, dynamo=False, opset_version=OPSET, input_names=names, output_names=given, dynamic_axes=axes
            )
            return onnx.load(path)
        program = model
        if not isinstance(model, torch.export.ExportedProgram):
            free = torch.export.Dim.DYNAMIC
            dynamic = tuple({at: free for at, size in enumerate(shape) if size < 0} for shape in shapes)
            program = torch.export.export(model, inputs, dynamic_shapes=dynamic)
        torch.onnx.export(program, f=path, dynamo=True, opset_version=OPSET, external_data=False)
    return onnx.load(path)
