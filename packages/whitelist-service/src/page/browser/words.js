// What the page says, in the languages it speaks.
'use strict'

const ENGLISH = {
  service: 'Whitelist service',
  unreachable: 'The service can not be reached',
  goesOn: 'This page goes on trying. Anything below is what the service said last.',
  /** @param {string} age */
  updated: (age) => `updated ${age}`,
  fine: 'The list in the file is the list being served',
  degraded: 'The last good list is still served, not the one in the file',
  stopping: 'The service is about to stop',
  empty: 'The list is empty: no key is whitelisted',
  check: 'Check a key',
  key: 'Public key',
  keyHint: 'npub1…, nprofile1… or 64 hex digits. Never paste a secret key (nsec1…) anywhere.',
  ask: 'Check',
  listed: 'Yes: it is on the list',
  /** @type {Record<string, string>} */
  refusals: {
    not_listed: 'No: it is not on the list',
    banned: 'No: it is banned',
    expired: 'No: its time is over',
  },
  secret: 'This is a SECRET key',
  secretDetail:
    'Treat it as leaked: stop using it and make a new one. It was not sent anywhere, and the field is cleared.',
  noKey: 'This is no public key',
  missing: 'Enter a public key first',
  unanswered: 'No answer: let nobody in until there is one',
  label: 'Label',
  expires: 'Expires',
  expired: 'Expired',
  npub: 'npub',
  hex: 'Hex',
  list: 'The list',
  keys: 'Keys',
  entries: 'Entries in the file',
  /** @param {number} count */
  otherEntries: (count) =>
    count === 1
      ? '1 is a key written twice, or no valid key'
      : `${count} are keys written twice, or no valid keys`,
  version: 'Version',
  loaded: 'Last loaded',
  links: 'Addresses for programs',
}

/** @type {typeof ENGLISH} */
const CHINESE = {
  service: '白名单服务',
  unreachable: '无法连接到服务',
  goesOn: '页面会继续尝试。下方如有内容，是服务最后一次给出的。',
  updated: (age) => `更新于${age}`,
  fine: '正在使用的名单与文件一致',
  degraded: '仍在使用上一份有效名单，而不是文件中的名单',
  stopping: '服务即将停止',
  empty: '名单为空：没有任何密钥在白名单中',
  check: '查询密钥',
  key: '公钥',
  keyHint: 'npub1…、nprofile1… 或 64 位十六进制。切勿在任何地方粘贴私钥（nsec1…）。',
  ask: '查询',
  listed: '是：在名单中',
  refusals: {
    not_listed: '否：不在名单中',
    banned: '否：已被封禁',
    expired: '否：已过期',
  },
  secret: '这是一个私钥（SECRET key）',
  secretDetail: '请视为已泄露：停止使用并生成新的密钥。它没有被发送到任何地方，输入框已清空。',
  noKey: '这不是公钥',
  missing: '请先输入公钥',
  unanswered: '没有应答：在得到应答之前不要放行任何人',
  label: '标签',
  expires: '到期时间',
  expired: '已到期',
  npub: 'npub',
  hex: '十六进制',
  list: '名单',
  keys: '密钥数',
  entries: '文件中的条目',
  otherEntries: (count) => `其中 ${count} 条是重复的密钥，或不是有效的密钥`,
  version: '版本',
  loaded: '最近加载',
  links: '供程序使用的地址',
}

const WORDS = LANGUAGE === 'zh' ? CHINESE : ENGLISH
