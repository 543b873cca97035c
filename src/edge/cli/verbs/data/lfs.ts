import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Identity, LfsLock, LfsRepository, Permission } from '#contract';
import { GyreError, messageOf } from '#core';
import type { Cli } from '../../cli.ts';
import type { Page } from '../../lists.ts';
import { when } from '../../output.ts';
import type { Register, VerbResult } from '../../verb.ts';
import { examples } from '../../verb.ts';

/** `gyre lfs …`: git repositories whose large files lie in Gyre. */
export const registerLfs: Register = (program, bind) => {
  const lfs = program
    .command('lfs')
    .summary('Git LFS: connect a git repository, list repositories')
    .description('Git LFS: the large files of git repositories, stored in Gyre.');
  lfs
    .command('connect')
    .description(
      'Makes the platform the Git LFS server of the git repository in this folder: writes .lfsconfig, and has git ask gyre for the token.',
    )
    .argument('<repository>', 'what the repository is called here')
    .addHelpText('after', examples('gyre lfs connect vision', 'gyre lfs connect vision --server https://gyre.example.org'))
    .action(bind<object>((cli, _options, repository) => connectRepository(cli, repository)));
  lfs
    .command('ls')
    .description('Lists the repositories that Git LFS has pushed to.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<LfsRepository>>('lfs-repositories');
          cli.output.facts(page, () =>
            cli.output.table(page.items, [
              { title: 'REPOSITORY', of: ({ repository }) => repository },
              { title: 'OBJECTS', of: ({ objects }) => objects, align: 'right' },
              { title: 'BYTES', of: ({ bytes }) => bytes, align: 'right' },
              { title: 'LAST PUSH', of: ({ lastStoredAt }) => when(lastStoredAt) },
            ]),
          );
        }),
      ),
    );
  lfs
    .command('locks')
    .description('Lists the paths of a repository that "git lfs lock" has locked.')
    .argument('<repository>', 'as "gyre lfs ls" names it')
    .action(
      bind<object>((cli, _options, repository) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<LfsLock>>(`lfs-repositories/${encodeURIComponent(repository)}/locks?limit=100`);
          cli.output.facts(page, () =>
            cli.output.table(
              page.items,
              [
                { title: 'PATH', of: ({ path }) => path },
                { title: 'BY', of: ({ owner }) => owner.name },
                { title: 'SINCE', of: ({ lockedAt }) => when(lockedAt) },
              ],
              'nothing is locked',
            ),
          );
        }),
      ),
    );
  lfs
    .command('credential')
    .description('Answers git, which asks for the token: a credential helper that "gyre lfs connect" sets up.')
    .argument('<operation>', 'get; store and erase are nothing to do here')
    .action(bind<object>(credential));
};

async function connectRepository(cli: Cli, repository: string): VerbResult {
  const server = await cli.server();
  if (server === undefined) {
    throw new GyreError('FAILED_PRECONDITION', 'the platform does not run, and git has to reach it later as well: start it with "gyre up"');
  }
  const { openClient } = await import('../../client.ts');
  const client = openClient({ ...server, signal: cli.host.signal });
  const { identity, permissions } = await client.get<{ identity: Identity; permissions: readonly Permission[] }>('whoami');
  const top = (await git(cli, ['rev-parse', '--show-toplevel'])).trim();
  const url = `${client.address}/lfs/${encodeURIComponent(repository)}`;
  await git(cli, ['config', '--file', join(top, '.lfsconfig'), 'lfs.url', url]);
  // The empty one keeps git from handing the token to other helpers, which would store it.
  const section = `credential.${client.address}.helper`;
  await git(cli, ['config', '--replace-all', section, '']);
  await git(cli, ['config', '--add', section, `!${helperCommand(cli)}`]);
  const mayPush = permissions.includes('build');
  cli.output.facts({ repository, url, identity: identity.name, mayPush }, () => {
    cli.output.line(`lfs.url is ${url}, written into .lfsconfig: commit it, so that clones find it`);
    cli.output.line(`git asks gyre for the token: ${identity.name} may pull${mayPush ? ' and push' : ', but not push'}`);
  });
}

/** git runs it in a shell, in any folder, whenever a push or pull needs the token. */
function helperCommand({ options, host, projectFolder }: Cli): string {
  const launcher = join(import.meta.dirname, '../../../../../gyre');
  const server = options.server ?? host.environment['GYRE_SERVER'];
  const words =
    server !== undefined && server !== ''
      ? ['--server', server]
      : ['--project', projectFolder, ...(options.data === undefined ? [] : ['--data', resolve(host.folder, options.data)])];
  return [launcher, 'lfs', 'credential', ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** @see https://git-scm.com/docs/git-credential "INPUT/OUTPUT FORMAT": attributes as lines `key=value` */
async function credential(cli: Cli, _options: object, operation: string): VerbResult {
  if (operation !== 'get') return;
  const asked = new Map((await cli.host.readStdin()).split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  const server = await cli.server();
  const { protocol, host } = new URL(server?.address ?? 'http://nowhere.invalid');
  // Said to nobody but the very server whose token it is.
  if (server?.token === undefined || asked.get('protocol') !== protocol.slice(0, -1) || asked.get('host') !== host) return;
  cli.host.stdout.write(`username=gyre\npassword=${server.token}\n`);
}

async function git(cli: Cli, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', words, { cwd: cli.host.folder });
    return stdout;
  } catch (error) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `git ${words[0]}: ${messageOf(error).split('\n').slice(1).join(' ').trim()}`,
      {},
      { cause: error },
    );
  }
}
