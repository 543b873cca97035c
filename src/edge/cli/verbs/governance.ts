import type { AuditEntry, AuditVerification, GyreEvent, Reproduction, Trace } from '#contract';
import { exitCodes } from '../exit-codes.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { modelVersion } from './model-reference.ts';

export const registerGovernance: Register = (program, bind) => {
  program
    .command('trace')
    .summary('from a record back to data, code and approvals')
    .description('Prints the chain from a record to everything that it was made from. Exit code 1 when a link is missing.')
    .argument('<kind>', 'prediction, model_version, deployment, run, alert, …')
    .argument('<id>', 'its id')
    .addHelpText('after', examples('gyre trace prediction 3-1a2b3c4d-0190…', 'gyre trace model_version 0190… --json'))
    .action(
      bind<object>((cli, _options, kind, id) =>
        cli.withClient(async (client) => {
          const trace = await client.get<Trace>(`trace/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`);
          cli.output.facts(trace, () => {
            const widest = Math.max(0, ...trace.links.map((link) => link.kind.length));
            for (const link of trace.links) {
              const who = [link.by?.name, link.at === undefined ? undefined : when(link.at)]
                .filter((part) => part !== undefined)
                .join(', ');
              const bytes =
                link.verified === undefined
                  ? ''
                  : link.verified
                    ? cli.output.style('green', ' bytes verified')
                    : cli.output.style('red', ' BYTES DIFFER');
              cli.output.line(
                `${cli.output.style('dim', link.kind.padEnd(widest))}  ${link.title}${who === '' ? '' : cli.output.style('dim', ` (${who})`)}${bytes}`,
              );
              cli.output.line(
                `${' '.repeat(widest)}  ${cli.output.style('dim', link.digest === undefined ? link.id : `${link.id} ${short(link.digest)}`)}`,
              );
            }
            for (const missing of trace.missing) cli.output.line(`${cli.output.style('red', 'missing')} ${missing}`);
          });
          return trace.complete ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );

  program
    .command('reproduce')
    .summary('train a version again from its records')
    .description(
      'Executes the training run of a version again, in an empty folder with the cache off, and compares the bytes. Exit code 1 when they differ.',
    )
    .argument('<version>', 'such as churn/2 or churn@champion')
    .option('--workers <n>', 'with so many worker threads', whole)
    .addHelpText('after', examples('gyre reproduce churn@champion', 'gyre reproduce churn/2 --workers 4'))
    .action(
      bind<{ workers?: number }>((cli, options, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const workers = options.workers === undefined ? {} : { workers: options.workers };
          const result = await client.post<Reproduction>('reproductions', { modelVersion: version.id, ...workers });
          cli.output.facts(result, () => {
            const verdict = result.identical ? cli.output.style('green', 'identical') : cli.output.style('red', 'different');
            cli.output.line(
              `${verdict}: ${version.model}/${version.version}, run ${result.run}, ${result.workers} ${result.workers === 1 ? 'worker' : 'workers'}, ${(result.durationMs / 1000).toFixed(1)} s`,
            );
            cli.output.pairs([
              ['recorded', result.expected],
              ['now', result.actual],
            ]);
            for (const difference of result.differences) cli.output.line(`  ${difference}`);
          });
          return result.identical ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );

  const audit = program
    .command('audit')
    .summary('the hash-chained log of every change')
    .description('The audit log: append-only, hash-chained, one entry for each change.');
  listFlags(audit.command('ls').description('Lists entries in their order, from the first on.')).action(
    bind<ListFlags>((cli, options) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<AuditEntry>>('audit', listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: '#', of: ({ position }) => position, align: 'right' },
            { title: 'WHEN', of: ({ time }) => when(time) },
            { title: 'WHO', of: ({ actor }) => `${actor.name}${actor.simulated === true ? ' (simulated)' : ''}` },
            { title: 'WHAT', of: ({ action }) => action.replace(/^dev\.gyre\.|\.v1$/g, '') },
            { title: 'OF', of: ({ subject }) => short(subject) },
            { title: 'WHY', of: ({ reason }) => reason },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
  audit
    .command('verify')
    .description('Computes the chain again from its beginning. Exit code 1 when an entry was changed.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const result = await client.get<AuditVerification>('audit/verification');
          cli.output.facts(result, () =>
            cli.output.line(
              `${result.intact ? cli.output.style('green', 'intact') : cli.output.style('red', 'broken')}: ${result.message}`,
            ),
          );
          return result.intact ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );

  listFlags(program.command('events').summary('what happened').description('Lists events, or follows them as they come.'))
    .option('--follow', 'go on until Ctrl-C')
    .action(
      bind<ListFlags & { follow?: boolean }>((cli, options) =>
        cli.withClient(async (client) => {
          const show = (event: GyreEvent): void =>
            cli.output.line(
              `${cli.output.style('dim', when(event.time))} ${event.type.replace(/^dev\.gyre\.|\.v1$/g, '')} ${short(event.subject)} ${JSON.stringify(event.data)}`,
            );
          if (options.follow !== true) {
            const page = await client.get<Page<GyreEvent>>('events', listQuery(options));
            cli.output.facts(page, () => page.items.forEach(show));
            return exitCodes.ok;
          }
          for await (const { data } of client.stream('events/stream')) {
            if (cli.output.json) cli.host.stdout.write(`${JSON.stringify(data)}\n`);
            // The stream carries events of the contract's shape, and nothing else with a type.
            else if (typeof data === 'object' && data !== null && 'type' in data) show(data as GyreEvent);
          }
          return exitCodes.ok;
        }),
      ),
    );
};
