import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { cliFor } from './cli.ts';
import type { Cli, CliHost, GlobalOptions } from './cli.ts';

/** What a verb gives back: an exit code, or nothing where all went well. */
export type VerbResult = Promise<number | void>;

/**
 * Adds verbs to the program; rooms are imported by the actions, so that help costs nothing.
 * @param second the word behind the verb: of a verb with many verbs below it, only that one need be loaded
 */
export type Register = (program: Command, bind: Bind, second?: string) => void | Promise<void>;

/** Makes an action of a verb: `bind((cli, options, ...arguments) => …)`. */
export type Bind = <O extends object>(
  verb: (cli: Cli, options: O, ...words: string[]) => VerbResult,
) => (...given: unknown[]) => Promise<void>;

/** @param done told the exit code */
export function binder(host: CliHost, done: (code: number) => void): Bind {
  return (verb) =>
    async (...given) => {
      // Commander calls an action with the arguments, the options and the command, in this order.
      const command = given.at(-1) as Command;
      const own = { ...command.opts<GlobalOptions & Record<string, unknown>>(), ...takenAbove(command) };
      const words = given
        .slice(0, -2)
        .flat()
        .filter((word) => typeof word === 'string');
      const cli = cliFor(host, command.optsWithGlobals<GlobalOptions>());
      const code = await verb(cli, own as Parameters<typeof verb>[1], ...words);
      if (typeof code === 'number') done(code);
    };
}

/** Options of a verb that the verb above it has as well: commander gives those that were said to the one above. */
function takenAbove(command: Command): Record<string, unknown> {
  const { parent } = command;
  if (parent === null) return {};
  const names = command.options.map((option) => option.attributeName());
  return Object.fromEntries(
    names.flatMap((name) => (parent.getOptionValueSource(name) === 'cli' ? [[name, parent.getOptionValue(name) as unknown]] : [])),
  );
}

/** Examples under a verb's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** Reads a whole number from an option. @throws InvalidArgumentError, which commander shows with the option's name */
export function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number is needed.');
  return value;
}

/** As `whole`, from 1. @throws InvalidArgumentError */
export function atLeastOne(text: string): number {
  const value = whole(text);
  if (value < 1) throw new InvalidArgumentError('At least 1 is needed.');
  return value;
}
