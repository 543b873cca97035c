import { GyreError } from '#core';
import { openSession } from '#onnx';
import type { Session } from '#onnx';
import { openExact } from './exact.ts';
import type { ExactExplainer, ExplainAnswerParts } from './exact.ts';
import { explainByOcclusion, takesImage } from './occlusion.ts';
import type { ExplainJob, ModelParts, Patience } from './request.ts';
import { explainBySampling } from './sampled.ts';

/** A model that can be explained. It runs on the thread that asks, which is blocked meanwhile: servers use `explainLane`. */
export interface Explainer extends AsyncDisposable {
  /**
   * Explains rows by the method that is asked for; `auto` takes exact contributions, else occlusion for an image, else KernelSHAP.
   * @param patience called between pieces of work; what it throws ends it
   * @throws GyreError INVALID_ARGUMENT when the request does not fit the model; FAILED_PRECONDITION when the method is not for this model, with the reason
   */
  explain(job: ExplainJob, patience?: Patience): Promise<ExplainAnswerParts>;
}

/** Opens a model for explanations; what they need of it is loaded when the first is asked for. */
export function openExplainer(parts: ModelParts): Explainer {
  let session: Promise<Session> | undefined;
  let exact: Promise<ExactExplainer | string> | undefined;
  const opened = (): Promise<Session> => (session ??= openSession(parts.graph));
  const exactly = (job: ExplainJob): Promise<ExactExplainer | string> => (exact ??= openExact(parts, job));
  return {
    async explain(job, patience = () => undefined) {
      const { method = 'auto' } = job.options;
      if (method === 'kernel_shap') return explainBySampling(await opened(), parts.signature, job, patience);
      const isImage = takesImage((await opened()).inputs);
      if (method === 'occlusion' || (method === 'auto' && isImage))
        return explainByOcclusion(await opened(), parts.signature, job, patience);
      const found = await exactly(job);
      if (typeof found !== 'string') return found.explain(job, patience);
      if (method === 'exact')
        throw new GyreError('FAILED_PRECONDITION', `there are no exact contributions: ${found}; ask for the method kernel_shap`);
      return { ...(await explainBySampling(await opened(), parts.signature, job, patience)), reason: `no exact contributions: ${found}` };
    },
    async [Symbol.asyncDispose]() {
      const [plain, other] = await Promise.all([session, exact]);
      await plain?.[Symbol.asyncDispose]();
      if (typeof other === 'object') await other[Symbol.asyncDispose]();
    },
  };
}
