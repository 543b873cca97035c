import { jsonLengthHeader } from '#contract';
import { isCurled, requestFault, utf8Text } from '#serving';
import type { Exchange } from '#serving';

const nothing = new Uint8Array();

/** An inference request's JSON, and the bytes behind it. */
export interface InferBody {
  readonly json: string;
  readonly binary: Uint8Array;
}

/**
 * The body of an inference request, in its parts; at once where it is there already.
 * @throws GyreError with status 400 when the header does not fit the body, and as `Exchange.bytes`
 */
export function splitBody(exchange: Exchange): InferBody | Promise<InferBody> {
  const header = exchange.headers[jsonLengthHeader];
  if (isCurled(exchange)) return exchange.any().then(({ bytes }) => partsOf(bytes, header));
  const takes = header === undefined ? 'json' : 'binary';
  const bytes = exchange.bytesNow(takes);
  if (bytes !== undefined) return partsOf(bytes, header);
  return takes === 'binary'
    ? exchange.bytes().then((one) => partsOf(one, header))
    : exchange.text().then((json) => ({ json, binary: nothing }));
}

function partsOf(bytes: Buffer, header: string | readonly string[] | undefined): InferBody {
  if (header === undefined) return { json: utf8Text(bytes), binary: nothing };
  const length = Number(header);
  if (!Number.isSafeInteger(length) || length < 1 || length > bytes.length) {
    throw requestFault(
      400,
      'INVALID_ARGUMENT',
      `${jsonLengthHeader} is "${String(header).slice(0, 40)}"; it says how many of the ${bytes.length} bytes of the body are JSON`,
    );
  }
  return { json: utf8Text(bytes.subarray(0, length)), binary: bytes.subarray(length) };
}
