import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { createSnapshot } from './snapshot.js'

/** From TEST-NET-1 (RFC 5737): every default route leads there, and nothing is ever sent. */
const ROUTE_TARGET = '192.0.2.1'
const DISCARD_PORT = 9
/** Addresses change, by DHCP for one; looking costs next to nothing. */
const FRESH_MS = 15_000

/** Interfaces of containers, virtual machines and tunnels: their addresses mean nothing to others. */
const VIRTUAL = /^(docker|br-|veth|virbr|cni|flannel|cali|lxc|podman|tailscale|wg|tun)/

type Interfaces = ReturnType<typeof networkInterfaces>

/** This machine's address on the route out, looked up again when it may have changed; or null. */
export function createIpAddress(): () => Promise<string | null> {
  return createSnapshot(detectIpAddress, () => FRESH_MS)
}

async function detectIpAddress(): Promise<string | null> {
  const routed = await routedAddress()
  if (routed !== undefined && isUseful(routed)) return routed
  return interfaceAddress(networkInterfaces())
}

/** The first external address of an interface of the machine itself, IPv4 before IPv6; or null. */
export function interfaceAddress(interfaces: Interfaces): string | null {
  const candidates = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && isUseful(address))
  const found =
    candidates.find(({ family }) => family === 'IPv4') ??
    candidates.find(({ family }) => family === 'IPv6')
  return found?.address ?? null
}

/** The address that the system would send from; connecting a UDP socket sends no packet. */
function routedAddress(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const finish = (address?: string) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => {
      finish()
    })
    socket.connect(DISCARD_PORT, ROUTE_TARGET, () => {
      finish(socket.address().address)
    })
  })
}

/** Not loopback, not link-local (without a router nobody else reaches it), not "any". */
function isUseful(address: string): boolean {
  return !/^(127\.|169\.254\.|0\.0\.0\.0$|::1?$|fe[89ab])/i.test(address)
}
