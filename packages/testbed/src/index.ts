export {
  createGate,
  type Fault,
  type Flapping,
  type Gate,
  type Ok,
  type Raw,
  type Script,
} from './behaviour.js'
export { startBlackHole, type BlackHole } from './black-hole.js'
export { makeCertificate, type Certificate, type CertificateOptions } from './certificate.js'
export {
  GPU_MODELS,
  gpuCards,
  ODD_GPUS,
  parseGpus,
  type GpuCard,
  type GpuModel,
} from './gpu-fixtures.js'
export type { ListenAddress } from './http-listener.js'
export type { Worker } from './registry-workers.js'
export type { SeenRequest } from './request-log.js'
export {
  startSimulatedRegistry,
  type RegistryBehaviour,
  type RegistryStep,
  type SimulatedRegistry,
  type SimulatedRegistryOptions,
} from './simulated-registry.js'
export {
  startSimulatedVmm,
  type SimulatedVmm,
  type SimulatedVmmOptions,
  type VmmBehaviour,
  type VmmStep,
} from './simulated-vmm.js'
export { createStaleSocket } from './stale-socket.js'
