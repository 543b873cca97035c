import type { Actor, Mention, RunComment } from '#contract';

export interface NewComment {
  readonly run: string;
  /** Markdown, 1 to 20,000 characters. */
  readonly text: string;
  /** Whom it mentions; the author is not told of own words. */
  readonly mentions: readonly Actor[];
  readonly by: Actor;
}

export interface CommentChange extends NewComment {
  readonly comment: string;
}

/** What people say about runs. Comments go with their run when it is erased. */
export interface RunComments {
  /** @throws GyreError NOT_FOUND; FAILED_PRECONDITION when the run is deleted */
  add(comment: NewComment): Promise<RunComment>;
  /** Only its author changes a comment. Whom it newly mentions is told. @throws GyreError NOT_FOUND, PERMISSION_DENIED */
  change(change: CommentChange): Promise<RunComment>;
  /** @param request.anybody also the comment of somebody else @throws GyreError NOT_FOUND, PERMISSION_DENIED */
  remove(request: { readonly run: string; readonly comment: string; readonly by: Actor; readonly anybody?: boolean }): Promise<void>;
  /** The comments of a run in the order in which they were made, at most 1,000. @throws GyreError NOT_FOUND */
  list(run: string): Promise<readonly RunComment[]>;
  /** Where somebody is mentioned, newest first, at most 200; not in runs that are deleted. */
  mentionsOf(identity: string): Promise<readonly Mention[]>;
  /** From now on the mentions of somebody until this instant count as seen. @param until UTC milliseconds @returns how many were not yet */
  see(identity: string, until: number): Promise<number>;
}
