import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readReference } from '../../reference-files.ts'
import { hasModels, photographsFolder } from '../../shared-models.ts'
import { pictureSuite } from './picture-suite.ts'

pictureSuite({
  reference: readReference('pictures.safetensors'),
  readPhotograph: hasModels ? (name) => readFile(join(photographsFolder, name)) : null,
})
