import { Type } from 'typebox';
import { Id, Identity, Instant, Measured, Name, Permission, Prediction, Project, Token, oneOf, page, strict } from '#contract';

/*
 * Shapes of requests and answers that are no records of a room.
 */

/** Query of a list that comes in pages. */
export const paging = {
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'at most so many items' }),
  after: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
};
export const Paging = strict(paging);
export const first = {
  first: Type.Optional(oneOf(['oldest', 'newest'], { description: 'which end of time comes first; default: oldest' })),
};

export const ById = strict({ id: Id });
export const ByEnvironment = strict({ environment: Name });
export const VersionReference = Type.String({ minLength: 1, maxLength: 300, description: 'a version’s id, or name@version' });
export const OfVersion = strict({ ...paging, modelVersion: Type.Optional(Id) });
export const Reason = Type.String({ minLength: 1, maxLength: 2000, description: 'why, in words: it is kept with the record' });
export const NoBody = strict({});

export const Health = strict({ status: Type.Literal('ok') });
export const Version = strict({ gyre: Type.String(), api: Type.Literal('v1') });

export const Whoami = strict({
  identity: Identity,
  permissions: Type.Array(Permission),
  via: oneOf(['token', 'password', 'session', 'local'], { description: '`local`: without a token, on this machine' }),
});
export const SessionRequest = Type.Union([
  strict({ code: Type.String({ minLength: 1, maxLength: 200, description: 'a one-time code' }) }),
  strict({ name: Type.String({ minLength: 1, maxLength: 200 }), password: Type.String({ minLength: 1, maxLength: 1000 }) }),
]);
export const Session = strict({ identity: Identity, expiresAt: Instant });
export const OneTimeCode = strict({
  code: Type.String(),
  path: Type.String({ description: 'opened in a browser, it becomes a session' }),
  expiresAt: Instant,
});
export const TokenRequest = strict({
  label: Type.String({ minLength: 1, maxLength: 200, description: 'what the token is for' }),
  expiresInMs: Type.Optional(Type.Integer({ minimum: 1000, description: 'for ever without it' })),
});
export const Tokens = page(Token);

export const SettingView = strict({
  name: Type.String(),
  value: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
  source: oneOf(['flag', 'environment', 'file', 'default']),
  from: Type.String({ description: 'the flag, variable or file' }),
  help: Type.String(),
});
export const ProjectProblem = strict({
  file: Type.String(),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  path: Type.String(),
  message: Type.String(),
  suggestion: Type.Optional(Type.String()),
  severity: oneOf(['error', 'warning']),
});
export const ProjectView = strict({
  name: Name,
  file: Type.String(),
  digest: Type.String(),
  project: Type.Unsafe<Omit<Project, 'settings'>>(Type.Omit(Project, ['settings'])),
  charter: Type.Optional(Type.Integer({ description: 'the version of the charter that is recorded for it' })),
  environments: Type.Array(
    strict({
      name: Name,
      position: Type.Integer(),
      certify: Type.Optional(Type.String()),
      approve: Type.Optional(Type.String()),
      approvals: Type.Integer(),
    }),
  ),
  endpoint: Name,
  warnings: Type.Array(ProjectProblem),
});
export const ProjectCheck = strict({ valid: Type.Boolean(), problems: Type.Array(ProjectProblem) });

const CellValue = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]);
export const Rows = strict({
  columns: Type.Array(
    strict({
      name: Type.String(),
      type: Type.String(),
      masked: Type.Optional(Type.Boolean({ description: 'personal: texts read ***, other values are null' })),
    }),
  ),
  rows: Type.Array(Type.Record(Type.String(), CellValue)),
  offset: Type.Integer(),
  total: Type.Integer(),
});

export const StepLog = strict({ lines: Type.Array(Type.String()) });

/** A prediction as it was logged, with what became of it. */
export const PredictionRecord = Type.Object(
  {
    ...Prediction.properties,
    eventTime: Instant,
    modelVersion: Type.Optional(Id),
    predicted: Type.Optional(Type.String({ description: 'the predicted class' })),
    score: Type.Optional(Type.Number({ description: 'probability of the positive class, or the predicted number' })),
    label: Type.Optional(strict({ value: CellValue, observedAt: Type.Optional(Instant), receivedAt: Instant, revision: Type.Integer() })),
  },
  { additionalProperties: false },
);
export const LabelsJoined = strict({
  joined: Type.Integer({ description: 'new or changed labels of known predictions' }),
  unchanged: Type.Integer(),
  unmatched: Type.Integer({ description: 'of predictions that are not known yet: kept, and joined when they arrive' }),
});

export const WindowsEvaluated = strict({
  until: Instant,
  windows: Type.Array(strict({ id: Id, start: Instant, end: Instant, rows: Type.Integer() })),
});
export const PerformanceSummary = strict({
  from: Instant,
  to: Instant,
  rows: Type.Integer(),
  labelled: Type.Integer(),
  modelVersions: Type.Array(Id),
  metrics: Type.Array(
    strict({
      name: Type.String(),
      value: Measured,
      interval: Type.Optional(strict({ low: Type.Number(), high: Type.Number(), level: Type.Number() })),
      threshold: Type.Optional(Type.String()),
      met: Type.Optional(Type.Boolean()),
    }),
  ),
});
export const Lineage = strict({
  nodes: Type.Array(strict({ id: Type.String(), kind: Type.String(), title: Type.String() })),
  edges: Type.Array(strict({ from: Type.String(), to: Type.String(), role: Type.String() })),
});
