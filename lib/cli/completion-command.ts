import { Argument, type Command } from 'commander'

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, options and targets')
    .addArgument(new Argument('<shell>', 'source it: . <(weave-ts completion bash)').choices(['bash', 'zsh']))
    .action(async (shell: string) => {
      const { bashCompletion, zshCompletion } = await import('./completion.ts')
      process.stdout.write(shell === 'zsh' ? zshCompletion(program) : bashCompletion(program))
    })
}
