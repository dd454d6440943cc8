import { openFirefox } from './firefox.ts'
import { pageSuite } from './page-suite.ts'

pageSuite('Firefox', openFirefox, { threads: true })
