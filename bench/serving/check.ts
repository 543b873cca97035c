/** Whether answers are right: each is looked at, by its bytes where these are known to be right, else by its values. */
import { isClose, type Target } from './protocol.ts';

/** Bytes that an answer to a request had when it was found right. */
interface Known {
  readonly bytes: Buffer;
  /** Where they mostly are. */
  at: number;
}

/** Different bytes for the same values: how a sum came out in batches of some sizes. */
const mostKnown = 8;

export class Checker {
  readonly #target: Target;
  readonly #known: Known[][];

  constructor(target: Target) {
    this.#target = target;
    this.#known = target.requests.map(() => []);
  }

  /** @param answer its body, valid during the call @returns what is wrong with it */
  fault(request: number, answer: Buffer): string | undefined {
    if (this.#target.check === 'none') return undefined;
    const known = this.#known[request];
    for (const one of known) {
      const { bytes, at } = one;
      if (answer.length >= at + bytes.length && bytes.compare(answer, at, at + bytes.length) === 0) return undefined;
      const elsewhere = answer.indexOf(bytes);
      if (elsewhere >= 0) {
        one.at = elsewhere;
        return undefined;
      }
    }
    const found = this.#target.check === 'json' ? numbersIn(answer, this.#expected(request)) : valuesAtEnd(answer, this.#expected(request));
    if (found === undefined) return `it has other values than ONNX Runtime gives: ${answer.subarray(0, 300).toString('latin1')}`;
    if (known.length < mostKnown) known.push(found);
    return undefined;
  }

  #expected(request: number): Float32Array {
    return this.#target.expected[request];
  }
}

/** The first array of numbers that are the expected ones, whatever stands around it. */
function numbersIn(answer: Buffer, expected: Float32Array): Known | undefined {
  for (let start = answer.indexOf('['); start >= 0; start = answer.indexOf('[', start + 1)) {
    const end = answer.indexOf(']', start) + 1;
    const text = answer.subarray(start, end).toString('latin1');
    if (end === 0 || !/^\[[-+.\deE, ]+\]$/.test(text)) continue;
    if (isClose(JSON.parse(text) as number[], expected)) return { bytes: Buffer.from(text), at: start };
  }
  return undefined;
}

function valuesAtEnd(answer: Buffer, expected: Float32Array): Known | undefined {
  const at = answer.length - 4 * expected.length;
  if (at < 0) return undefined;
  const bytes = Buffer.from(answer.subarray(at));
  const values = Float32Array.from(expected, (_, index) => bytes.readFloatLE(4 * index));
  return isClose(values, expected) ? { bytes, at } : undefined;
}
