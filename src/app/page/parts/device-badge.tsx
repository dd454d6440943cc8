import { type DeviceChoice, type DeviceStatus, deviceChoices } from '../contract/engine-api.ts'

export const choiceNames: Readonly<Record<DeviceChoice, string>> = {
  auto: 'Auto',
  webgpu: 'WebGPU',
  cpu: 'Processor',
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
      <label>
        Compute on
        <select
          value={device?.choice ?? 'auto'}
          disabled={!device || isSwitching}
          onChange={({ currentTarget }) => onChoose(currentTarget.value as DeviceChoice)}
        >
          {deviceChoices.map((choice) => (
            <option key={choice} value={choice}>
              {choiceNames[choice]}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
