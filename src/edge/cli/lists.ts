import type { Command } from 'commander';
import type { Query } from './client.ts';
import type { Cli } from './cli.ts';
import { whole } from './verb.ts';

/** What list routes answer. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface ListFlags {
  readonly limit: number;
  readonly after?: string;
}

/** Adds the options that every list takes. */
export function listFlags(command: Command): Command {
  return command.option('--limit <n>', 'at most so many', whole, 20).option('--after <token>', 'go on from a page before');
}

export function listQuery(flags: ListFlags): Query {
  return { limit: flags.limit, after: flags.after };
}

/** Says how to see the rest. */
export function pageNote(cli: Cli, page: Page<unknown>): void {
  if (page.next !== undefined) cli.output.note(cli.output.style('dim', `more: --after ${page.next}`));
}
