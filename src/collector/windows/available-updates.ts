import { z } from 'zod';
import type { Reader } from '../table.ts';
import { joinKey } from '../key.ts';
import { updateRow } from '../updates.ts';
import { flag, int, text, texts } from './fields.ts';
import type { Batch, Section } from './powershell.ts';
import { sectionReader } from './reader.ts';

/** Category of security updates (Microsoft, "WSUS Classification GUIDs"). */
const SECURITY_UPDATES = '0fa1201d-4330-4fa8-8ae9-b877473b6441';

/**
 * Updates that the Windows Update agent knows of by its last own search: `Online` is off, so nothing leaves the host and
 * nothing is downloaded. Formats: IUpdateSearcher, IUpdate, IUpdateIdentity, ICategory (Windows Update Agent API).
 */
const UPDATE: Section<{
  id: string | null;
  revision: number | null;
  title: string | null;
  kb: string[];
  categories: string[];
  severity: string | null;
  hidden: boolean | null;
}> = {
  name: 'update',
  script:
    `$q=(New-Object -ComObject 'Microsoft.Update.Session').CreateUpdateSearcher();$q.Online=$false;` +
    `foreach($u in $q.Search('IsInstalled=0').Updates){[pscustomobject]@{id=$u.Identity.UpdateID;` +
    `revision=$u.Identity.RevisionNumber;title=$u.Title;kb=@($u.KBArticleIDs|ForEach-Object{[string]$_});` +
    `categories=@($u.Categories|ForEach-Object{[string]$_.CategoryID});severity=$u.MsrcSeverity;` +
    `hidden=$u.IsHidden}}`,
  shape: z.object({
    id: text,
    revision: int,
    title: text,
    kb: texts,
    categories: texts,
    severity: text,
    hidden: flag,
  }),
};

/** A batch of its own: a search takes the agent of Windows longer than all other sections together. */
const UPDATES_BATCH: Batch = [UPDATE];

export const updatesWindows: Reader = sectionReader({
  source: 'Windows Update Agent (Microsoft.Update.Session), search without going on-line',
  root: 'partly',
  batch: UPDATES_BATCH,
  section: UPDATE,
  *rows(updates) {
    for (const { id, revision, title, kb, categories, severity, hidden } of updates) {
      if (id === null) continue;
      const [article] = kb;
      const isSecurity =
        severity !== null || categories.some((category) => category.toLowerCase() === SECURITY_UPDATES);
      const { row } = updateRow({
        manager: 'Windows Update',
        package: title ?? (article === undefined ? id : `KB${article}`),
        candidateVersion: article === undefined ? `${id}.${String(revision ?? 0)}` : `KB${article}`,
        security: isSecurity,
        held: hidden === true,
      });
      yield { key: joinKey('Windows Update', id), row };
    }
  },
});
