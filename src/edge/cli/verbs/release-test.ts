import type { Command } from 'commander';
import type { ApplicationTestReport } from '#contract';
import { exitCodes } from '../exit-codes.ts';
import type { Bind } from '../verb.ts';

/** The verb that runs application tests. */
export function registerReleaseTest(release: Command, bind: Bind): void {
  release
    .command('test')
    .description('Runs the application tests over HTTP against what runs in an environment. Exit code 1 when one fails.')
    .argument('[environment]', 'the environment', 'test')
    .option('--profile <profile>', 'quick, or full: saturation, soak, memory, start-up and production compared, on planes beside', 'quick')
    .action(
      bind<{ profile: string }>((cli, { profile }, environment = 'test') =>
        cli.withClient(async (client) => {
          const report = await client.post<ApplicationTestReport>(
            `environments/${encodeURIComponent(environment)}/tests?profile=${encodeURIComponent(profile)}`,
          );
          cli.output.facts(report, () => {
            for (const check of report.checks)
              cli.output.line(
                `${cli.output.style(check.passed ? 'green' : 'red', check.passed ? 'passed' : 'failed')} ${check.name}: ${check.message}`,
              );
            if (report.load !== undefined)
              cli.output.line(
                `load: ${report.load.requests} requests, p50 ${report.load.p50Ms.toFixed(2)} ms, p99 ${report.load.p99Ms.toFixed(2)} ms`,
              );
            for (const { verdict, title, says } of report.requirements ?? []) {
              const style = verdict === 'passed' ? 'green' : verdict === 'failed' ? 'red' : 'dim';
              cli.output.line(`${cli.output.style(style, verdict.replace('_', ' '))} ${title}: ${says}`);
            }
            cli.output.line(`report ${report.id}: ${report.passed ? 'passed' : 'failed'}`);
          });
          return report.passed ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
}
