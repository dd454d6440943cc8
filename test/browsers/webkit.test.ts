import { pageSuite } from './page-suite.ts'
import { openWebKit } from './webkit.ts'

/** WebKitGTK lets no threads share memory, Safari does: it has the option on that WebKitGTK has off. */
pageSuite('WebKitGTK', () => openWebKit(), { threads: false })
pageSuite('WebKit with Safari’s threads', () => openWebKit({ JSC_useSharedArrayBuffer: '1' }), { threads: true })
