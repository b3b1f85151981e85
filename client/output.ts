/** Prints a command's result: JSON where asked for, lines for people otherwise. */
export function print(result: unknown, options: { json?: boolean }, lines: () => string[]): void {
  const text = options.json ? JSON.stringify(result, null, 2) : lines().join('\n');
  process.stdout.write(`${text}\n`);
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
