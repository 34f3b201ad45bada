/**
 * Public keys whose secret key is published, so that anybody can sign as them, and where: in examples and
 * test vectors, from which they get into lists.
 */
export const KNOWN_KEYS: ReadonlyMap<string, string> = new Map([
  ['79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', 'secret key 1'],
  ['c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5', 'secret key 2'],
  ['f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9', 'secret key 3'],
  ['7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e', 'the examples of NIP-19'],
  ['17162c921dc4d2518f9a101db33695df1afb56ab82f5ff3e5da6eec3ca5cd917', 'test vector 1 of NIP-06'],
  ['d41b22899549e1f3d335a31002cfd382174006e166d3e658e3a5eecdb6463573', 'test vector 2 of NIP-06'],
  ['672a31bfc59d3f04548ec9b7daeeba2f61814e8ccc40448045007f5479f693a3', 'the test data of NIP-49'],
  ['611df01bfcf85c26ae65453b772d8f1dfd25c264621c0277e1fc1518686faef9', 'the author in NIP-59'],
  ['166bf3765ebd1fc55decfe395beff2ea3b2a4e0a8946e7eb578512b555737c99', 'the recipient in NIP-59'],
  ['18b1a75918f1f2c90c23da616bce317d36e348bcf5f7ba55e75949319210c87c', 'the wrapper in NIP-59'],
  ['dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659', 'test vector 1 of BIP-340'],
  ['dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8', 'test vector 2 of BIP-340'],
  ['25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517', 'test vector 3 of BIP-340'],
  ['778caa53b4393ac467774d09497a87224bf9fab6f6e68b23086497324d6fd117', 'test vector 15 of BIP-340'],
])
