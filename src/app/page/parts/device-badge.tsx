import { type DeviceChoice, type DeviceStatus, deviceChoices } from '../contract/engine-api.ts'
import { Choice } from './choice.tsx'

const choiceNames: Readonly<Record<DeviceChoice, string>> = {
  auto: 'Auto',
  webgpu: 'WebGPU',
  cpu: 'Processor',
}

/** The choice of a device. */
export function DeviceSelect({
  choice,
  isDisabled,
  onChoose,
}: {
  choice: DeviceChoice
  isDisabled: boolean
  onChoose: (choice: DeviceChoice) => void
}) {
  return (
    <Choice
      title="Compute on"
      names={deviceChoices}
      titleOf={(name) => choiceNames[name]}
      chosen={choice}
      isDisabled={isDisabled}
      onChoose={onChoose}
    />
  )
}

/** Which device computes, and why; and the choice of another. */
export function DeviceBadge({
  device,
  isSwitching,
  onChoose,
}: {
  device: DeviceStatus | null
  isSwitching: boolean
  onChoose: (choice: DeviceChoice) => void
}) {
  return (
    <div class="device">
      <p class="device-name" role="status">
        <span class="lamp" data-kind={device?.kind} aria-hidden="true" />
        {device && !isSwitching ? (
          <span>
            <strong>{device.kind}</strong> — {device.adapter}
            {device.reason && <span class="reason">: {device.reason}</span>}
          </span>
        ) : (
          <span>{isSwitching ? 'Switching…' : 'Looking for a device…'}</span>
        )}
      </p>
      <DeviceSelect choice={device?.choice ?? 'auto'} isDisabled={!device || isSwitching} onChoose={onChoose} />
    </div>
  )
}
