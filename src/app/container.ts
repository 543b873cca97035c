import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';
import type { Container } from '#scoring';

/** Platforms that run a container by a contract of their own. */
export const containerKinds = ['port', 'sagemaker', 'vertex'] as const;
export type ContainerKind = (typeof containerKinds)[number];

/** What `gyre serve` is told, as far as a platform's contract says more of it. */
export interface ContainerFlags {
  readonly container?: string;
  readonly manifest?: string;
  readonly model?: readonly string[];
  readonly host?: string;
  readonly port?: number;
  readonly grpcPort?: number | 'off';
  readonly insecureHttp?: boolean;
}

export interface Contained {
  /** Absent where the platform has no routes of its own. */
  readonly container: Container | undefined;
  /** What stands in for the flags. */
  readonly flags: {
    readonly model?: readonly string[];
    readonly host: string;
    readonly port: number;
    readonly grpcPort: number | 'off';
    readonly insecureHttp: true;
  };
}

/** SageMaker's toolkit for containers lets SAGEMAKER_BASE_DIR name another place. */
const sageMakerFolder = '/opt/ml';
const usualPort = 8080;

/** Which variable of each says the port. */
const portVariables = { port: 'PORT', sagemaker: 'SAGEMAKER_BIND_TO_PORT', vertex: 'AIP_HTTP_PORT' } as const;

/**
 * What the platform that runs this container has said in the environment. `port` (Knative, Cloud Run, Azure Container Instances, Kubernetes): PORT
 * alone, and the model is named in the image. SageMaker: port 8080 or SAGEMAKER_BIND_TO_PORT, another port only within
 * SAGEMAKER_SAFE_PORT_RANGE, the model in /opt/ml/model. Vertex AI: AIP_HTTP_PORT, AIP_HEALTH_ROUTE, AIP_PREDICT_ROUTE, the model at
 * AIP_STORAGE_URI. Both let callers in themselves and speak plain HTTP to the container, on whatever address it has.
 * @returns undefined where no platform is named, by the flag or by GYRE_CONTAINER
 * @throws GyreError INVALID_ARGUMENT when a variable, or the flag, is not what its platform says
 */
export async function containerOf(flags: ContainerFlags, environment: NodeJS.ProcessEnv): Promise<Contained | undefined> {
  const kind = kindOf(flags.container ?? environment['GYRE_CONTAINER']);
  if (kind === undefined) return undefined;
  const { grpcPort = 'off', host = '0.0.0.0', manifest } = flags;
  const variable = portVariables[kind];
  const port = flags.port ?? portIn(variable, environment[variable]) ?? usualPort;
  if (kind === 'sagemaker' && grpcPort !== 'off') requireSafe(grpcPort, environment['SAGEMAKER_SAFE_PORT_RANGE']);
  const model = manifest === undefined && kind !== 'port' ? (flags.model ?? [await modelOf(kind, environment)]) : flags.model;
  const container = kind === 'vertex' ? vertexOf(environment) : kind === 'sagemaker' ? kind : undefined;
  return {
    container,
    flags: { ...(model === undefined ? {} : { model }), host, port, grpcPort, insecureHttp: true },
  };
}

function kindOf(text: string | undefined): ContainerKind | undefined {
  if (text === undefined || text === '' || text === 'off') return undefined;
  const kind = containerKinds.find((one) => one === text);
  if (kind !== undefined) return kind;
  throw new GyreError('INVALID_ARGUMENT', `--container (GYRE_CONTAINER) is "${text}"; ${containerKinds.join(', ')} and off are known`);
}

function portIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new GyreError('INVALID_ARGUMENT', `${name} is "${text}"; a port is wanted`);
}

function requireSafe(port: number, range: string | undefined): void {
  if (range === undefined || range === '') return;
  const [, first = '', last = ''] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === '') throw new GyreError('INVALID_ARGUMENT', `SAGEMAKER_SAFE_PORT_RANGE is "${range}"; FIRST-LAST is wanted`);
  if (port < Number(first) || port > Number(last))
    throw new GyreError('INVALID_ARGUMENT', `--grpc-port ${port} lies outside of SAGEMAKER_SAFE_PORT_RANGE (${range})`);
}

function vertexOf(environment: NodeJS.ProcessEnv): Container {
  const { AIP_HEALTH_ROUTE: health = '/health', AIP_PREDICT_ROUTE: predict = '/predict' } = environment;
  for (const [name, route] of [
    ['AIP_HEALTH_ROUTE', health],
    ['AIP_PREDICT_ROUTE', predict],
  ]) {
    if (!/^\/[^?#\s]+$/.test(route)) throw new GyreError('INVALID_ARGUMENT', `${name} is "${route}"; a path that begins with / is wanted`);
  }
  return { health, predict };
}

async function modelOf(kind: Exclude<ContainerKind, 'port'>, environment: NodeJS.ProcessEnv): Promise<string> {
  const { AIP_STORAGE_URI: uri = '' } = environment;
  if (kind === 'vertex') {
    if (/^[a-z0-9]+:\/\//i.test(uri) || uri === '')
      throw new GyreError(
        'INVALID_ARGUMENT',
        uri === ''
          ? 'there is no model: AIP_STORAGE_URI is empty, and no --model is named'
          : `AIP_STORAGE_URI is ${uri}, which is not read from here: put the package into the image and name it (--model)`,
      );
    return uri;
  }
  const folder = join(environment['SAGEMAKER_BASE_DIR'] ?? sageMakerFolder, 'model');
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isThere) return `model=${folder}`;
  throw new GyreError('NOT_FOUND', `there is no model: ${folder} is no folder, and no --model is named`);
}
