import { afterEach, describe, expect, it } from 'vitest'
import { startSimulatedVmm, type SimulatedVmm } from '../src/index.js'
import { ask } from './_request.js'

const TOKEN = 'open sesame'
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

let vmm: SimulatedVmm
afterEach(() => vmm.close())

async function statusOf(
  headers: Record<string, string>,
  { method = 'GET', query = '' } = {},
): Promise<number> {
  vmm = await startSimulatedVmm({ version: '0.6.0', token: TOKEN })
  return (await ask(vmm.url, `/prpc/ListGpus${query}`, { method, headers })).status
}

const QUERY = { query: `?token=${encodeURIComponent(TOKEN)}` }

describe('a guarded VMM lets in', () => {
  it.each<[string, Record<string, string>, { method?: string; query?: string }?]>([
    ['X-Admin-Token', { 'x-admin-token': TOKEN }],
    [
      'X-Admin-Token, whatever Authorization says',
      { 'x-admin-token': TOKEN, authorization: 'Bearer no' },
    ],
    ['Bearer', { authorization: `Bearer ${TOKEN}` }],
    [
      'Bearer beside a wrong X-Admin-Token',
      { 'x-admin-token': 'no', authorization: `Bearer ${TOKEN}` },
    ],
    ['Basic user:token', { authorization: basic(`admin:${TOKEN}`) }],
    ['Basic token:', { authorization: basic(`${TOKEN}:`) }],
    ['the query of a GET', {}, QUERY],
    ['the query beside a Basic that is no base64', { authorization: 'Basic ???' }, QUERY],
    ['the query beside a scheme in another case', { authorization: 'bearer no' }, QUERY],
  ])('%s', async (_, headers, request) => {
    expect(await statusOf(headers, request)).toBe(200)
  })
})

describe('a guarded VMM refuses', () => {
  it.each<[string, Record<string, string>, { method?: string; query?: string }?]>([
    ['a request without a token', {}],
    ['a wrong X-Admin-Token', { 'x-admin-token': 'no' }],
    ['a wrong Bearer, whatever the query says', { authorization: 'Bearer no' }, QUERY],
    ['a wrong Basic, whatever the query says', { authorization: basic('admin:no') }, QUERY],
    ['a scheme in another case', { authorization: `bearer ${TOKEN}` }],
    ['the token as user with another password', { authorization: basic(`${TOKEN}:no`) }],
    ['the query of a POST', {}, { method: 'POST', ...QUERY }],
  ])('%s', async (_, headers, request) => {
    expect(await statusOf(headers, request)).toBe(401)
  })

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])('%s with an empty body', async (method) => {
    vmm = await startSimulatedVmm({ version: '0.6.0', token: TOKEN })
    const reply = await ask(vmm.url, '/nothing', { method })
    expect([reply.status, reply.body]).toEqual([401, ''])
    expect(reply.headers['www-authenticate']).toBe('Basic realm="dstack-vmm API"')
    expect(reply.headers['server']).toBe('dstack VMM')
  })

  it('everybody while it has no usable token', async () => {
    vmm = await startSimulatedVmm({ version: '0.6.0', token: '' })
    const headers = { 'x-admin-token': '', authorization: 'Bearer ' }
    expect((await ask(vmm.url, '/prpc/ListGpus?token=', { headers })).status).toBe(401)
  })
})

describe('the guard', () => {
  it('does not exist before 0.6.0', async () => {
    vmm = await startSimulatedVmm({ version: '0.5.11', token: TOKEN })
    expect((await ask(vmm.url, '/prpc/ListGpus')).status).toBe(200)
  })

  it('follows a rotated token', async () => {
    vmm = await startSimulatedVmm({ version: '0.6.0', token: 'old' })
    const call = () => ask(vmm.url, '/prpc/ListGpus', { headers: { authorization: 'Bearer new' } })
    expect((await call()).status).toBe(401)
    vmm.setToken('new')
    expect((await call()).status).toBe(200)
    expect(vmm.calls).toBe(2)
  })
})
