import { extname } from 'node:path';
import type { FileAnswer } from './route.ts';

const types: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.yaml': 'application/yaml; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.flac': 'audio/flac',
};

/** A page that people or their models wrote: no scripts, no requests, an origin of its own. */
export const pageHeaders = {
  'content-security-policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
} as const;

export function pageAnswer(html: string): FileAnswer {
  return { type: 'text/html; charset=utf-8', body: html, headers: pageHeaders };
}

/** A stored file, to be kept rather than shown. @param digest SHA-256 of its bytes */
export function storedFile(path: string, digest: string, body: FileAnswer['body'], size?: number): FileAnswer {
  const name = encodeURIComponent(path.split('/').at(-1) ?? 'file');
  return {
    type: types[extname(path)] ?? 'application/octet-stream',
    body,
    headers: {
      ...pageHeaders,
      etag: `"${digest}"`,
      'content-disposition': `attachment; filename*=UTF-8''${name}`,
      ...(size === undefined ? {} : { 'content-length': String(size) }),
    },
  };
}
