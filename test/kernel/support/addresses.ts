/** Addresses as bind(2) and connect(2) take them, and how records show them. */

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_PACKET = 17
export const STREAM = 1
export const DATAGRAM = 2
/** ::1 as the records of the tests show it. */
export const LOOPBACK6 = '0000:0000:0000:0000:0000:0000:0000:0001'

/** struct sockaddr_in. */
export function inetBytes(port: number, ip = '127.0.0.1'): Uint8Array {
  const address = new Uint8Array(16)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_INET, true)
  view.setUint16(2, port)
  address.set(ip.split('.').map(Number), 4)
  return address
}

/** struct sockaddr_in6 of ::1. */
export function inet6Bytes(port: number): Uint8Array {
  const address = new Uint8Array(28)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_INET6, true)
  view.setUint16(2, port)
  address[23] = 1
  return address
}
