import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** The address that the system would send from towards a target; undefined where it knows no way there. */
export type Route = (target: string) => Promise<string | undefined>

/** The discard service (RFC 863): a port is needed, and takes no part in the choice of a route. */
const PORT = 9

/** Asks the system for the route to an IP address. Connecting a UDP socket sends no packet. */
export const sourceAddress: Route = (target) =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(target) ? 'udp6' : 'udp4')
    const finish = (address?: string) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => {
      finish()
    })
    socket.once('connect', () => {
      finish(socket.address().address)
    })
    socket.connect(PORT, target)
  })
