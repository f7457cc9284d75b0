import { allCommands, type CommandDescription, type OptionDescription } from './describe.ts';

/*
 * Completions as scripts that start no program: a shell asks at every press of a key. Each one follows the words of the line
 * through the commands that there are, and offers what the last of them takes. Library and alternatives: decision 7.
 */

const PROGRAM = 'wayfarerctl';

/** What is offered after a command: a word and what it means. */
interface Offer {
  readonly word: string;
  readonly text: string;
}

/** How a command is written in the scripts: its words, each after a blank; empty for the program itself. */
const placeOf = ({ path }: CommandDescription): string => path.map((word) => ` ${word}`).join('');

const commandOffers = ({ commands }: CommandDescription): Offer[] =>
  commands.map(({ path, text }) => ({ word: path.at(-1) ?? '', text }));

const argumentOffers = (command: CommandDescription): Offer[] =>
  command.arguments.flatMap(({ choices, text }) => choices.map((word) => ({ word, text })));

const optionOffers = ({ options }: CommandDescription): Offer[] =>
  options.map(({ long, text }) => ({ word: long, text }));

/** The places of all commands but the program, as patterns of a `case`. */
const places = (program: CommandDescription): string[] =>
  allCommands(program)
    .filter(({ path }) => path.length > 0)
    .map(placeOf);

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(program: CommandDescription): string {
  const cases = allCommands(program).map((command) => {
    const offers = [...commandOffers(command), ...argumentOffers(command), ...optionOffers(command)];
    return `    ${quoted(placeOf(command))}) offers=${quoted(offers.map(({ word }) => word).join(' '))} ;;`;
  });
  return `# bash completion of ${PROGRAM}
_${PROGRAM}() {
  local place='' word offers=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${places(program).map(quoted).join(' | ')}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$offers" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _${PROGRAM} ${PROGRAM}
`;
}

function zsh(program: CommandDescription): string {
  const list = (offers: readonly Offer[]): string =>
    offers.map(({ word, text }) => quoted(`${word.replaceAll(':', '\\:')}:${text}`)).join(' ');
  const cases = allCommands(program).map((command) => {
    const words = [...commandOffers(command), ...argumentOffers(command)];
    return `    (${quoted(placeOf(command))}) offered=(${list(words)}) options=(${list(optionOffers(command))}) ;;`;
  });
  return `#compdef ${PROGRAM}
_${PROGRAM}() {
  local place='' word
  local -a offered options
  for word in \${words[2,CURRENT-1]}; do
    case "$place $word" in
      (${places(program).map(quoted).join('|')}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  (( \${#offered} )) && _describe ${PROGRAM} offered
  _describe -o option options
  _files
}
if [ "\${funcstack[1]}" = _${PROGRAM} ]; then _${PROGRAM} "$@"; else compdef _${PROGRAM} ${PROGRAM}; fi
`;
}

function fish(program: CommandDescription): string {
  const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = allCommands(program).flatMap((command) => {
    const here = `complete -c ${PROGRAM} -n ${text(`__${PROGRAM}_at ${text(placeOf(command))}`)}`;
    const words = [...commandOffers(command), ...argumentOffers(command)];
    return [
      ...words.map((offer) => `${here} -f -a ${text(offer.word)} -d ${text(offer.text)}`),
      ...command.options.map((option) => `${here} ${fishOption(option, text)}`),
    ];
  });
  return `# fish completion of ${PROGRAM}
function __${PROGRAM}_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${places(program).map(text).join(' ')}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function fishOption(option: OptionDescription, text: (value: string) => string): string {
  const { long, short, value, choices } = option;
  return [
    `-l ${long.replace(/^--/, '')}`,
    ...(short === '' ? [] : [`-s ${short.slice(1)}`]),
    ...(value === '' ? [] : ['-r']),
    ...(choices.length === 0 ? [] : [`-f -a ${text(choices.join(' '))}`]),
    `-d ${text(option.text)}`,
  ].join(' ');
}

/** The scripts by shell, made from a described program. */
export const COMPLETIONS = { bash, zsh, fish } as const satisfies Record<
  string,
  (program: CommandDescription) => string
>;
export type Shell = keyof typeof COMPLETIONS;
