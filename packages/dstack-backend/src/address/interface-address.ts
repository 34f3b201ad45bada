import type { networkInterfaces } from 'node:os'
import { isUsable } from './usable.js'

/** Interfaces of containers, virtual machines and tunnels: their addresses mean nothing to others. */
const VIRTUAL = /^(docker|br-|veth|virbr|cni|flannel|cali|lxc|podman|tailscale|wg|tun)/

/** The network interfaces with their addresses, as `node:os` lists them. */
export type Interfaces = ReturnType<typeof networkInterfaces>

/** The first external address of an interface of the machine itself, IPv4 before IPv6; undefined without one. */
export function interfaceAddress(interfaces: Interfaces): string | undefined {
  const candidates = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter((info) => !info.internal && isUsable(info.address))
    .filter((info) => info.family === 'IPv4' || info.scopeid === 0)
  const found = candidates.find(({ family }) => family === 'IPv4') ?? candidates[0]
  return found?.address
}
