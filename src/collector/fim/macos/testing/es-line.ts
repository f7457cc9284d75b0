/* Lines as eslogger writes them: the fields of es_message_t that are looked at, among some that are not. */

const TOKEN = {
  asid: 100_015,
  auid: 501,
  egid: 20,
  euid: 501,
  pid: 612,
  pidversion: 1_500,
  rgid: 20,
  ruid: 501,
};
const STAT = { st_mode: 0o100644, st_size: 5, st_ino: 77, st_uid: 501, st_gid: 20 };

/** An es_file_t. */
export const file = (path: string, mode = 0o100644) => ({
  path,
  path_truncated: false,
  stat: { ...STAT, st_mode: mode },
});

/** An es_process_t. */
export const process = (executable: string, token: object = {}, more: object = {}) => ({
  audit_token: { ...TOKEN, ...token },
  parent_audit_token: { ...TOKEN, pid: 600, pidversion: 1_400 },
  ppid: 600,
  original_ppid: 600,
  group_id: 612,
  session_id: 600,
  codesigning_flags: 570_522_385,
  is_platform_binary: true,
  is_es_client: false,
  cdhash: '330081DCBF4F3086CB71AF1E1B0152BE78FFF23A',
  signing_id: 'com.apple.zsh',
  team_id: null,
  executable: file(executable, 0o100755),
  tty: file('/dev/ttys001', 0o20620),
  start_time: '2026-11-28T01:02:03.123456Z',
  ...more,
});

/** A line without its end. */
export function esLine(event: object, given: { by?: object; sequence?: number } = {}): string {
  const { by = process('/bin/zsh'), sequence = 1 } = given;
  return JSON.stringify({
    schema_version: 1,
    version: 8,
    mach_time: 123_456_789,
    time: '2026-11-28T01:02:04.987654321Z',
    event_type: 0,
    action_type: 1,
    action: { result: { result: { auth: 0 }, result_type: 0 } },
    seq_num: 0,
    global_seq_num: sequence,
    thread: { thread_id: 4_711 },
    process: by,
    event,
  });
}
