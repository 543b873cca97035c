/*
 * Custom properties as the colours that they are now: a canvas knows no `light-dark()`.
 */

/** Reads colours where an element stands. */
export function colourReader(beside: HTMLElement): (property: string) => string {
  return (property) => {
    // A probe for each: where colours are changed gradually, even in no time, one that had another colour still shows that.
    const probe = document.createElement('i');
    probe.style.color = `var(${property})`;
    beside.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/** An opaque colour as `getComputedStyle` writes it, made transparent. @param alpha 0 to 1 */
export function withAlpha(colour: string, alpha: number): string {
  return colour.replace(/^rgb\((.*)\)$/, (_, parts: string) => `rgba(${parts}, ${alpha})`);
}
