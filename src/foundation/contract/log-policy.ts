import { Type, type Static } from 'typebox';
import { oneOf, strict } from './common.ts';

/** What stands in place of a text that the reader may not see. Values of other types are left out (null), so that a column keeps its type. */
export const maskedText = '***';

const Names = (what: string) =>
  Type.Array(Type.String({ minLength: 1 }), { description: `${what}, before anything is written`, uniqueItems: true });

/** What the prediction log keeps: `serve.log` in gyre.yaml, and in a manifest. */
export const LogPolicy = strict({
  sample: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'share of the requests that are logged; with 1, what cannot be logged is not answered',
  }),
  mask: Type.Optional(Names('inputs and outputs whose texts become *** and whose other values become null')),
  drop: Type.Optional(Names('inputs and outputs that are left out')),
  maxMib: Type.Optional(
    Type.Integer({ minimum: 1, description: 'mebibytes of the disk that a log may take until it is shipped; default 2048' }),
  ),
  whenFull: Type.Optional(
    oneOf(['refuse', 'drop_oldest'], {
      description:
        'refuse: requests that must be logged are answered 503; drop_oldest: the oldest segments are removed unread, and counted',
    }),
  ),
  events: Type.Optional(
    strict({
      url: Type.String({ format: 'uri', description: 'where requests and responses are told of, as KServe’s logger does (CloudEvents)' }),
      mode: Type.Optional(oneOf(['all', 'request', 'response'])),
      mask: Type.Optional(Names('what is masked there beside what the log itself hides; personal columns are in any case')),
    }),
  ),
});
export type LogPolicy = Static<typeof LogPolicy>;
