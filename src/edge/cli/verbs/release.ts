import type { Deployment, EnvironmentState, Readiness } from '#contract';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Page } from '../lists.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { modelVersion, versionNames } from './model-reference.ts';
import { registerReleaseDelivery } from './release-delivery.ts';
import { followRollout, registerReleaseRollout } from './release-rollout.ts';
import { registerReleaseDiff } from './release-diff.ts';
import { registerReleaseDecisions } from './release-decisions.ts';
import { registerReleaseEvidence } from './release-evidence.ts';
import { registerReleaseFindings } from './release-findings.ts';
import { registerReleasePull } from './release-pull.ts';
import { registerReleaseSignOff } from './release-sign-off.ts';
import { registerReleaseTest } from './release-test.ts';
import { registerReleaseWait } from './release-wait.ts';

export const registerRelease: Register = (program, bind) => {
  const release = program
    .command('release')
    .summary('deploy, test, certify, approve, wait, roll, rollout, rollback, revoke, pull, delivery')
    .description(
      'The way of a model version into production: deploy to test, application tests, certification, approval, roll. Author, certifier and approver are different people.',
    )
    .addHelpText(
      'after',
      examples(
        'gyre release deploy churn/2 test',
        'gyre release test test',
        'gyre release certify 0190… --statement "…"',
        'gyre release approve churn/2 production --statement "…"',
        'gyre release roll churn/2 production --reason "…"',
      ),
    );

  release
    .command('status')
    .description('Shows what runs in each environment; with a version, what it still lacks.')
    .argument('[version]', 'such as churn/2')
    .argument('[environment]', 'where it should go', 'production')
    .action(
      bind<object>((cli, _options, reference, environment) =>
        cli.withClient(async (client) => {
          if (reference === undefined || environment === undefined) {
            const { items } = await client.get<Page<EnvironmentState>>('environments');
            const nameOf = await versionNames(
              client,
              items.map(({ live }) => live?.modelVersion),
            );
            cli.output.facts(items, () => {
              cli.output.table(items, [
                { title: 'ENVIRONMENT', of: ({ name }) => name },
                { title: 'ENDPOINT', of: ({ endpoint }) => endpoint },
                { title: 'MODEL VERSION', of: ({ live }) => nameOf(live?.modelVersion) },
                { title: 'GENERATION', of: ({ live }) => live?.generation, align: 'right' },
                { title: 'SINCE', of: ({ live }) => when(live?.deployedAt) },
                { title: 'READY', of: ({ ready }) => ready },
                {
                  title: 'ADDRESS',
                  of: ({ address, agents }) => (agents === undefined ? address : `${agents.inStep} of ${agents.enrolled} agents`),
                },
                { title: 'GRPC', of: ({ grpcAddress }) => grpcAddress },
              ]);
              for (const { name, problem, expired, expiresAt, expiredBy, agents } of items) {
                for (const waits of agents?.waitsFor ?? []) cli.output.line(`${cli.output.style('yellow', name)}: waits for ${waits}`);
                if (expired === true)
                  cli.output.line(
                    `${cli.output.style('yellow', name)}: expired: what it serves was signed off until ${when(expiresAt)}${expiredBy === undefined ? '' : `: ${expiredBy}`}`,
                  );
                if (problem !== undefined) cli.output.line(`${cli.output.style('red', name)}: ${problem}`);
              }
            });
            return exitCodes.ok;
          }
          const version = await modelVersion(client, reference);
          const readiness = await client.get<Readiness>('readiness', { modelVersion: version.id, environment });
          const warning = readiness.executesCodeOnLoad === true ? (await import('#contract')).executesCode : undefined;
          cli.output.facts(readiness, () => {
            if (readiness.ready) cli.output.line(`${cli.output.style('green', 'ready')}: ${reference} may go to ${environment}`);
            if (warning !== undefined) cli.output.line(`${cli.output.style('red', warning)}: a Python process runs it`);
            const { policy } = readiness;
            if (policy !== undefined) cli.output.line(`by policy ${policy.name}/${policy.version}`);
            for (const { gate, reason } of readiness.missing)
              cli.output.line(`${cli.output.style('yellow', 'missing')} ${gate}: ${reason}`);
          });
          return readiness.ready ? exitCodes.ok : exitCodes.refused;
        }),
      ),
    );

  const put = (name: 'deploy' | 'roll', route: 'deploy' | 'release', words: string): void => {
    const command = release
      .command(name)
      .description(words)
      .argument('<version>', 'such as churn/2')
      .argument('<environment>', 'such as production')
      .option('--reason <text>', 'why, for the record', `gyre release ${name}`);
    if (name === 'roll')
      command
        .option('--at-once', 'all of the traffic at once, also where "roll" in gyre.yaml says step by step')
        .option('--follow', 'where it comes step by step: until that has ended; exits with 3 when it was taken back');
    command.action(
      bind<{ reason: string; atOnce?: boolean; follow?: boolean }>((cli, { follow = false, ...options }, reference, environment) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const path = `environments/${encodeURIComponent(environment)}/${route}`;
          const deployment = await client.post<Deployment>(path, { modelVersion: version.id, ...options });
          const { traffic } = deployment;
          if (follow && traffic !== undefined) return followRollout(cli, client, traffic.rollout);
          showDeployment(cli, deployment, `${version.model}/${version.version}`);
          return showAgents(cli, client, deployment.environment);
        }),
      ),
    );
  };
  put('deploy', 'deploy', 'Deploys a version to an environment that asks for no approval, such as test.');

  registerReleaseTest(release, bind);
  registerReleaseSignOff(release, bind);
  registerReleaseWait(release, bind);
  put(
    'roll',
    'release',
    'Switches an environment to a version, once every gate is met; where "roll" in gyre.yaml says so, step by step. No request is dropped.',
  );
  registerReleaseRollout(release, bind);
  release
    .command('rollback')
    .description('Puts the version before back into an environment, or any that was live there. What is kept warm answers at once.')
    .argument('<environment>', 'such as production')
    .option(
      '--to <generation>',
      'the deployment to go back to, as gyre release history lists it (default: that of the version before)',
      whole,
    )
    .requiredOption('--reason <text>', 'why, for the record')
    .action(
      bind<{ reason: string; to?: number }>((cli, { reason, to }, environment) =>
        cli.withClient(async (client) => {
          const deployment = await client.post<Deployment>(`environments/${encodeURIComponent(environment)}/rollback`, {
            reason,
            ...(to === undefined ? {} : { generation: to }),
          });
          showDeployment(cli, deployment, `model version ${deployment.modelVersion}`);
          await showAgents(cli, client, deployment.environment);
        }),
      ),
    );
  registerReleaseDiff(release, bind);
  registerReleaseDecisions(release, bind);
  registerReleaseEvidence(release, bind);
  registerReleaseFindings(release, bind);
  registerReleasePull(release, bind);
  registerReleaseDelivery(release, bind);
  listFlags(release.command('history').description('Lists deployments, newest first.'))
    .option('--environment <name>', 'of one environment')
    .action(
      bind<ListFlags & { environment?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Deployment>>('deployments', { ...listQuery(options), environment: options.environment });
          const nameOf = await versionNames(
            client,
            page.items.map((item) => item.modelVersion),
          );
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ENVIRONMENT', of: ({ environment }) => environment },
              { title: 'GENERATION', of: ({ generation }) => generation, align: 'right' },
              { title: 'MODEL VERSION', of: (item) => nameOf(item.modelVersion) },
              { title: 'PACKAGE', of: (item) => short(item.package) },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'BY', of: ({ deployedBy }) => deployedBy.name },
              { title: 'WHEN', of: ({ deployedAt }) => when(deployedAt) },
              { title: 'WHY', of: ({ reason }) => reason },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
};

