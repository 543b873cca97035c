import type { Command } from 'commander';
import type { Approval, Certification } from '#contract';
import type { Bind } from '../verb.ts';
import { modelVersion } from './model-reference.ts';

/** The verbs by which people answer for a version. */
export function registerReleaseSignOff(release: Command, bind: Bind): void {
  release
    .command('certify')
    .description('Signs a report of application tests as QA expert.')
    .argument('<report>', 'the id of the application test report')
    .requiredOption('--statement <text>', 'what was looked at, and why it is good enough')
    .option('--refuse', 'refuse the certification instead')
    .action(
      bind<{ statement: string; refuse?: boolean }>((cli, options, report) =>
        cli.withClient(async (client) => {
          const verdict = options.refuse === true ? 'refused' : 'certified';
          const certification = await client.post<Certification>('certifications', { report, verdict, statement: options.statement });
          cli.output.facts(certification, () =>
            cli.output.line(`${certification.verdict} by ${certification.certifiedBy.name}: certification ${certification.id}`),
          );
        }),
      ),
    );
  release
    .command('approve')
    .description('Approves a version for an environment.')
    .argument('<version>', 'such as churn/2')
    .argument('<environment>', 'such as production')
    .requiredOption('--statement <text>', 'why it may go there')
    .option('--refuse', 'refuse the approval instead')
    .action(
      bind<{ statement: string; refuse?: boolean }>((cli, options, reference, environment) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const verdict = options.refuse === true ? 'refused' : 'approved';
          const approval = await client.post<Approval>('approvals', {
            modelVersion: version.id,
            environment,
            verdict,
            statement: options.statement,
          });
          cli.output.facts(approval, () => cli.output.line(`${approval.verdict} by ${approval.approvedBy.name}: approval ${approval.id}`));
        }),
      ),
    );
}
