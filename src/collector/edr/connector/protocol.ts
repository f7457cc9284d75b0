/*
 * The numbers of the process-events connector: linux/netlink.h, linux/connector.h and linux/cn_proc.h of the kernel. Values
 * are in the byte order of the host; all hosts that are spoken to have the little one.
 */

/** Protocol family number of connectors (linux/netlink.h, `NETLINK_CONNECTOR`). */
export const NETLINK_CONNECTOR = 11;

/** Identifier of the process connector (linux/connector.h, `CN_IDX_PROC`, `CN_VAL_PROC`); the first is its group as well. */
export const CN_IDX_PROC = 1;
export const CN_VAL_PROC = 1;

/** Types of netlink messages that are not data of a protocol (linux/netlink.h). */
export const NLMSG_DONE = 3;

/** Lengths of `struct nlmsghdr`, `struct cn_msg` and of `struct proc_event` up to its union, bytes. */
export const NLMSG_HEADER = 16;
export const CN_HEADER = 20;
export const EVENT_HEADER = 16;

/** Operations (linux/cn_proc.h, `enum proc_cn_mcast_op`). */
export const PROC_CN_MCAST_LISTEN = 1;
export const PROC_CN_MCAST_IGNORE = 2;

/** What happened (linux/cn_proc.h, `enum proc_cn_event`). `NONE` is the kernel's answer to a request. */
export const PROC_EVENT = {
  NONE: 0,
  FORK: 0x0000_0001,
  EXEC: 0x0000_0002,
  UID: 0x0000_0004,
  GID: 0x0000_0040,
  SID: 0x0000_0080,
  PTRACE: 0x0000_0100,
  COMM: 0x0000_0200,
  COREDUMP: 0x4000_0000,
  EXIT: 0x8000_0000,
} as const;

/**
 * A request to the connector: the operation alone, which every kernel knows, and gives every event. The answer has the token
 * plus one, whoever else asks the connector something meanwhile.
 */
export function connectorRequest(
  operation: typeof PROC_CN_MCAST_LISTEN | typeof PROC_CN_MCAST_IGNORE,
  token: number,
): Buffer {
  const data = 4;
  const message = Buffer.alloc(NLMSG_HEADER + CN_HEADER + data);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(NLMSG_DONE, 4);
  message.writeUInt32LE(CN_IDX_PROC, NLMSG_HEADER);
  message.writeUInt32LE(CN_VAL_PROC, NLMSG_HEADER + 4);
  message.writeUInt32LE(token, NLMSG_HEADER + 12);
  message.writeUInt16LE(data, NLMSG_HEADER + 16);
  message.writeUInt32LE(operation, NLMSG_HEADER + CN_HEADER);
  return message;
}
