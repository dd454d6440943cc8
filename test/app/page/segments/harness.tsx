import { render } from 'preact'
import { useState } from 'preact/hooks'
import { SegmentEditor } from '../../../../src/app/page/segments/segment-editor.tsx'
import '../../../../src/app/page/segments/segments.css'
import '../../../../src/app/page/styles/index.css'

/** The editor alone on a page, which shows the labels as it says them: 64 by 48 pixels in two halves, ids 3 and 8. */
const [height, width] = [48, 64]
const automatic = {
  data: Int32Array.from({ length: height * width }, (_, pixel) => (pixel % width < width / 2 ? 3 : 8)),
  shape: [height, width],
} as const

const picture = new ImageData(2 * width, 2 * height)
for (let i = 0; i < picture.data.length; i += 4) picture.data.set([(i >> 2) % 256, 120, 90, 255], i)

function Harness() {
  const [segments, setSegments] = useState<{ data: Int32Array; shape: readonly [number, number] }>(automatic)
  return (
    <>
      <h1>Segments</h1>
      <SegmentEditor picture={picture} segments={segments} automatic={automatic} onChange={setSegments} />
      <output data-labels={segments.data.join()} />
    </>
  )
}

const place = document.getElementById('page')
if (place) render(<Harness />, place)
