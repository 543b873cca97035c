import { GyreError } from '#core';
import type { Finding } from './problems.ts';
import { suggestionFor } from './suggest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
type Scalar = string | number | boolean;

const reference = /\$\{([^}]*)\}?/g;
const credentialName = /(password|passwd|secret|token|apikey|api_key|credential|privatekey|private_key)/i;
/** Whether a name says that its value is a secret. */
export function isCredentialName(name: string): boolean {
  return credentialName.test(name);
}
const credentialInUrl = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:(?!\$\{)[^\s/@]+@/i;

/** Whether an address has a password written in it, and not the name of a variable. */
export function holdsCredential(address: string): boolean {
  return credentialInUrl.test(address);
}

/**
 * Puts the values of environment variables in place of `${env:NAME}`.
 * @throws GyreError INVALID_ARGUMENT naming the variable that is not set, or a reference of another kind
 */
export function resolveReferences(text: string, environment: Environment): string {
  return text.replaceAll(reference, (whole: string, inner: string) => {
    const problem = referenceProblem(whole, inner, environment);
    if (problem !== undefined) throw new GyreError('INVALID_ARGUMENT', problem, { reference: whole });
    return environment[inner.slice('env:'.length)] ?? '';
  });
}

function referenceProblem(whole: string, inner: string, environment: Environment): string | undefined {
  if (!whole.endsWith('}')) return `"${whole}" is not closed: \${env:NAME} is needed`;
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(inner)?.[1];
  if (name === undefined) return `"${whole}" refers to nothing: \${env:NAME} is needed`;
  const value = environment[name];
  return value === undefined || value === '' ? `the environment variable ${name} is not set` : undefined;
}

/** What does not hold in `settings`: unknown names, references without a value, credentials written down. */
export function checkSettings(
  settings: Readonly<Record<string, Scalar>>,
  environment: Environment,
  known: readonly string[] | undefined,
): Finding[] {
  return Object.entries(settings).flatMap(([name, value]): Finding[] => {
    const path = ['settings', name];
    if (known !== undefined && !known.includes(name)) {
      const suggestion = suggestionFor(name, known, 'settings');
      return [{ path, atKey: true, message: `unknown setting "${name}"`, ...(suggestion === undefined ? {} : { suggestion }) }];
    }
    if (typeof value !== 'string') return [];
    const problems = [...value.matchAll(reference)]
      .map((match) => referenceProblem(match[0], match[1], environment))
      .filter((problem) => problem !== undefined);
    if (problems.length > 0) return [{ path, message: problems[0] }];
    const isWritten = (credentialName.test(name) && !value.includes('${')) || credentialInUrl.test(value);
    return isWritten
      ? [{ path, message: 'a credential is written down here', suggestion: 'name an environment variable that holds it: "${env:NAME}"' }]
      : [];
  });
}
