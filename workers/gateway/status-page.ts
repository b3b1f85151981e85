import type { Overview } from './overview';

/** The overview as one small page without scripts. */
export function renderStatusPage({ models, workers, links }: Overview): string {
  const modelRows = models.map(({ name, generation }) => [
    name,
    generation ? generation.production.version : 'nothing released',
    generation ? String(generation.n) : '',
    generation
      ? generation.variants.map(({ version, mode, weight }) => `${version} ${mode} ${weight}`).join(', ')
      : '',
    generation ? `${generation.who}: ${generation.why}` : '',
  ]);
  const workerRows = workers.map(({ id, address, startedAt, models: served }) => [
    id,
    address,
    startedAt,
    Object.entries(served)
      .map(([name, { generation, problem }]) => `${name} ${generation}${problem ? ` (${problem})` : ''}`)
      .join(', '),
  ]);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Meridian ML pipelines</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}</style>
</head><body><h1>Meridian ML pipelines</h1>
<p>${links.map(({ name, url }) => `<a href="${escape(url)}">${escape(name)}</a>`).join(' · ')}</p>
<h2>Models</h2>${table(['model', 'Production', 'generation', 'variants', 'why'], modelRows)}
<h2>Inference workers</h2>${table(['worker', 'address', 'since', 'serves generation'], workerRows)}
</body></html>
`;
}

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '<p>None yet.</p>';
  const line = (cells: string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
