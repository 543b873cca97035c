import { GyreError } from '#core';

/*
 * Which addresses a version may be registered from. What the address says is handed to whoever downloads the version, so none may lead to
 * the files of the machine that reads it, however it is written (the checks of mlflow/server/handlers.py, and the lessons behind them).
 */

const mostDecodings = 32;

/**
 * @param of what the version is of: the source of a prompt may be a mere word
 * @throws GyreError INVALID_ARGUMENT
 */
export function requireSource(source: string, of: 'run' | 'logged model' | 'prompt'): void {
  const [, scheme = '', rest = source] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(source.trim()) ?? [];
  if (of === 'prompt') {
    if (scheme.toLowerCase() === 'file' || (scheme === '' && /^[/\\]/.test(source.trim())))
      throw refuse(`Invalid prompt source: '${source}'. Local source paths are not allowed for prompts.`);
    if (scheme !== '') requireNoRelativeParts(source, rest);
    return;
  }
  if (isLocal(scheme, rest)) {
    const parameter = of === 'run' ? 'run_id' : 'model_id';
    throw refuse(
      `Invalid model version source: '${source}'. To use a local path as a model version source, the ${parameter} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the ${parameter}.`,
    );
  }
  requireNoRelativeParts(source, rest);
}

/** Paths of this machine, of a drive, of a share, and addresses of its own host. */
function isLocal(scheme: string, rest: string): boolean {
  if (scheme === '' || scheme.length === 1 || scheme.toLowerCase() === 'file') return true;
  if (['runs', 'models', 'mlflow-artifacts', 'dbfs'].includes(scheme.toLowerCase())) return false;
  const host = /^\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]*)/.exec(rest)?.[1] ?? '';
  // A scheme that we do not know, without a host: a path of some local file system.
  return host === '' && !/^\/{1,2}[^/]/.test(rest);
}

function requireNoRelativeParts(source: string, rest: string): void {
  const refused = refuse(
    `Invalid model version source: '${source}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.`,
  );
  let path = rest;
  for (let round = 0; ; round++) {
    if (path.includes('\0') || path.split(/[/\\?#]/).some((part) => part === '..' || part === '.')) throw refused;
    const plain = decodedOnce(path);
    if (plain === path) return;
    if (round === mostDecodings) throw refused;
    path = plain;
  }
}

/** Leaves what begins no character as it is: nobody would decode it either. */
function decodedOnce(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (codes) => Buffer.from(codes.replaceAll('%', ''), 'hex').toString('utf8'));
}

function refuse(message: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', message);
}
