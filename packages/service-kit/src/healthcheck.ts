import { get } from 'node:http'
import { localAddress, type ListenAddress } from './listen-address.js'

const TIMEOUT_MS = 4_000

/** Whether the service that listens there answers `GET /livez` with 200: the health check of a container. */
export function isServing(address: ListenAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { ...localAddress(address), path: '/livez', timeout: TIMEOUT_MS },
      (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(false)
    })
  })
}
