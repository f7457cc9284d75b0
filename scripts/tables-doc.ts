import { writeFileSync } from 'node:fs';
import { TABLES } from '../src/collector/tables/index.ts';
import { tablesDocument } from '../src/collector/tables/document.ts';

writeFileSync(new URL('../docs/tables.md', import.meta.url), tablesDocument(TABLES));
