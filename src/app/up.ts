import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { openApi } from '#api';
import { GyreError, messageOf } from '#core';
import { checkProject } from '#project';
import { listSegments } from '#serving';
import { buildUi } from './build-ui.ts';
import { compose, platform, type House } from './compose.ts';
import { hostNamesOf, isLoopback, type SettledSettings } from './settings.ts';
import { keepTokensFresh } from './plane-tokens.ts';
import { advanceRollouts } from './advance-rollouts.ts';
import { watchReleases } from './release-watch.ts';
import { shipSegments } from './shipping.ts';
import { gyreVersion } from './version.ts';

export interface UpOptions {
  readonly projectFolder: string;
  readonly settings: SettledSettings;
  /** Serve the web pages: bundled first where they have changed. */
  readonly pages: boolean;
  /** Follow changes of the project's file. */
  readonly watchProject: boolean;
}

/** The platform while it runs. */
export interface RunningGyre extends AsyncDisposable {
  readonly address: string;
  readonly house: House;
  /** Settles when every environment serves what is recorded as live, or has said why not. */
  readonly planesResumed: Promise<void>;
}

/** How often what the data planes have logged is shipped. */
const shippingMs = 2_000;
/** How often it is looked whether agents have fallen silent. */
const lookingMs = 15_000;

/**
 * Opens the house, takes up what a dead process left, and answers HTTP.
 * @throws GyreError ALREADY_EXISTS when the data folder or the port is in use; FAILED_PRECONDITION for an unsafe binding
 */
export async function up(options: UpOptions): Promise<RunningGyre> {
  refuseUnsafeBinding(options.settings);
  await using opened = new AsyncDisposableStack();
  const house = opened.use(await compose(options));
  // What takes a processor begins once the API listens; who asks for it meanwhile waits for it.
  const listening = Promise.withResolvers<boolean>();
  const uiFolder = options.pages ? listening.promise.then(async (listens) => (listens ? (await buildUi()).folder : '')) : undefined;
  uiFolder?.catch((error: unknown) =>
    house.log.error({ error: messageOf(error) }, 'the web pages could not be bundled; the API goes on without'),
  );
  const { values } = house.settings;
  for (const { name } of house.project.current().resolved.environments) {
    await shipSegments(house, name, await leftSegments(house, name));
  }
  const planesResumed = resumePlanes(house, listening.promise);
  opened.defer(() => planesResumed);
  opened.defer(() => listening.resolve(false));
  const api = opened.use(
    await openApi({
      ...house,
      version: gyreVersion,
      artifactLimitBytes: values.artifactMib * 2 ** 20,
      host: values.host,
      port: values.port,
      hostNames: hostNamesOf(values),
      ...(values.tlsCert === '' ? {} : { tls: { cert: readFileSync(values.tlsCert, 'utf8'), key: readFileSync(values.tlsKey, 'utf8') } }),
      allowLocal: values.localIdentity && isLoopback(values.host),
      settings: house.settings.resolved,
      checkProject: () => checkProject(options.projectFolder),
      ...(uiFolder === undefined ? {} : { uiFolder }),
    }),
  );
  listening.resolve(true);
  house.folder.announce({
    address: api.address,
    version: gyreVersion,
    ...(values.tlsCert === '' ? {} : { certificate: resolve(values.tlsCert) }),
  });
  await house.pipelines.resume();
  await house.triggers.resume();
  await house.ci.resume();
  // What is opened for one verb ends with it, and would leave half-done runs behind.
  if (options.watchProject) {
    house.schedules.begin();
    await house.batches.resume();
    await house.registry.conversions.endLeft();
    await house.release.testRuns.endLeft();
    house.batchSchedules.begin();
    await house.streams.resume();
    opened.use(advanceRollouts(house, platform));
  }
  opened.use(await watchReleases(house));
  const shipping = setInterval(() => {
    house.planes.flush().catch((error: unknown) => house.log.error({ error: messageOf(error) }, 'the prediction log could not be shipped'));
  }, shippingMs);
  shipping.unref();
  opened.defer(() => clearInterval(shipping));
  const looking = setInterval(() => {
    house.fleet.look().catch((error: unknown) => house.log.error({ error: messageOf(error) }, 'agents could not be looked at'));
  }, lookingMs);
  looking.unref();
  opened.defer(() => clearInterval(looking));
  if (!isLoopback(values.host)) opened.use(await keepTokensFresh(house, planesResumed));
  const closing = opened.move();
  return { address: api.address, house, planesResumed, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

async function resumePlanes({ release, log }: House, begin: Promise<boolean>): Promise<void> {
  try {
    for (const { environment, reason } of await release.resume(platform, begin)) {
      log.error({ environment, reason }, 'an environment does not serve what is recorded as live');
    }
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the data planes could not be started');
  }
}

/** What was finished by planes of a process that is gone. The planes themselves recover what was still open. */
async function leftSegments(house: House, environment: string): Promise<readonly string[]> {
  return listSegments(house.planes.spoolOf(environment));
}

function refuseUnsafeBinding({ values }: SettledSettings): void {
  if (isLoopback(values.host) || values.allowPlaintext) return;
  if (values.tlsCert !== '' && values.tlsKey !== '') return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `refused to bind to ${values.host} without TLS: give --tls-cert and --tls-key, or --allow-plaintext where a proxy in front ends TLS`,
  );
}
