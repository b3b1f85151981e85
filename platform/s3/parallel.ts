/**
 * Runs the tasks, `width` at a time. The first that fails ends the others, and is thrown once they have ended, so that
 * nothing goes on behind the caller's back.
 */
export async function inParallel<Task, Result>(
  tasks: readonly Task[],
  width: number,
  run: (task: Task, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const control = new AbortController();
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < tasks.length && !control.signal.aborted) {
      const index = next++;
      try {
        results[index] = await run(tasks[index]!, control.signal);
      } catch (error) {
        failures.push(error);
        control.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
