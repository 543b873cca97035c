/**
 * A report as the body of a comment: the marker first, by which it is found again, and no longer than the service takes. What is cut is cut between two
 * lines, and what was open is closed.
 * @param limit characters, the marker among them
 */
export function commentBody(marker: string, markdown: string, limit: number, whole: string): string {
  const body = `${marker}\n${markdown}`;
  if (body.length <= limit) return body;
  const note = `\n\n*The report is longer than a comment may be. ${whole}*\n`;
  const room = limit - note.length - '\n```\n</details>'.length;
  const kept: string[] = [];
  let size = 0;
  for (const line of body.split('\n')) {
    size += line.length + 1;
    if (size > room) break;
    kept.push(line);
  }
  const isFenceOpen = kept.filter((line) => line.startsWith('```')).length % 2 === 1;
  const opened = kept.filter((line) => line.startsWith('<details>')).length - kept.filter((line) => line.startsWith('</details>')).length;
  return `${kept.join('\n')}${isFenceOpen ? '\n```' : ''}${opened > 0 ? '\n</details>' : ''}${note}`;
}

/** The report for a screen: without what only opens by a click, and without the signs that keep words from being markup. */
export function printedReport(markdown: string): string {
  return markdown
    .replaceAll(/<details>[\s\S]*?<\/details>\n*/g, '')
    .replaceAll('\u200B', '')
    .replaceAll(/\\([\\`*_[\]|~#!])/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trimEnd();
}
