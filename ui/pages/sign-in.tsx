import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../lib/api.ts';
import { signIn } from '../lib/session.ts';
import { Command } from '../parts/values.tsx';

/** Who is not known gets here, whatever the address: how to get in, in two ways. */
export function SignIn(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Gyre';
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn({ name, password });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
    setBusy(false);
  };
  return (
    <main class="sign-in" id="main">
      <h1>Gyre</h1>
      <p>This server does not know you yet.</p>
      <section class="card" aria-label="With a link">
        <h2>With a link</h2>
        <p>
          On a machine where you use the command line, this prints a link that opens these pages as you. It works once, for five minutes.
        </p>
        <Command>gyre open</Command>
      </section>
      <form class="card" onSubmit={(event) => void submit(event)} aria-label="With a password">
        <h2>With a password</h2>
        <label class="field">
          <span>Name</span>
          <input name="username" autocomplete="username" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>Password</span>
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {error !== undefined && (
          <p class="failure" role="alert">
            {error.message}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
