import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, createServer, type InlineConfig } from 'vite'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { ModelStoreOptions } from '../../src/app/catalogue/model-store.ts'
import type { PageNetworks } from '../../src/app/catalogue/page-networks.ts'
import { pictureTask, statedImages } from '../../src/app/tasks/picture-task.ts'
import { loadModel } from '../../src/engine/index.ts'
import { chosenNetworks, pageNetworks } from '../../vite/page-networks.ts'
import { describeWithModels, readModelFile } from '../shared-models.ts'

/** Networks of the catalogue beside the page, from a server that has ../shared/models. */

let folder = ''
let page: InlineConfig = {}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limelight-page-networks-'))
  await mkdir(join(folder, 'page'))
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html>')
  page = { configFile: false, root: join(folder, 'page'), logLevel: 'silent', base: './' }
  return () => rm(folder, { recursive: true, force: true })
})

/** Where the store keeps, and a server that it asks; what is asked is noted. */
async function store(asked: string[] = [], answers = true): Promise<ModelStoreOptions> {
  const server = createHttpServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    asked.push(name)
    if (answers) response.end(readModelFile(name))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { folder: join(folder, 'kept'), server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

async function built(names: readonly string[], options: ModelStoreOptions): Promise<string> {
  const outDir = join(folder, 'site')
  await build({ ...page, plugins: [pageNetworks(names, options)], build: { outDir } })
  return join(outDir, 'networks')
}

async function served(
  names: readonly string[],
  options: ModelStoreOptions,
): Promise<(path: string) => Promise<Response>> {
  const server = await createServer({
    ...page,
    plugins: [pageNetworks(names, options)],
    server: { port: 0, hmr: false, watch: null },
  })
  onTestFinished(() => server.close())
  await server.listen()
  return (path) => fetch(new URL(`networks/${path}`, server.resolvedUrls?.local[0]))
}

const both = ['mobilenet-v2', 'squeezenet-1.1']

describeWithModels('chosen networks', () => {
  it('lie in a build with all that the page must know of them, each file as its index says', async () => {
    const networks = await built(both, await store())
    const index: PageNetworks = JSON.parse(await readFile(join(networks, 'index.json'), 'utf8'))
    expect(index.networks.map(({ name, title }) => [name, title])).toEqual([
      ['mobilenet-v2', 'MobileNetV2'],
      ['squeezenet-1.1', 'SqueezeNet 1.1'],
    ])
    const cats = []
    for (const { files, images } of index.networks) {
      const [{ path, bytes, sha256 }] = files
      const content = await readFile(join(networks, path))
      expect([content.byteLength, createHash('sha256').update(content).digest('hex')]).toEqual([bytes, sha256])
      const model = await loadModel(content)
      const { preprocessing, output, classNames } = pictureTask(model, { ...statedImages(model), ...images }, {})
      expect(preprocessing?.source).toBe('the catalogue')
      expect(output?.value).toBe('probabilities')
      cats.push([classNames?.value.length, classNames?.value.indexOf('tabby, tabby cat')])
    }
    // ImageNet's 281st class, counted from 0; one of them has the background before all others.
    expect(cats).toEqual([
      [1001, 282],
      [1000, 281],
    ])
  })

  it('are served when the page asks for them, never before, and downloaded once', async () => {
    const asked: string[] = []
    const get = await served(['squeezenet-1.1'], await store(asked))
    expect(asked).toEqual([])
    const index: PageNetworks = await (await get('index.json')).json()
    const [{ path, bytes }] = index.networks[0].files
    const response = await get(path)
    expect(Number(response.headers.get('content-length'))).toBe(bytes)
    expect(Buffer.from(await response.arrayBuffer()).equals(readModelFile('squeezenet-fp16.onnx'))).toBe(true)
    expect(asked).toEqual(['squeezenet-fp16.onnx', 'mobilenet-v2-quantised.labels.txt'])
    expect((await get('another.onnx')).status).toBe(404)
  })
})

it('unless some are chosen, an empty index says so', async () => {
  const asked: string[] = []
  const networks = await built(chosenNetworks(undefined), await store(asked))
  expect(await readFile(join(networks, 'index.json'), 'utf8')).toBe('{"networks":[]}')
  expect(asked).toEqual([])
})

it('what can not be had fails the build, and is answered with the reason', async () => {
  const refusing = await store([], false)
  const why = /^.*LIMELIGHT_PAGE_NETWORKS: squeezenet-fp16\.onnx could not be had from .*: the server answers 404/s
  await expect(built(['squeezenet-1.1'], refusing)).rejects.toThrow(why)
  expect(existsSync(join(folder, 'site'))).toBe(false)
  const answer = await (await served(['squeezenet-1.1'], refusing))('index.json')
  expect([answer.status, await answer.text()]).toEqual([404, expect.stringMatching(/could not be had/)])
  const unknown = /LIMELIGHT_PAGE_NETWORKS: no network "alexnet"; there are mobilenet-v2, squeezenet-1\.1/
  await expect(built(chosenNetworks('alexnet'), refusing)).rejects.toThrow(unknown)
})

it('names are told apart by commas', () => {
  expect(chosenNetworks(' mobilenet-v2, squeezenet-1.1,')).toEqual(both)
  expect(chosenNetworks('')).toEqual([])
})
