/** Lets every side take its turn, one after the other, as many times as asked: whatever the machine does besides, it
 * does to all of them. */
export async function inTurns<Side extends string, Answer>(
  turns: number,
  sides: Record<Side, () => Promise<Answer>>,
  say: (text: string) => void,
): Promise<Record<Side, Answer[]>> {
  const names = Object.keys(sides) as Side[];
  const answers = Object.fromEntries(names.map((name) => [name, [] as Answer[]])) as Record<Side, Answer[]>;
  for (let turn = 1; turn <= turns; turn += 1) {
    for (const name of names) {
      say(`  turn ${turn} of ${turns}: ${name}`);
      answers[name].push(await sides[name]());
    }
  }
  return answers;
}
