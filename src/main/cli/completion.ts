import { Argument, type Command } from 'commander';
import { COMPLETIONS, type Shell } from './completion-scripts.ts';
import { describeProgram } from './describe.ts';

const SHELLS = Object.keys(COMPLETIONS) as Shell[];

/** Adds `wayfarerctl completion`: the script that has a shell complete the commands, made from the commands themselves. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('a script that has a shell complete these commands')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl completion bash > /usr/share/bash-completion/completions/wayfarerctl
  wayfarerctl completion zsh  > /usr/local/share/zsh/site-functions/_wayfarerctl
  wayfarerctl completion fish > /usr/share/fish/vendor_completions.d/wayfarerctl.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(COMPLETIONS[shell](describeProgram(program)));
    });
}
