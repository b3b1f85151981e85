import type { Command } from 'commander';

/** A command as a person types it. @returns what it printed */
export async function type(command: Command, ...args: string[]): Promise<string> {
  let printed = '';
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    out.mockRestore();
  }
  return printed;
}
