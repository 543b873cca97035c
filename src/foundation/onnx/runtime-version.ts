import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { memberOf, parsedJson } from '#core';

/** The version of ONNX Runtime that models are run by, such as `1.30.0`, without loading it; undefined where it is not there. */
export async function onnxRuntimeVersion(): Promise<string | undefined> {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node'));
    for (; folder !== dirname(folder); folder = dirname(folder)) {
      const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
      const facts = text === undefined ? undefined : parsedJson(text);
      if (memberOf(facts, 'name') !== 'onnxruntime-node') continue;
      const version = memberOf(facts, 'version');
      return typeof version === 'string' ? version : undefined;
    }
    return undefined;
  } catch {
    return undefined;
  }
}
