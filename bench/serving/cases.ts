/** What is measured against what, and what is aimed at. */
import type { Contender, Figures } from './measure.ts';
import { type BenchModel, cnnModel, gbdtModel } from './models.ts';
import type { PythonEnvironment } from './environments.ts';
import {
  handWrittenBytes,
  handWrittenImages,
  handWrittenRows,
  httpRequest,
  oipBinary,
  oipJson,
  oipMessages,
  type Sent,
} from './requests.ts';
import {
  type FastApiSetting,
  type MlserverSetting,
  type Server,
  startFastApi,
  startMlserver,
  startTriton,
  type TritonSetting,
} from './servers.ts';
import type { Target } from './protocol.ts';

/** One line of what is aimed at. */
export interface Aim {
  readonly what: string;
  readonly connections: number;
  readonly figure: 'perSecond' | 'p99Ms';
  readonly ours: string;
  readonly theirs: string;
  /** Ours divided by theirs: at least so much for requests a second, at most for p99. */
  readonly ratio: number;
}

export interface Peer {
  readonly name: string;
  /** Tried one after the other; the one with the most requests a second is compared, for each number of connections. */
  readonly settings: readonly PeerSetting[];
  /** The one of them that mostly is the best: compared without trying them where there is little time. */
  readonly usual: number;
  /** Not tried and not aimed at, but shown beside the others. */
  readonly shown?: readonly PeerSetting[];
  readonly target: (server: Server) => Target;
}

export interface PeerSetting {
  readonly start: (folder: string, modelFile: string) => Promise<Server>;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly model: () => Promise<BenchModel>;
  /** Bytes of our answer's body, about. */
  readonly floorBytes: number;
  readonly ours: (model: BenchModel, server: Server) => readonly Pick<Contender, 'name' | 'target'>[];
  readonly peers: (model: BenchModel) => readonly Peer[];
  readonly aims: readonly Aim[];
  /** Rows of one run, in which ONNX Runtime is called in a loop. */
  readonly limitRows: readonly number[];
}

export interface Environments {
  readonly http: PythonEnvironment;
  readonly mlserver: PythonEnvironment;
}

/** What each server is asked. */
export function httpTarget(model: BenchModel, port: number, sent: readonly Sent[], check: Target['check']): Target {
  return { protocol: 'http', port, requests: sent.map((one) => httpRequest(port, one)), check, expected: model.expected };
}

function grpcTarget(model: BenchModel, port: number): Target {
  const path = '/inference.GRPCInferenceService/ModelInfer';
  return { protocol: 'grpc', port, path, requests: oipMessages(model), check: 'tail', expected: model.expected };
}

const both = (aim: Omit<Aim, 'connections'>): readonly Aim[] => [8, 64].map((connections) => ({ ...aim, connections }));

interface Peers {
  readonly fastApi: (model: BenchModel, sent: readonly Sent[], check: Target['check']) => Peer;
  readonly mlserver: (model: BenchModel) => Peer;
  readonly triton: (model: BenchModel, sent: readonly Sent[], check: Target['check']) => Peer;
}

function peersIn(environments: Environments): Peers {
  return {
    fastApi: (model, sent, check) => {
      const setting = (one: FastApiSetting): PeerSetting => ({
        start: (_folder, modelFile) => startFastApi(modelFile, one, environments.http),
      });
      return {
        name: 'FastAPI',
        settings: [1, 2].flatMap((workers) => [0, 1].map((threads) => setting({ workers, threads }))),
        usual: 3,
        shown: [setting({ workers: 2, threads: 1, isAsShipped: true })],
        target: ({ port }) => httpTarget(model, port, sent, check),
      };
    },
    mlserver: (model) => {
      const setting = (one: MlserverSetting): PeerSetting => ({
        start: (folder, modelFile) => startMlserver(folder, model.name, modelFile, one, environments.mlserver),
      });
      return {
        name: 'MLServer',
        settings: [0, 1, 2].flatMap((parallelWorkers) => [0, 32].map((batch) => setting({ parallelWorkers, batch }))),
        usual: 0,
        target: ({ port }) => httpTarget(model, port, oipJson(model), 'json'),
      };
    },
    triton: (model, sent, check) => {
      const setting = (one: TritonSetting): PeerSetting => ({ start: (folder) => startTriton(folder, model, one, environments.http) });
      const processes = [
        { instances: 1, threads: 2 },
        { instances: 2, threads: 1 },
      ];
      return {
        name: 'Triton',
        settings: processes.flatMap((one) => [1, 8].map((batch) => setting({ ...one, batch }))),
        usual: 3,
        target: ({ port }) => httpTarget(model, port, sent, check),
      };
    },
  };
}

