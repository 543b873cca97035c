import type { NamedRow, Signature } from '#contract';
import { inferBody } from './plane-client.ts';

interface MalformedRequest {
  readonly name: string;
  readonly body: string;
  /** Default: the model's infer route. */
  readonly path?: string;
}

interface TensorBody {
  name: string;
  shape: number[];
  datatype: string;
  data: unknown[];
}

/** Requests that a careless or hostile client may send, made from one good row: each must be answered with 4xx. */
export function malformedRequests(signature: Signature, row: NamedRow): readonly MalformedRequest[] {
  const good = (): { inputs: TensorBody[] } => JSON.parse(inferBody(signature.inputs, [row])) as { inputs: TensorBody[] };
  const changed = (change: (tensors: TensorBody[]) => TensorBody[]): string => JSON.stringify({ inputs: change(good().inputs) });
  const first = (change: Partial<TensorBody>): string => changed(([tensor, ...others]) => [{ ...tensor, ...change }, ...others]);
  const numeric = signature.inputs.find((input) => input.datatype === 'FP64');
  const requests: MalformedRequest[] = [
    { name: 'a body that is no JSON', body: '{"inputs": [' },
    { name: 'an empty body', body: '' },
    { name: 'no inputs', body: '{}' },
    { name: 'a missing column', body: changed((tensors) => tensors.slice(1)) },
    {
      name: 'an extra column',
      body: changed((tensors) => [...tensors, { name: 'no_such_column', shape: [1, 1], datatype: 'FP64', data: [1] }]),
    },
    { name: 'a shape that does not fit its data', body: first({ shape: [3, 1] }) },
    { name: 'a negative dimension', body: first({ shape: [-1, 1] }) },
    { name: 'an unknown datatype', body: first({ datatype: 'FP128' }) },
    { name: 'an empty batch', body: changed((tensors) => tensors.map((tensor) => ({ ...tensor, shape: [0, 1], data: [] }))) },
    { name: 'an unknown model', body: JSON.stringify(good()), path: '/v2/models/no-such-model/infer' },
  ];
  if (numeric !== undefined) {
    requests.push({
      name: 'text in a column of numbers',
      body: changed((tensors) => tensors.map((tensor) => (tensor.name === numeric.name ? { ...tensor, data: ['many'] } : tensor))),
    });
  }
  return requests;
}
