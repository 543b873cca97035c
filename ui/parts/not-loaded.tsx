import type { JSX } from 'preact';

/** What is seen in place of rows or pictures that did not come, with a button that asks once more. */
export function NotLoaded({
  what,
  error,
  retry,
}: {
  readonly what: string;
  readonly error: Error;
  readonly retry: () => void;
}): JSX.Element {
  return (
    <p class="tone-bad" role="alert">
      {what} could not be loaded: {error.message}{' '}
      <button type="button" class="plain" onClick={retry}>
        Try again
      </button>
    </p>
  );
}
