import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isManifestType,
  isModule,
  MANIFEST_TYPES,
  moduleConflict,
  moduleOfType,
  MODULES,
  servicesOfModules,
  typesOfModules,
} from './modules.ts';

describe('modules and manifest types', () => {
  it('R210 has the nine manifest types, and one of patch assessment', () => {
    expect(MANIFEST_TYPES).toEqual([
      ...['Inventory', 'Vulnerability', 'PolicyCompliance', 'UDC', 'SCA'],
      ...['AutoDiscovery', 'MiddlewarePC', 'FIM', 'EDR'],
      'PatchAssessment',
    ]);
  });

  it('R042 has the seven modules that a key can select', () => {
    expect(MODULES).toEqual(['AI', 'VM', 'PC', 'SCA', 'FIM', 'EDR', 'PM']);
  });

  it('R043 keeps inventory active under any set of modules', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...MODULES), fc.string())), (modules) => {
        expect(typesOfModules(modules)[0]).toBe('Inventory');
      }),
    );
    expect(typesOfModules([])).toEqual(['Inventory']);
  });

  it.each([
    ['AI', ['Inventory']],
    ['VM', ['Inventory', 'Vulnerability']],
    ['PC', ['Inventory', 'PolicyCompliance', 'UDC', 'AutoDiscovery', 'MiddlewarePC']],
    ['SCA', ['Inventory', 'SCA']],
    ['FIM', ['Inventory', 'FIM']],
    ['EDR', ['Inventory', 'EDR']],
    ['PM', ['Inventory', 'PatchAssessment']],
    ['a module of a later version', ['Inventory']],
    ['toString', ['Inventory']],
  ])('R210 brings the manifest types of %s', (module, types) => {
    expect(typesOfModules([module])).toEqual(types);
  });

  it('gives the types of several modules in one fixed order, each once', () => {
    expect(typesOfModules(['EDR', 'VM', 'VM', 'AI', 'PC'])).toEqual([
      ...['Inventory', 'Vulnerability', 'PolicyCompliance', 'UDC', 'AutoDiscovery', 'MiddlewarePC', 'EDR'],
    ]);
  });

  it('R044 brings continuous monitoring and threat protection with VM, and with nothing else', () => {
    expect(servicesOfModules(['AI', 'VM'])).toEqual(['CM', 'TP']);
    const others = MODULES.filter((module) => module !== 'VM');
    expect(servicesOfModules([...others, 'a module of a later version'])).toEqual([]);
  });

  it('finds the module of every type', () => {
    expect(MANIFEST_TYPES.map(moduleOfType)).toEqual([
      'AI',
      'VM',
      'PC',
      'PC',
      'SCA',
      'PC',
      'PC',
      'FIM',
      'EDR',
      'PM',
    ]);
    expect(() => moduleOfType('Telemetry' as never)).toThrow('manifest type Telemetry belongs to no module');
  });

  it.each([[['PC', 'SCA']], [['SCA', 'VM', 'PC']]])('R045 refuses PC and SCA together: %j', (modules) => {
    expect(moduleConflict(modules)).toBe('PC and SCA exclude each other on one host: choose one of them');
  });

  it.each([[[]], [['PC']], [['SCA']], [['AI', 'VM', 'PC', 'FIM', 'EDR', 'PM']], [['pc', 'SCA']]])(
    'R045 accepts one of them, or none: %j',
    (modules) => {
      expect(moduleConflict(modules)).toBeUndefined();
    },
  );

  it('knows its own names and no others', () => {
    expect(MANIFEST_TYPES.every(isManifestType)).toBe(true);
    expect(MODULES.every(isModule)).toBe(true);
    for (const other of ['inventory', '', undefined, null, 1, 'constructor', ['AI']]) {
      expect(isManifestType(other)).toBe(false);
      expect(isModule(other)).toBe(false);
    }
  });
});
