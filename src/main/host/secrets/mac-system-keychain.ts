import { checkName, checkValue } from './entry.ts';
import { reasonOf } from './secret-file.ts';
import { SecretsUnavailable, type SecretStore } from './secret-store.ts';
import { runTool, ToolFailed, type RunTool } from './tool.ts';

const TOOL = '/usr/bin/security';
const KEYCHAIN = '/Library/Keychains/System.keychain';
const SERVICE = 'Wayfarer';
/** What security(1) ends with when there is no such item: the low byte of errSecItemNotFound, -25300. */
const NOT_FOUND = 44;

/**
 * The System keychain of macOS, for the service. A value goes to `security -i` on standard input, so that no process
 * list shows it, and in base64, so that the tool's quoting and its choice between text and hex never matter.
 */
export class MacSystemKeychain implements SecretStore {
  readonly kind = 'System keychain';
  readonly #run: RunTool;

  constructor(run: RunTool = runTool) {
    this.#run = run;
  }

  async get(name: string): Promise<string | undefined> {
    checkName(name);
    const base64 = await this.#find(name);
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
  }

  async set(name: string, value: string): Promise<void> {
    checkName(name);
    checkValue(value);
    const base64 = Buffer.from(value).toString('base64');
    const command = `add-generic-password -U -s ${SERVICE} -a ${name} -T ${TOOL} -w ${base64} ${KEYCHAIN}\n`;
    try {
      await this.#run(TOOL, ['-q', '-i'], command);
    } catch (error) {
      throw refused('write', error);
    }
    if ((await this.#find(name)) !== base64) {
      throw new SecretsUnavailable(
        `${KEYCHAIN} gave back another value than it was given; set the secret again`,
      );
    }
  }

  async delete(name: string): Promise<void> {
    checkName(name);
    try {
      await this.#run(TOOL, ['delete-generic-password', '-s', SERVICE, '-a', name, KEYCHAIN], '');
    } catch (error) {
      if (!isNotFound(error)) throw refused('clear', error);
    }
  }

  async #find(name: string): Promise<string | undefined> {
    try {
      const found = await this.#run(
        TOOL,
        ['find-generic-password', '-s', SERVICE, '-a', name, '-w', KEYCHAIN],
        '',
      );
      return found.trimEnd();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw refused('read', error);
    }
  }
}

const isNotFound = (error: unknown): boolean => error instanceof ToolFailed && error.code === NOT_FOUND;

const refused = (act: string, error: unknown): SecretsUnavailable =>
  new SecretsUnavailable(
    `could not ${act} ${KEYCHAIN}: ${reasonOf(error)}; see with \`security show-keychain-info ${KEYCHAIN}\` as root`,
    { cause: error },
  );
