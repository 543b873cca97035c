import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CiService } from '#ci';
import type { ApplicationTestReport, Decision, EnvironmentState, Identity, IssuedToken, ModelVersion, WantedSignOff } from '#contract';
import { type Repository, newRepository } from '../harness/ci-fixture.ts';
import { azure, github, gitlab, jenkins, type ScriptRun, type Service } from '../harness/ci-services-fixture.ts';
import { caller, done, eventually, gyre, program, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';

const services: Readonly<Record<CiService, { readonly play: Service; readonly path: string; readonly release: string }>> = {
  github: { play: github, path: '.github/workflows/gyre.yml', release: 'release' },
  gitlab: { play: gitlab, path: '.gitlab-ci.yml', release: 'release' },
  jenkins: { play: jenkins, path: 'Jenkinsfile', release: 'release to production' },
  azure: { play: azure, path: 'azure-pipelines.yml', release: 'release' },
};

type Person = Pick<Up, 'get' | 'post'> & { readonly token: string };
type Page<T> = { readonly items: readonly T[] };

describe('the workflows of CI services, each script of them run against a platform', { timeout: 900_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let repository: Repository;
  let house: Up;
  let people: Readonly<Record<'ci' | 'cd' | 'quinn' | 'olga', Person>>;
  let turn = 0;

  const person = async (name: string, roles: readonly Identity['roles'][number][]): Promise<Person> => {
    const { body: identity } = await house.post<Identity>('identities', { name, roles });
    const { body: issued } = await house.post<IssuedToken>(`identities/${identity.id}/tokens`, { label: 'test' });
    return { ...caller(house.address, issued.secret), token: issued.secret };
  };

  before(async () => {
    folder = await temporaryFolder();
    repository = await newRepository(folder.path, 'ci: { base: main }\n');
    const bin = join(folder.path, 'bin');
    await mkdir(bin);
    await symlink(process.execPath, join(bin, 'node'));
    await writeFile(join(bin, 'gyre'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 });
    house = await up({ cwd: repository.project });
    people = {
      ci: await person('ci', ['ml-engineer']),
      cd: await person('cd', ['operator']),
      quinn: await person('quinn', ['qa']),
      olga: await person('olga', ['approver']),
    };
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Plays the file on a new commit of main. @param atCertify what people do while the workflow waits for them */
  const play = async (service: CiService, atCertify: () => Promise<void>): Promise<readonly ScriptRun[]> => {
    turn += 1;
    await repository.commit(`change ${turn}`, {
      'gyre.yaml': (yaml) =>
        yaml.replace(/metric: accuracy(, params: \{ l2: [\d.]+ \})?/, `metric: accuracy, params: { l2: ${turn / 10} }`),
    });
    repository.push();
    const scratch = join(folder.path, `${service}-${turn}`);
    await mkdir(scratch);
    const { path, play: run } = services[service];
    const decided = Promise.withResolvers<void>();
    const ended = new AbortController();
    let isAsked = false;
    const runs = await run({
      text: await readFile(join(repository.checkout, path), 'utf8'),
      checkout: repository.checkout,
      scratch,
      secrets: { GYRE_SERVER: house.address, GYRE_TOKEN: people.ci.token, GYRE_RELEASE_TOKEN: people.cd.token },
      environment: { PATH: `${join(folder.path, 'bin')}${delimiter}${process.env.PATH ?? ''}`, HOME: scratch, NO_COLOR: '1' },
      says: (stage, output) => {
        if (isAsked || stage !== 'certify' || !output.includes(' waits: ')) return;
        isAsked = true;
        // Nobody is to wait for people who could not do what they were to do.
        atCertify().then(decided.resolve, (error: unknown) => {
          decided.reject(error);
          ended.abort();
        });
      },
      signal: ended.signal,
    });
    if (isAsked) await decided.promise;
    return runs;
  };

  const waiting = async (who: Person, what: WantedSignOff['what']): Promise<WantedSignOff> => {
    let found: WantedSignOff | undefined;
    await eventually(
      `something to ${what}`,
      async () => {
        found = (await who.get<Page<WantedSignOff>>('release/queue')).items.find(
          (one) => one.what === what && one.text.startsWith(`shop version ${turn}:`),
        );
        return found !== undefined;
      },
      60_000,
    );
    return found ?? assert.fail();
  };
  const certify = async (verdict: 'certified' | 'refused'): Promise<void> => {
    const { report } = await waiting(people.quinn, 'certify');
    const given = await people.quinn.post('certifications', { report, verdict, statement: 'the report was read' });
    assert.ok(given.status < 300, JSON.stringify(given.body));
  };
  const approve = async (): Promise<void> => {
    const { modelVersion, environment } = await waiting(people.olga, 'approve');
    const given = await people.olga.post('approvals', { modelVersion, environment, verdict: 'approved', statement: 'go' });
    assert.ok(given.status < 300, JSON.stringify(given.body));
  };
  const live = async (): Promise<ModelVersion | undefined> => {
    const { items } = await house.get<Page<EnvironmentState>>('environments');
    const id = items.find(({ name }) => name === 'production')?.live?.modelVersion;
    return id === undefined ? undefined : house.get<ModelVersion>(`model-versions/${id}`);
  };
  const told = (runs: readonly ScriptRun[]): string => runs.map(({ stage, code, output }) => `[${stage}] ${code}\n${output}`).join('\n');

  for (const [service, { path, release }] of Object.entries(services) as [CiService, (typeof services)[CiService]][]) {
    test(`of ${service} bring a commit to production by the hands of three others`, async () => {
      await done(['cd', 'init', service], { cwd: repository.checkout });
      const runs = await play(service, () => certify('certified').then(approve));
      assert.ok(runs.every(({ code }) => code === 0), told(runs)); // prettier-ignore
      assert.deepEqual([...new Set(runs.map(({ stage }) => stage))], ['ci', 'test', 'certify', release]);
      const version = await live();
      assert.equal(version?.version, turn, told(runs));
      const { items } = await house.get<Page<Decision>>(`decisions?modelVersion=${version?.id}`);
      assert.deepEqual(items.map(({ kind, by }) => `${kind} by ${by.name}`).toSorted(), ['approval by olga', 'certification by quinn']);
      const waited = runs.find(({ stage, output }) => stage === 'certify' && output.includes('waits:'))?.output ?? '';
      assert.match(waited, new RegExp(`shop/${turn} waits: .*is not certified: a QA expert certifies application tests`));
      for (const { token } of [people.ci, people.cd]) assert.ok(!told(runs).includes(token), 'no token is printed');
    });

    test(`of ${service} end at the certification that is refused, and release nothing`, async () => {
      const before = await live();
      const runs = await play(service, () => certify('refused'));
      const last = runs.at(-1);
      assert.deepEqual([last?.stage, last?.code], ['certify', 1], told(runs));
      assert.match(last?.output ?? '', /refused certification: quinn refused to certify shop version \d+: the report was read/);
      assert.equal((await live())?.id, before?.id);
      const [report] = (await house.get<Page<ApplicationTestReport>>('application-tests')).items;
      assert.equal(report?.passed, true, 'what was refused had passed its tests');
    });

    test(`of ${service} stay as they are where somebody changed them`, async () => {
      const file = join(repository.checkout, path);
      const written = await readFile(file, 'utf8');
      await writeFile(file, `${written}# ours\n`);
      const refused = await gyre(['cd', 'init', service], { cwd: repository.checkout });
      assert.equal(refused.code, 3);
      assert.match(refused.stderr, /is there, and is not as Gyre wrote it: --force overwrites it/);
      await done(['cd', 'init', service, '--force'], { cwd: repository.checkout });
      assert.equal(await readFile(file, 'utf8'), written);
      await done(['cd', 'init', service, '--environment', 'production', '--cron', '0 5 * * 1'], { cwd: repository.checkout });
      assert.notEqual(await readFile(file, 'utf8'), '', 'one that nobody changed is written anew');
      await writeFile(file, written);
    });
  }

  test('a commit that changes nothing of the model is not tested and signed off again', async () => {
    await repository.commit('words', { 'notes.md': () => 'words alone' });
    repository.push();
    const output = join(folder.path, 'again.env');
    const place = { cwd: repository.checkout, env: { GYRE_SERVER: house.address, GYRE_TOKEN: people.ci.token } };
    // The commit before this one was refused: it is the one before that which is live.
    await repository.commit('as it is live', { 'gyre.yaml': (yaml) => yaml.replace(/l2: [\d.]+/, `l2: ${(turn - 1) / 10}`) });
    repository.push();
    await done(['ci', '--env', output], place);
    assert.match(await readFile(output, 'utf8'), new RegExp(`^GYRE_RELEASE=live\\nGYRE_MODEL_VERSION=shop/${turn - 1}$`, 'm'));
  });

  test('the identity of the first stages can neither certify nor release', async () => {
    const as = (token: string, ...words: readonly string[]) =>
      gyre(words, { cwd: repository.checkout, env: { GYRE_SERVER: house.address, GYRE_TOKEN: token } });
    const [report] = (await house.get<Page<ApplicationTestReport>>('application-tests')).items;
    assert.equal((await as(people.ci.token, 'release', 'certify', report?.id ?? '', '--statement', 'fine')).code, 3);
    assert.equal((await as(people.ci.token, 'release', 'roll', 'shop/1', 'production')).code, 3);
    assert.equal((await as(people.cd.token, 'release', 'approve', 'shop/1', 'production', '--statement', 'go')).code, 3);
  });
});
