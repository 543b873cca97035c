import { isAllOf } from '#core';
import type { PortableError } from '#core';
import type { Feeds, SessionOptions } from './session-types.ts';
import type { Tensor } from './tensor.ts';

/** What a worker thread starts with. The model's bytes are shared, so that N workers hold them once while they load. */
export interface WorkerStart {
  readonly model: SharedArrayBuffer;
  readonly options: SessionOptions;
}

/** Whether a thread was started with this. */
export function isWorkerStart(data: unknown): data is WorkerStart {
  return typeof data === 'object' && data !== null && 'model' in data && 'options' in data;
}

/** Pool to worker. `stop` is answered by the thread's end. */
export type PoolRequest =
  | { readonly kind: 'run'; readonly id: number; readonly feeds: Feeds; readonly outputs: readonly string[] }
  | { readonly kind: 'stop' };

/** When a worker ran, in milliseconds of `steadyMs`: threads count theirs from different moments. */
export interface RunTimes {
  readonly startedMs: number;
  readonly endedMs: number;
  /** Of the thread's own processor time. */
  readonly computedMs: number;
}

/** Worker to pool: `ready` or `refused` once, then an answer per run. */
export type WorkerReply =
  | { readonly kind: 'ready'; readonly bytes: number }
  | { readonly kind: 'refused'; readonly error: PortableError }
  | { readonly kind: 'answer'; readonly id: number; readonly outputs: Record<string, Tensor>; readonly times: RunTimes }
  | { readonly kind: 'failure'; readonly id: number; readonly error: PortableError };

/** Tensors ready to be posted, and the buffers to move with them instead of copying. */
export interface Parcel {
  readonly tensors: Record<string, Tensor>;
  readonly transfer: ArrayBuffer[];
}

/**
 * Packs tensors for another thread. A buffer moves only if it belongs to one tensor alone; a view of a larger or shared buffer is copied,
 * because a structured clone would send the whole of it.
 * @param take whether the buffers may be taken from their owner; otherwise copies are sent
 */
export function parcel(tensors: Readonly<Record<string, Tensor>>, take: boolean): Parcel {
  const packed: Record<string, Tensor> = {};
  const transfer = new Set<ArrayBuffer>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const moved = take && tensor.type !== 'STRING' && isWhole(tensor.data) && !transfer.has(tensor.data.buffer) ? tensor : copyOf(tensor);
    packed[name] = moved;
    if (moved.type !== 'STRING' && isWhole(moved.data)) transfer.add(moved.data.buffer);
  }
  return { tensors: packed, transfer: [...transfer] };
}

type View<B extends ArrayBufferLike> = ArrayBufferView & { readonly buffer: B };

function isWhole<V extends View<ArrayBufferLike>>(data: V): data is V & View<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer && isAllOf(data);
}

function copyOf(tensor: Tensor): Tensor {
  switch (tensor.type) {
    case 'STRING':
      return tensor;
    case 'INT64':
      return { ...tensor, data: tensor.data.slice() };
    case 'UINT64':
      return { ...tensor, data: tensor.data.slice() };
    case 'FLOAT':
      return { ...tensor, data: tensor.data.slice() };
    case 'DOUBLE':
      return { ...tensor, data: tensor.data.slice() };
    case 'FLOAT16':
      return { ...tensor, data: tensor.data.slice() };
    case 'INT32':
      return { ...tensor, data: tensor.data.slice() };
    case 'UINT32':
      return { ...tensor, data: tensor.data.slice() };
    case 'INT16':
      return { ...tensor, data: tensor.data.slice() };
    case 'UINT16':
      return { ...tensor, data: tensor.data.slice() };
    case 'INT8':
      return { ...tensor, data: tensor.data.slice() };
    // A Buffer is a Uint8Array whose `slice()` is no copy.
    case 'UINT8':
    case 'BOOL':
      return { ...tensor, data: new Uint8Array(tensor.data) };
  }
}
