import { parse } from 'yaml';
import { mlModelFacts } from '#contract';
import type { MlModelFile } from '#contract';

/** Reads an `MLmodel` file. @returns undefined when the text is no such file: whoever reads it can load the model without it */
export function readMlModel(text: string): MlModelFile | undefined {
  try {
    return mlModelFacts(parse(text, { version: '1.1', maxAliasCount: 100 }));
  } catch {
    return undefined;
  }
}
