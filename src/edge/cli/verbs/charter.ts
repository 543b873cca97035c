import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { CharterConfirmation, CharterDocuments } from '#contract';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { when } from '../output.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

interface CharterFlags {
  readonly print?: boolean;
  readonly check?: boolean;
  readonly out: string;
}

/** Phase zero. */
export const registerCharter: Register = (program, bind) => {
  const charter = program
    .command('charter')
    .summary('write phase zero: problem statement, charter, initial data report')
    .description(
      'Writes the three documents of phase zero from gyre.yaml and the data, and says what is missing and who confirmed them. Nothing is made up: what nobody has said is named, with the line to add.',
    )
    .option('--out <folder>', 'where to, in the project’s folder', 'docs/charter')
    .option('--print', 'print them, write nothing')
    .option('--check', 'write nothing; exit code 1 when something is missing or these words are not confirmed')
    .addHelpText('after', examples('gyre charter', 'gyre charter --print', 'gyre charter confirm --comment "agreed in the meeting of May"'))
    .action(bind<CharterFlags>(writeCharter));
  charter
    .command('confirm')
    .description('Records that you agree to the charter as it is now, word for word. When its words change, it is to be confirmed again.')
    .option('--comment <text>', 'what there is to say with it')
    .action(bind<{ comment?: string }>(confirm));
};

async function writeCharter(cli: Cli, { print, check, out }: CharterFlags): VerbResult {
  const { output } = cli;
  return cli.withClient(async (client) => {
    const answer = await client.get<CharterDocuments>('charter');
    const folder = resolve(cli.projectFolder, out);
    const files: string[] = [];
    if (print !== true && check !== true) {
      await mkdir(folder, { recursive: true });
      for (const { name, markdown } of answer.documents) {
        await writeFile(join(folder, `${name}.md`), markdown);
        files.push(join(relative(cli.host.folder, folder), `${name}.md`));
      }
    }
    output.facts({ ...answer, files }, () => {
      if (print === true) for (const { markdown } of answer.documents) output.line(markdown);
      for (const file of files) output.line(`written: ${file}`);
      for (const { what, add } of answer.missing) output.line(`${output.style('yellow', 'missing')} ${what}: ${add}`);
      for (const line of confirmationLines(answer)) output.line(line);
    });
    const isGood = answer.missing.length === 0 && answer.confirmed;
    return check === true && !isGood ? exitCodes.failed : exitCodes.ok;
  });
}

function confirmationLines({ charter, confirmed, confirmations, dataChanged }: CharterDocuments): string[] {
  const these = confirmations.filter((each) => each.charter === charter);
  const lines = these.map(
    ({ by, confirmedAt, comment }) => `confirmed by ${by.name}, ${when(confirmedAt)}${comment === undefined ? '' : `: ${comment}`}`,
  );
  if (!confirmed) {
    const [last] = confirmations;
    const earlier =
      last === undefined ? '' : `; ${last.by.name} confirmed other words (${last.charter.slice(0, 12)}), ${when(last.confirmedAt)}`;
    lines.push(`not confirmed: charter ${charter.slice(0, 12)}${earlier}; "gyre charter confirm" does`);
  }
  if (dataChanged.length > 0) lines.push(`the data have new versions since: ${dataChanged.join(', ')}`);
  return lines;
}

async function confirm(cli: Cli, { comment }: { comment?: string }): VerbResult {
  return cli.withClient(async (client) => {
    const { charter } = await client.get<CharterDocuments>('charter');
    const body = { charter, ...(comment === undefined ? {} : { comment }) };
    const confirmation = await client.post<CharterConfirmation>('charter/confirmations', body);
    cli.output.facts(confirmation, () => cli.output.line(`charter ${charter.slice(0, 12)} confirmed by ${confirmation.by.name}`));
  });
}
