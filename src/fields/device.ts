/** Device numbers. */

/** Bits of a kernel dev_t: 12 for the major, 20 for the minor (include/linux/kdev_t.h). */
const MINOR_BITS = 20

export const major = (dev: number): number => dev >>> MINOR_BITS
export const minor = (dev: number): number => dev & (2 ** MINOR_BITS - 1)

/** A kernel dev_t as stat(2) and Falco show it: the major between the two halves of the minor. */
export const userDevice = (dev: number): number =>
  ((minor(dev) & 0xff) | (major(dev) << 8) | ((minor(dev) & ~0xff) << 12)) >>> 0
