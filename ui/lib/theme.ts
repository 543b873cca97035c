import { effect, signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
export const densities = ['comfortable', 'compact'] as const;
export type Density = (typeof densities)[number];

/** One value of this browser's storage, which may be forbidden or full. */
function stored<W extends string>(name: string, allowed: readonly W[], fallback: W): W {
  try {
    const value = localStorage.getItem(name);
    return allowed.find((word) => word === value) ?? fallback;
  } catch {
    return fallback;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that stores nothing still shows what was chosen, until it is closed.
  }
}

export const theme = signal<Theme>('system');
export const density = signal<Density>('comfortable');

/** Reads what was chosen before and puts it on the page, now and whenever it changes. @returns a function that stops it */
export function applyAppearance(): () => void {
  theme.value = stored('gyre.theme', themes, 'system');
  density.value = stored('gyre.density', densities, 'comfortable');
  const root = document.documentElement;
  const stops = [
    effect(() => {
      root.dataset['theme'] = theme.value;
      keep('gyre.theme', theme.value);
    }),
    effect(() => {
      root.dataset['density'] = density.value;
      keep('gyre.density', density.value);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Whether the page is dark now, by choice or by the system. */
export function isDark(): boolean {
  if (theme.value !== 'system') return theme.value === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
