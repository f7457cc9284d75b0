import { ForeignFile, readTrustedFile } from './foreign-file.ts';
import { parseSettingsFile, type RawSettings, type SettingProblem } from './settings.ts';

/**
 * Reads `agent.conf`; absent it holds nothing. One that others may have written is not read, and that is its problem:
 * whoever names platform and key gives the orders. Throws `UnsafeFile` for a link or what is no file, and what the file
 * system throws.
 */
export function readSettingsFile(path: string): { settings: RawSettings; problems: SettingProblem[] } {
  try {
    return parseSettingsFile(readTrustedFile(path) ?? '', path);
  } catch (error) {
    if (!(error instanceof ForeignFile)) throw error;
    const { reason, remedy } = error;
    return {
      settings: {},
      problems: [{ setting: 'the file', source: path, reason: `is not read: ${reason}`, remedy }],
    };
  }
}
