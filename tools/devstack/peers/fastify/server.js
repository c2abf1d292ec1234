// The list and the item of a library as fastify's and pg's documentation would have them written.
import { createPublicKey, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import jwt from '@fastify/jwt'
import Fastify from 'fastify'
import pg from 'pg'

const { DATABASE_URL, PEER_AUDIENCE, PEER_ISSUER, PEER_KEY, PEER_SQL } = process.env
const statement = (name) => ({ name, text: readFileSync(join(PEER_SQL, `${name}.sql`), 'utf8') })
const PAGES = { name: statement('page_by_name'), '-acquisition_date': statement('page_newest') }
const ITEM = statement('item')
const [START, STARTED, HEARTBEAT] = ['start', 'started', 'heartbeat'].map(statement)

// Sizes and counts are far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10, query_timeout: 5000 })

const text = { type: 'string' }
const maybeText = { type: ['string', 'null'] }
const id = text
const maybeId = maybeText
const time = { type: 'string', format: 'date-time' }
const maybeTime = { type: ['string', 'null'], format: 'date-time' }
const flag = { type: 'boolean' }
const whole = { type: 'integer' }
const maybeWhole = { type: ['integer', 'null'] }
const listOf = (items) => ({ type: 'array', items })
const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) })

const dlc = { dlc_id: id, name: maybeText, installed: flag, size_installed: maybeWhole, size_required: maybeWhole }
const item = {
  id,
  user_id: id,
  game_id: id,
  name: maybeText,
  product_type: text,
  acquisition_type: maybeText,
  acquisition_date: time,
  is_hidden: flag,
  is_favorite: flag,
  last_played_at: maybeTime,
  total_playtime_seconds: whole,
  installation_status: text,
  installed: flag,
  size_installed: maybeWhole,
  platform: maybeText,
  platforms: listOf(text),
  categories: listOf(text),
  dlc: listOf(object(dlc)),
  family_shared: flag,
  owner_id: maybeId,
  notes: maybeText,
  cover_url: maybeText,
  created_at: time,
  updated_at: time,
}
const detail = {
  ...item,
  install_path: maybeText,
  size_required: maybeWhole,
  version: maybeText,
  developer: maybeText,
  launch_options: listOf(object({ id: text, name: text, command: text, is_default: flag })),
  devices: listOf(
    object({
      device_id: text,
      platform: maybeText,
      status: text,
      failed_reason: maybeText,
      install_path: maybeText,
      installed_version: maybeText,
      size_installed: maybeWhole,
      size_total: maybeWhole,
      installed_at: maybeTime,
    }),
  ),
  playtime_sessions: listOf(object({ id, start_time: time, end_time: time, duration_seconds: whole })),
  access: object({ allowed: flag, via: maybeText, reason: maybeText, expires_at: maybeTime, owner_id: maybeId }),
}
const page = { items: listOf(object(item)), total: whole, limit: whole, offset: whole, next_cursor: { type: 'null' } }
const answer = (data) => ({ 200: object({ status: text, data: object(data), error: { type: 'null' } }) })
const success = (data) => ({ status: 'success', data, error: null })

const app = Fastify({ logger: false })
await app.register(jwt, {
  secret: { public: createPublicKey({ key: JSON.parse(PEER_KEY), format: 'jwk' }).export({ type: 'spki', format: 'pem' }) },
  verify: { algorithms: ['RS256'], allowedIss: PEER_ISSUER, allowedAud: PEER_AUDIENCE },
})
app.addHook('onRequest', (request) => request.jwtVerify())

app.get(
  '/api/v1/library',
  {
    schema: {
      querystring: {
        type: 'object',
        properties: {
          sort: { enum: Object.keys(PAGES), default: 'name' },
          limit: { ...whole, minimum: 1, maximum: 100, default: 20 },
        },
      },
      response: answer(page),
    },
  },
  async (request) => {
    const { sort, limit } = request.query
    const { rows } = await pool.query({ ...PAGES[sort], values: [request.user.sub, limit] })
    return success({ items: rows, total: rows[0]?.total ?? 0, limit, offset: 0, next_cursor: null })
  },
)

app.get(
  '/api/v1/library/:game_id',
  {
    schema: {
      params: { type: 'object', properties: { game_id: { type: 'string', format: 'uuid' } } },
      response: answer(detail),
    },
  },
  async (request, reply) => {
    const { rows } = await pool.query({ ...ITEM, values: [request.user.sub, request.params.game_id] })
    return rows.length === 0 ? reply.code(404).send() : success(rows[0])
  },
)

const uuid = { type: 'string', format: 'uuid' }
const bodyOf = (required, properties) => ({ type: 'object', required, properties, additionalProperties: false })

app.post(
  '/api/v1/library/playtime/start',
  {
    schema: {
      body: bodyOf(['game_id', 'device_id'], {
        game_id: uuid,
        device_id: { type: 'string', minLength: 1, maxLength: 100 },
        platform: { enum: ['windows', 'macos', 'linux', 'android', 'ios'] },
      }),
      response: answer({ session_id: id, game_id: id, start_time: time, state: text }),
    },
  },
  async (request, reply) => {
    const { game_id } = request.body
    const values = [request.user.sub, game_id, randomUUID()]
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const { rows } = await client.query({ ...START, values })
      if (rows.length > 0) await client.query({ ...STARTED, values })
      await client.query('COMMIT')
      return rows.length === 0 ? reply.code(404).send() : success({ ...rows[0], game_id, state: 'active' })
    } catch (problem) {
      await client.query('ROLLBACK')
      throw problem
    } finally {
      client.release()
    }
  },
)

app.post(
  '/api/v1/library/playtime/heartbeat',
  {
    schema: {
      body: bodyOf(['session_id'], { session_id: uuid, idle_seconds: { ...whole, minimum: 0, maximum: 86400 } }),
      response: answer({ session_id: id, played_seconds: whole }),
    },
  },
  async (request, reply) => {
    const { session_id } = request.body
    const { rows } = await pool.query({ ...HEARTBEAT, values: [request.user.sub, session_id] })
    return rows.length === 0 ? reply.code(404).send() : success({ ...rows[0], session_id })
  },
)

process.once('SIGTERM', async () => {
  await app.close()
  await pool.end()
})
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
