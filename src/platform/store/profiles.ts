import { ProfileSchema, type Profile } from '../../shared/profile.ts';
import { fromJson, toJson, type Db } from './database.ts';

/** A profile in the customer's ordered list, with the hosts that it is meant for (R131–R134). */
export interface ProfileEntry {
  readonly customer: string;
  readonly position: number;
  readonly isDefault: boolean;
  readonly includeTags: readonly string[];
  readonly excludeTags: readonly string[];
  readonly hostNames: readonly string[];
  readonly profile: Profile;
}

interface ProfileRow {
  readonly id: string;
  readonly customer: string;
  readonly position: number;
  readonly isDefault: number;
  readonly includeTags: string;
  readonly excludeTags: string;
  readonly hostNames: string;
  readonly content: string;
}

function entryOf(row: ProfileRow): ProfileEntry {
  return {
    customer: row.customer,
    position: row.position,
    isDefault: row.isDefault === 1,
    includeTags: fromJson(row.includeTags) as string[],
    excludeTags: fromJson(row.excludeTags) as string[],
    hostNames: fromJson(row.hostNames) as string[],
    // Parsed, not cast: a parameter added after the profile was written takes its default.
    profile: ProfileSchema.parse(fromJson(row.content)),
  };
}

/** Configuration profiles, topmost first. */
export function profileStore(db: Db) {
  const list = db.prepare<[string], ProfileRow>(
    'SELECT * FROM profiles WHERE customer = ? ORDER BY position, id',
  );
  const get = db.prepare<[string], ProfileRow>('SELECT * FROM profiles WHERE id = ?');
  const undefault = db.prepare<[string]>('UPDATE profiles SET isDefault = 0 WHERE customer = ?');
  const put = db.prepare<[ProfileRow]>(
    `INSERT INTO profiles (id, customer, position, isDefault, includeTags, excludeTags, hostNames, content)
     VALUES (@id, @customer, @position, @isDefault, @includeTags, @excludeTags, @hostNames, @content)
     ON CONFLICT (id) DO UPDATE SET position = @position, isDefault = @isDefault, includeTags = @includeTags,
       excludeTags = @excludeTags, hostNames = @hostNames, content = @content`,
  );
  return {
    list: (customer: string): ProfileEntry[] => list.all(customer).map(entryOf),
    get(id: string): ProfileEntry | undefined {
      const row = get.get(id);
      return row === undefined ? undefined : entryOf(row);
    },
    /** Takes the default mark from whichever profile has it; the caller sets it on another in the same transaction. */
    clearDefault: (customer: string): void => void undefault.run(customer),
    put(entry: ProfileEntry): void {
      put.run({
        id: entry.profile.id,
        customer: entry.customer,
        position: entry.position,
        isDefault: entry.isDefault ? 1 : 0,
        includeTags: toJson(entry.includeTags),
        excludeTags: toJson(entry.excludeTags),
        hostNames: toJson(entry.hostNames),
        content: toJson(entry.profile),
      });
    },
  };
}
