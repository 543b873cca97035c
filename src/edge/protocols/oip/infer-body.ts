import { requestFault, utf8Text } from '#serving';
import type { Exchange } from '#serving';

/** With binary tensor data: how many bytes of the body are JSON. */
export const jsonLengthHeader = 'inference-header-content-length';
const nothing = new Uint8Array();

/** The JSON of an inference request, and the bytes behind it. @throws GyreError with status 400 when the header does not fit the body */
export async function splitBody(exchange: Exchange): Promise<{ readonly json: string; readonly binary: Uint8Array }> {
  const header = exchange.headers[jsonLengthHeader];
  if (header === undefined) return { json: await exchange.text(), binary: nothing };
  const bytes = await exchange.bytes();
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
