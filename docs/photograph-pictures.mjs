/**
 * README's pictures of explained photographs: `node docs/photograph-pictures.mjs PHOTO…` has `limelight explain` say what MobileNetV2 takes the
 * middle of each photograph for (scikit-image's coffee and chelsea, in any format), and keeps what its index shows of it in docs/.
 */

import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const photographs = process.argv.slice(2)
const out = await mkdtemp(join(tmpdir(), 'limelight-photographs-'))
const model = process.env.LIMELIGHT_MOBILENET ?? 'mobilenet-v2'
try {
  const words = ['explain', '--model', model, '--crop', '--device', 'cpu', '--out', out, '--image', ...photographs]
  execFileSync(process.execPath, [file('../dist/cli.js'), ...words], { stdio: 'inherit' })
  const lines = (await readFile(join(out, 'explanations.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  for (const { image, report } of lines) {
    const name = `explained-${basename(image, extname(image))}.png`
    await copyFile(join(out, 'thumbnails', `${report}.png`), file(name))
    console.log(name)
  }
} finally {
  await rm(out, { recursive: true, force: true })
}