/** Who comes to a release later, where agents serve the environment. */
async function showAgents(cli: Cli, client: Client, environment: string): Promise<void> {
  if (cli.output.json) return;
  const { items } = await client.get<Page<EnvironmentState>>('environments');
  const { agents } = items.find(({ name }) => name === environment) ?? {};
  if (agents === undefined) return;
  const { enrolled, inStep, waitsFor } = agents;
  if (enrolled === 0) cli.output.line(`pending: no agent is enrolled for ${environment} (gyre agent enrol)`);
  else cli.output.line(`${inStep === 0 ? 'pending: ' : ''}${inStep} of ${enrolled} agents serve it`);
  for (const one of waitsFor) cli.output.line(`  waits for ${one}`);
}

function showDeployment(cli: Cli, deployment: Deployment, what: string): void {
  const { traffic } = deployment;
  if (traffic !== undefined) {
    cli.output.facts(deployment, () =>
      cli.output.line(
        `${what} comes to ${deployment.environment} step by step, by rollout ${traffic.rollout}: gyre release rollout status ${deployment.environment} --follow`,
      ),
    );
    return;
  }
  cli.output.facts(deployment, () =>
    cli.output.line(`${what} is ${deployment.state} in ${deployment.environment} (generation ${deployment.generation})`),
  );
}
