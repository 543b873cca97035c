import type { GlobalOptions } from './cli.ts';

/** Verbs that are loaded together, when one of them is called. */
export interface VerbModule<T> {
  /** What they are called by, below the program or the verb that they belong to. */
  readonly names: readonly string[];
  readonly load: () => Promise<T>;
}

const switches: ReadonlySet<string> = new Set(['--json', '--debug'] satisfies readonly `--${keyof GlobalOptions}`[]);
const withValue: ReadonlySet<string> = new Set(['-C', '--project', '--data', '--server']);

/** The words from the verb on, behind the options that every verb takes; none when something else comes first, such as `--help`. */
export function fromVerbOn(words: readonly string[]): readonly string[] {
  for (let i = 0; i < words.length; i++) {
    if (withValue.has(words[i])) i += 1;
    else if (!words[i].startsWith('-')) return words.slice(i);
    else if (!switches.has(words[i]) && !/^--(project|data|server)=/.test(words[i])) return [];
  }
  return [];
}

/** Those that a verb's name calls; all of them, to be listed or to find the nearest name in, when it calls none. */
export function called<M extends VerbModule<unknown>>(modules: readonly M[], name: string | undefined): readonly M[] {
  const own = modules.filter(({ names }) => name !== undefined && names.includes(name));
  return own.length > 0 ? own : modules;
}
