import { Check, Errors } from 'typebox/schema';
import { ExplainOptions, ExplainRequest } from '#contract';
import { GyreError } from '#core';

type Members = Readonly<Record<string, unknown>>;

/** @throws GyreError INVALID_ARGUMENT naming the member and what is wanted */
export function explainRequestOf(body: unknown): ExplainRequest {
  if (Check(ExplainRequest, body)) return body;
  throw new GyreError('INVALID_ARGUMENT', problem(Errors(ExplainRequest, body)[1]));
}

/** What is asked for among the parameters of a request; other parameters are passed over. @throws GyreError as `explainRequestOf` */
export function explainOptionsOf(parameters: Members): ExplainOptions {
  const known = Object.keys(ExplainOptions.properties);
  const options = Object.fromEntries(Object.entries(parameters).filter(([name]) => known.includes(name)));
  if (Check(ExplainOptions, options)) return options;
  throw new GyreError('INVALID_ARGUMENT', `parameters: ${problem(Errors(ExplainOptions, options)[1])}`);
}

function problem(errors: readonly { readonly instancePath: string; readonly message: string; readonly keyword: string }[]): string {
  const [first] = errors;
  if (first === undefined) return 'the request is of another shape than is wanted';
  const place = first.instancePath === '' ? 'the body' : `"${first.instancePath.slice(1)}"`;
  // A member that the schema does not know fails a schema that is `false`.
  return first.keyword === 'boolean' ? `${place} is not known` : `${place} ${first.message}`;
}
