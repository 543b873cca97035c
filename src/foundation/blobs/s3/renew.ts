import { GyreError, hasCode } from '#core';
import type { S3Client } from './client.ts';
import type { ObjectVersion } from './download.ts';
import { encodeKey } from './signature.ts';
import { escapeXml, textOf } from './xml.ts';

const gibibyte = 1024 ** 3;

/** What one request may copy. */
const copiedBytes = 5 * gibibyte;

/**
 * Has the service copy an object onto itself, so that it counts as modified now; no bytes go over the network.
 * @param limits for tests: from which size on it is copied in parts, and how large they are
 * @returns false when it went away or changed meanwhile
 */
export async function renewObject(
  client: S3Client,
  version: ObjectVersion,
  limits = { single: copiedBytes, part: gibibyte },
): Promise<boolean> {
  try {
    await (version.size <= limits.single ? copyAtOnce(client, version) : copyInParts(client, version, limits.part));
    return true;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'ABORTED')) return false;
    throw error;
  }
}

function sourceOf(client: S3Client, { key, etag }: ObjectVersion): Record<string, string> {
  return { 'x-amz-copy-source': `/${client.bucket}/${encodeKey(key)}`, 'x-amz-copy-source-if-match': `"${etag}"` };
}

async function copyAtOnce(client: S3Client, version: ObjectVersion): Promise<void> {
  const headers = { ...sourceOf(client, version), 'x-amz-metadata-directive': 'REPLACE' };
  requireCopied(version, (await client.text({ method: 'PUT', key: version.key, headers })).text);
}

async function copyInParts(client: S3Client, version: ObjectVersion, partBytes: number): Promise<void> {
  const { key, size } = version;
  const { text } = await client.text({ method: 'POST', key, query: { uploads: '' } });
  const uploadId = textOf(text, 'UploadId') ?? '';
  try {
    const parts: string[] = [];
    for (let start = 0; start < size; start += partBytes) {
      const partNumber = String(parts.length + 1);
      const range = { 'x-amz-copy-source-range': `bytes=${start}-${Math.min(start + partBytes, size) - 1}` };
      const copied = await client.text({
        method: 'PUT',
        key,
        query: { partNumber, uploadId },
        headers: { ...sourceOf(client, version), ...range },
      });
      parts.push(`<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeXml(requireCopied(version, copied.text))}</ETag></Part>`);
    }
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    requireCopied(version, (await client.text({ method: 'POST', key, query: { uploadId }, body })).text);
  } catch (error) {
    const { body } = await client.send({ method: 'DELETE', key, query: { uploadId }, accept: [404] });
    body.resume();
    throw error;
  }
}

/** A copy may begin as a success and end as an error. @returns the ETag */
function requireCopied({ key }: ObjectVersion, text: string): string {
  const etag = textOf(text, 'ETag');
  if (etag !== undefined) return etag;
  throw new GyreError('UNAVAILABLE', `${key}: the service could not renew the object (${textOf(text, 'Code') ?? 'no reason given'})`);
}
