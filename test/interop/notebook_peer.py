"""Executes a notebook in a kernel of its own, then asks that kernel for values by expression."""

import json
import sys

import nbclient
import nbformat

asked = json.load(sys.stdin)
notebook = nbformat.read(asked["notebook"], as_version=4)
text = "import json; print(json.dumps({" + ", ".join(f"{name!r}: {value}" for name, value in asked["values"].items()) + "}))"
notebook.cells.append(nbformat.v4.new_code_cell(text))
nbclient.NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
json.dump(json.loads("".join(output.text for output in outputs[-1] if output.output_type == "stream")), sys.stdout)
