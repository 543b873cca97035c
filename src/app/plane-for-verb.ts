import { runInference } from './inference.ts';

/** Nobody else waits for this plane. */
const patienceMs = 600_000;

/**
 * A data plane on this machine for the time of one piece of work, without log and gRPC.
 * @param place a package folder, an ONNX file, or `NAME=` one of them
 */
export async function planeForVerb<T>(place: string, work: (address: string) => Promise<T>): Promise<T> {
  const plane = await runInference({
    model: [place],
    port: 0,
    grpcPort: 'off',
    answeringThreads: 1,
    logLevel: 'silent',
    explainTimeoutMs: patienceMs,
  });
  try {
    return await work(plane.address);
  } finally {
    await plane.drain();
  }
}
