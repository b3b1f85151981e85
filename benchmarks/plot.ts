import type { Report } from './report';
import type { Row } from './row';

const WIDTH = 960;
const LABELS = 330;
const BARS = 420;
const LINE = 20;
const COLOURS = { ours: '#1f6feb', peer: '#9aa4ae', missed: '#c62828' };

interface Bar {
  name: string;
  value: number;
  isOurs: boolean;
}

/** The rows as bars, those of one measure together and to one scale: an SVG. */
export function plot({ rows, machine }: Report, title: string): string {
  const parts: string[] = [
    text(16, 30, `${title}: ${machine.cores} cores, ${machine.cpu}`, 'font-size="16"'),
  ];
  let y = 60;
  for (const [measure, group] of byMeasure(rows)) {
    parts.push(heading(y, measure, group));
    const bars = barsOf(group);
    const largest = Math.max(...bars.map(({ value }) => value));
    for (const [index, bar] of bars.entries()) parts.push(drawn(y + (index + 1) * LINE, bar, largest));
    y += (bars.length + 2) * LINE;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" ` +
    `font-family="sans-serif" font-size="12"><rect width="${WIDTH}" height="${y}" fill="white"/>\n` +
    `${parts.join('\n')}\n</svg>\n`
  );
}

function byMeasure(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.measure, [...(groups.get(row.measure) ?? []), row]);
  return groups;
}

function barsOf(group: readonly Row[]): Bar[] {
  const peers = group.flatMap(({ peer, peerName }) =>
    peer === null ? [] : [{ name: peerName!, value: peer, isOurs: false }],
  );
  return [{ name: 'ours', value: group[0]!.ours, isOurs: true }, ...peers];
}

function heading(y: number, measure: string, group: readonly Row[]): string {
  const targets = group.filter(({ target }) => target !== null);
  const missed = targets.some(({ holds }) => !holds);
  const told = [...new Set(targets.map(({ target, holds }) => `${target}${holds ? '' : ' missed'}`))].join(
    ', ',
  );
  const words = `${measure} [${group[0]!.unit}]${told ? `, ${told}` : ''}`;
  return text(16, y, words, `font-weight="bold" fill="${missed ? COLOURS.missed : 'black'}"`);
}

function drawn(y: number, { name, value, isOurs }: Bar, largest: number): string {
  const width = Math.max(1, (BARS * value) / largest);
  const colour = isOurs ? COLOURS.ours : COLOURS.peer;
  return [
    text(LABELS - 8, y, name, 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y - 11}" width="${width.toFixed(1)}" height="14" fill="${colour}"/>`,
    text(LABELS + width + 6, y, String(value)),
  ].join('');
}

const text = (x: number, y: number, words: string, attributes = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped(words)}</text>`;

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
