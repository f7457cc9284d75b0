/*
 * Numbers of fanotify(7), fanotify_init(2), fanotify_mark(2) and linux/fanotify.h. All masks fit into 31 bits.
 */

/** Events and their modifiers. */
export const FAN = {
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  /** Since Linux 5.0: opened to be executed. */
  OPEN_EXEC: 0x1000,
  Q_OVERFLOW: 0x4000,
  EVENT_ON_CHILD: 0x0800_0000,
  /** Since Linux 5.17: old and new place in one event. */
  RENAME: 0x1000_0000,
  ONDIR: 0x4000_0000,
} as const;

/** Flags of fanotify_init(2). */
export const FAN_INIT = {
  CLOEXEC: 0x1,
  NONBLOCK: 0x2,
  UNLIMITED_MARKS: 0x20,
  /** Since Linux 5.15. */
  REPORT_PIDFD: 0x80,
  REPORT_FID: 0x200,
  REPORT_DIR_FID: 0x400,
  /** Since Linux 5.9. */
  REPORT_NAME: 0x800,
  /** Since Linux 5.17: the handle of the entry too. */
  REPORT_TARGET_FID: 0x1000,
} as const;

/** Flags of fanotify_mark(2). */
export const FAN_MARK = {
  ADD: 0x1,
  REMOVE: 0x2,
  ONLYDIR: 0x8,
  IGNORED_SURV_MODIFY: 0x40,
  FLUSH: 0x80,
  FILESYSTEM: 0x100,
  /** Since Linux 5.19: the mark goes when memory is short, and does not hold the inode. */
  EVICTABLE: 0x200,
  /** Since Linux 6.0. */
  IGNORE: 0x400,
} as const;

export const METADATA_VERSION = 3;
/** `struct fanotify_event_metadata`. */
export const METADATA_BYTES = 24;
/** `struct fanotify_event_info_header`. */
export const INFO_HEADER_BYTES = 4;

/** `info_type` of information records. */
export const INFO = {
  FID: 1,
  DFID_NAME: 2,
  PIDFD: 4,
  OLD_DFID_NAME: 10,
  NEW_DFID_NAME: 12,
} as const;

/** In place of a pidfd: the process had ended when the event was read. */
export const NOPIDFD = -1;

/** `MAX_HANDLE_SZ` of name_to_handle_at(2), bytes. */
export const MAX_HANDLE_BYTES = 128;
/** `struct file_handle` before `f_handle`: its length and its type. */
export const HANDLE_HEADER_BYTES = 8;
