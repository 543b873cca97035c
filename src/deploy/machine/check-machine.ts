import type { Check, MachineRequirements, ManifestModel, ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import type { Machine } from './machine.ts';
import { isWithin } from './version-range.ts';

const mib = 2 ** 20;
/** What a log and a manifest may need at once beside the files of the models. */
const spareBytes = 64 * mib;

/** What a manifest asks of the machine that is to serve it. */
export interface MachineNeeds {
  readonly manifest: Pick<ReleaseManifest, 'models' | 'warm' | 'requires'>;
  /** Where models and prediction log lie. */
  readonly folder: string;
  /** Bytes of its files that have to be fetched first. */
  readonly bytesToFetch: number;
  /** Digests of packages that are loaded already: they take no more memory. */
  readonly loaded: ReadonlySet<string>;
  /** Where the data plane is to listen; empty while it listens there already. */
  readonly ports: readonly number[];
  readonly host: string;
  /** Ports at which the data plane listens: nobody else has them. */
  readonly ownPorts: readonly number[];
}

/** Looks whether a machine can serve a manifest. All is looked at, whatever is found. @returns a verdict for each requirement */
export async function checkMachine(machine: Machine, needs: MachineNeeds): Promise<Check[]> {
  const { requires = {} } = needs.manifest;
  const looked = await Promise.all([
    memoryCheck(machine, needs),
    diskCheck(machine, needs),
    ...(requires.cpu ?? []).map((feature) => cpuCheck(machine, feature)),
    ...(requires.onnxruntime === undefined ? [] : [runtimeCheck(machine, requires.onnxruntime)]),
    ...portsOf(needs, requires).map((port) => portCheck(machine, needs.host, port)),
    ...(requires.secrets ?? []).map((name) => secretCheck(machine, name)),
    ...(requires.reach ?? []).map((target) => reachCheck(machine, target)),
  ]);
  return looked;
}

export function failedChecks(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ passed }) => !passed);
}

/** @throws GyreError FAILED_PRECONDITION with what was found and what is asked, of each check that failed; `details.checks` has all */
export function requireFit(checks: readonly Check[]): void {
  const failed = failedChecks(checks);
  if (failed.length === 0) return;
  throw new GyreError('FAILED_PRECONDITION', `its machine does not fit: ${failed.map(({ message }) => message).join('; ')}`, {
    checks: [...checks],
  });
}

function portsOf({ ports, ownPorts }: MachineNeeds, requires: MachineRequirements): readonly number[] {
  return [...new Set([...ports.filter((port) => port !== 0), ...(requires.ports ?? []).filter((port) => !ownPorts.includes(port))])];
}

const verdict = (name: string, passed: boolean, observed: Check['observed'], wanted: string, message: string): Check => ({
  name,
  passed,
  observed,
  wanted,
  message: passed ? `${name} is as asked` : message,
});

/** A graph takes at least what its file has; the runtime's own needs are not known before. */
function bytesOfModels(models: readonly ManifestModel[], loaded: ReadonlySet<string>): number {
  const fresh = models.filter(({ package: digest }) => !loaded.has(digest));
  return fresh.reduce((sum, { files }) => sum + files.reduce((all, { size }) => all + size, 0), 0);
}

async function memoryCheck(machine: Machine, { manifest, loaded }: MachineNeeds): Promise<Check> {
  const asked = (manifest.requires?.memoryMiB ?? 0) * mib;
  const models = bytesOfModels([...manifest.models, ...(manifest.warm ?? [])], loaded);
  const wanted = Math.max(asked, models);
  const found = await machine.availableBytes();
  const words = `at least ${inMib(wanted, Math.ceil)}${models > asked ? ', the size of its models' : ''}`;
  return verdict('memory', found >= wanted, inMib(found), words, `memory: ${inMib(found)} are free, ${words} are asked`);
}

async function diskCheck(machine: Machine, { manifest, folder, bytesToFetch }: MachineNeeds): Promise<Check> {
  const asked = (manifest.requires?.diskMiB ?? 0) * mib;
  const files = bytesToFetch === 0 ? 0 : bytesToFetch + spareBytes;
  const wanted = Math.max(asked, files);
  const found = await machine.freeBytes(folder);
  const words = `at least ${inMib(wanted, Math.ceil)}${files > asked ? ', for files that have to be fetched' : ''}`;
  return verdict('disk', found >= wanted, inMib(found), words, `disk: ${inMib(found)} are free at ${folder}, ${words} are asked`);
}

async function cpuCheck(machine: Machine, feature: string): Promise<Check> {
  const features = await machine.cpuFeatures();
  const name = `cpu ${feature}`;
  if (features === undefined)
    return verdict(name, false, null, 'there', `cpu: the processor's features cannot be told here, and "${feature}" is asked`);
  const found = features.has(feature);
  return verdict(name, found, found ? 'there' : 'missing', 'there', `cpu: the processor has no "${feature}", which is asked`);
}

async function runtimeCheck(machine: Machine, range: string): Promise<Check> {
  const found = await machine.onnxruntime();
  const passed = found !== undefined && isWithin(found, range);
  return verdict('onnxruntime', passed, found ?? null, range, `onnxruntime: ${found ?? 'none'} is there, ${range.trim()} is asked`);
}

async function portCheck(machine: Machine, host: string, port: number): Promise<Check> {
  const problem = await machine.portProblem(host, port);
  return verdict(`port ${port}`, problem === undefined, problem ?? 'free', 'free', `port ${port}: ${problem}, and it is asked to be free`);
}

async function secretCheck(machine: Machine, secret: string): Promise<Check> {
  const found = await machine.hasSecret(secret);
  const kind = secret.startsWith('/') ? 'file' : 'environment variable';
  return verdict(`secret ${secret}`, found, found ? 'there' : 'missing', 'there', `secret: there is no ${kind} ${secret}, which is asked`);
}

async function reachCheck(machine: Machine, target: string): Promise<Check> {
  const problem = await machine.reachProblem(target);
  return verdict(
    `reach ${target}`,
    problem === undefined,
    problem ?? 'answers',
    'answers',
    `reach: ${target} does not answer (${problem}), and it is asked to`,
  );
}

const inMib = (bytes: number, whole = Math.floor): string => `${whole(bytes / mib)} MiB`;