/** @param environments of the peers; left out: there are none */
export function casesOf(environments?: Environments): readonly Case[] {
  const peers = environments === undefined ? undefined : peersIn(environments);
  return [
    {
      name: 'gbdt-json',
      title: '100 trees, 20 features, JSON',
      model: gbdtModel,
      floorBytes: 340,
      ours: (model, { port, grpcPort = 0 }) => [
        { name: 'gyre', target: httpTarget(model, port, oipJson(model), 'json') },
        { name: 'gyre gRPC', target: grpcTarget(model, grpcPort) },
      ],
      peers: (model) => (peers === undefined ? [] : [peers.fastApi(model, handWrittenRows(model), 'json'), peers.mlserver(model)]),
      aims: [
        ...both({ what: 'requests/s', figure: 'perSecond', ours: 'gyre', theirs: 'FastAPI', ratio: 5 }),
        ...both({ what: 'requests/s', figure: 'perSecond', ours: 'gyre', theirs: 'MLServer', ratio: 10 }),
        ...both({ what: 'p99', figure: 'p99Ms', ours: 'gyre', theirs: 'FastAPI', ratio: 0.5 }),
        ...both({ what: 'p99', figure: 'p99Ms', ours: 'gyre', theirs: 'MLServer', ratio: 0.5 }),
        ...both({ what: 'gRPC beside REST', figure: 'perSecond', ours: 'gyre gRPC', theirs: 'gyre', ratio: 0.8 }),
      ],
      limitRows: [1, 8, 64],
    },
    {
      name: 'cnn-binary',
      title: 'MobileNetV2 3x96x96, tensors as bytes',
      model: cnnModel,
      floorBytes: 4300,
      ours: (model, { port, grpcPort = 0 }) => [
        { name: 'gyre', target: httpTarget(model, port, oipBinary(model), 'tail') },
        { name: 'gyre gRPC', target: grpcTarget(model, grpcPort) },
      ],
      peers: (model) =>
        peers === undefined
          ? []
          : [peers.triton(model, oipBinary(model), 'tail'), { ...peers.fastApi(model, handWrittenBytes(model), 'tail'), shown: [] }],
      aims: [
        { what: 'requests/s', connections: 8, figure: 'perSecond', ours: 'gyre', theirs: 'Triton', ratio: 1.2 },
        { what: 'p99', connections: 64, figure: 'p99Ms', ours: 'gyre', theirs: 'Triton', ratio: 1 },
        ...both({ what: 'gRPC beside REST', figure: 'perSecond', ours: 'gyre gRPC', theirs: 'gyre', ratio: 0.8 }),
      ],
      limitRows: [1, 4],
    },
    {
      name: 'cnn-json',
      title: 'MobileNetV2 3x96x96, JSON',
      model: cnnModel,
      floorBytes: 20_000,
      ours: (model, { port }) => [{ name: 'gyre', target: httpTarget(model, port, oipJson(model), 'json') }],
      peers: (model) =>
        peers === undefined
          ? []
          : [
              peers.triton(model, oipJson(model), 'json'),
              { ...peers.fastApi(model, handWrittenImages(model), 'json'), shown: [] },
              peers.mlserver(model),
            ],
      aims: ['Triton', 'FastAPI', 'MLServer'].flatMap((theirs) =>
        both({ what: 'requests/s', figure: 'perSecond', ours: 'gyre', theirs, ratio: 1 }),
      ),
      limitRows: [1, 4],
    },
  ];
}

/** @returns undefined when one of both was not measured */
export function judged(aim: Aim, figures: readonly Figures[]): { readonly ratio: number; readonly isReached: boolean } | undefined {
  const [ours, theirs] = [aim.ours, aim.theirs].map((name) => figures.find((one) => one.name === name));
  if (ours === undefined || theirs === undefined) return undefined;
  const ratio = ours[aim.figure] / theirs[aim.figure];
  const isRight = ours.failures === 0;
  return { ratio, isReached: isRight && (aim.figure === 'p99Ms' ? ratio <= aim.ratio : ratio >= aim.ratio) };
}
