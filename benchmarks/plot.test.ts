import { plot } from './plot';
import type { Report } from './report';
import { row } from './row';

const machine = { cores: 2, cpu: 'a <fast> one' } as Report['machine'];
const peer = (name: string, value: number) => ({ name, value });

it('draws ours once a measure, and every peer beside it to the same scale', () => {
  const common = { measure: 'calls', unit: 'calls/s', value: 200 };
  const rows = [
    row({ ...common, peer: peer('slow', 50), ratioAtLeast: 5 }),
    row({ ...common, peer: peer('fast', 400) }),
    row({ measure: 'P95', unit: 'ms', value: 20, atMost: 30 }),
  ];
  const svg = plot({ rows, machine }, 'scoring');
  const widths = [...svg.matchAll(/width="([\d.]+)" height="14"/g)].map(([, width]) => Number(width));
  expect(widths).toEqual([210, 52.5, 420, 420]);
  expect(svg).toContain('calls [calls/s], ratio ≥ 5 missed');
  expect(svg).toContain('P95 [ms], ≤ 30<');
  expect(svg).toContain('a &lt;fast&gt; one');
});
