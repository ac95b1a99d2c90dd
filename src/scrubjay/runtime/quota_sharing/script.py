"""`QuotaLedger.lease` for Redis and Valkey: one script that counts for all replicas (`decisions.md` 9.4).

The arithmetic is that of `ledger`, and one set of traces tests both. What differs is that Redis may forget: each replica's use
stands in a field of its own and is told in full with each call, so that a lost answer, a repeated call or data that is a second old
mends itself, and after a restart without data every replica brings back its own part. What nobody who spoke can account for (`l`) is made
up from the highest consumption that a replica knows, until its owner speaks. A call that was overtaken by a later one of the same replica
does nothing. Who comes back after the store was away says so (`back`); from the first who does, all have 4 s to tell what they took (`#` of the
replicas seen).

Keys, all with the organisation's hash tag: `sj:q:{org}:<id>:<subscope>:<namespace>:<slot>[:<group>]` (hash: `t` total, `l`, one field a
replica; of buckets, whose slot is `b`, `t` tokens times window and `at`), the same with `:g` (set of groups), and the replicas seen.
"""

from __future__ import annotations

from typing import Final

LEASE: Final = """
local time = redis.call('TIME')
local now, micros = tonumber(time[1]), tonumber(time[2])
local registry, me, seq = KEYS[1], ARGV[1], tonumber(ARGV[2])
local ask = cjson.decode(ARGV[3])

local last = redis.call('HMGET', registry, me, '#' .. me)
if last[2] and tonumber(last[2]) >= seq then return {} end
local holders = 1
local all = redis.call('HGETALL', registry)
for i = 1, #all, 2 do
  local id = all[i]
  if string.sub(id, 1, 1) ~= '#' and id ~= me then
    local seen = tonumber(all[i + 1])
    if seen + 10 > now then holders = holders + 1
    elseif seen + 60 < now then redis.call('HDEL', registry, id, '#' .. id) end
  end
end
redis.call('HSET', registry, me, now, '#' .. me, seq)
redis.call('EXPIRE', registry, 120)
local clock = now * 1000 + math.floor(micros / 1000)
local settled = tonumber(redis.call('HGET', registry, '#') or '0')
if ask.back and settled <= clock then
  settled = clock + 4000
  redis.call('HSET', registry, '#', string.format('%.0f', settled))
end

local function whole(number) return string.format('%.0f', number) end

local cells = {}

local function window(m)
  local slot = math.floor((now - m.shift) / m.window)
  return slot, (slot + 1) * m.window + m.shift
end

local function name(m, slot, group)
  local key = 'sj:q:' .. m.name .. ':' .. slot
  if group ~= '' then key = key .. ':' .. group end
  return key
end

local function open(m, group)
  local slot, ends = window(m)
  local bucket = m.algorithm == 'bucket' and m.limit >= 0
  local key = name(m, bucket and 'b' or whole(slot), group)
  local cell = cells[key]
  if cell then return cell end
  local row = redis.call('HMGET', key, 't', 'l', me, 'at')
  cell = {key = key, slot = slot, ends = ends, total = tonumber(row[1] or '0'), lost = tonumber(row[2] or '0'),
          mine = row[3] and tonumber(row[3]), keep = ends - now + 60, before = 0, bucket = bucket}
  if bucket then
    local full, at = m.burst * m.window * 1000, clock
    if row[1] then
      local since = tonumber(row[4])
      if at > since then cell.total = math.min(full, cell.total + m.limit * (at - since)) end
      at = math.max(at, since)
    else cell.total = full end
    cell.at, cell.keep = at, math.floor(m.burst * m.window / m.limit) + m.window + 60
  elseif m.algorithm == 'sliding' then
    cell.before = tonumber(redis.call('HGET', name(m, whole(slot - 1), group), 't') or '0')
    cell.keep = cell.keep + m.window
  end
  cells[key] = cell
  return cell
end

local function place(m)
  local group = m.group
  if m.max_groups >= 0 then
    local set = name(m, whole((window(m))), '') .. ':g'
    if redis.call('SISMEMBER', set, group) == 0 and redis.call('SCARD', set) >= m.max_groups then
      if not m.shares then return nil end
      group = '*'
    end
  end
  return open(m, group), group ~= m.group
end

local function room(m, c)
  if c.bucket then return math.floor(c.total / (m.window * 1000)) end
  if m.algorithm == 'sliding' then
    return math.floor(((m.limit - c.total) * m.window - c.before * (c.ends - now)) / m.window)
  end
  return m.limit - c.total
end

local function fits(m, c, amount)
  if m.limit < 0 then return true end
  if c.bucket then amount = math.min(amount, m.burst) end
  return amount <= room(m, c)
end

local function retry(m, c, amount)
  local left = c.ends - now
  if c.bucket then
    left = math.ceil((math.min(amount, m.burst) * m.window * 1000 - c.total) / (m.limit * 1000))
  elseif m.algorithm == 'sliding' then
    local free = m.limit - c.total - amount
    if free >= 0 then left = math.ceil(m.window * (c.before - free) / c.before) - (m.window - left)
    elseif c.total > 0 then left = left + math.max(0, math.ceil(m.window * (c.total - m.limit + amount) / c.total)) end
  end
  return math.max(1, left)
end

local function take(m, c, amount)
  c.dirty = true
  if c.bucket then
    local scale = m.window * 1000
    c.total = math.min(c.total - amount * scale, m.burst * scale)
  else
    c.total, c.mine = c.total + amount, (c.mine or 0) + amount
  end
end

for _, m in ipairs(ask.meters) do
  local c = open(m, m.group)
  if c.bucket then
    if m.own > 0 then take(m, c, -m.own) end
  elseif m.own_slot == c.slot then
    local knew, gained = c.mine, m.own - (c.mine or 0)
    c.mine, c.dirty = m.own, true
    local made_up = math.min(math.max(gained, 0), c.lost)
    c.lost, c.total = c.lost - made_up, math.max(0, c.total + gained - made_up)
    if not knew and m.floor > c.total then
      c.lost, c.total = c.lost + m.floor - c.total, m.floor
    end
  end
  m.tokens, m.refused, m.retry, m.most = 0, 0, 0, 0
end

local failed = {}
for number, claim in ipairs(ask.claims) do
  local denied = {}
  local found = {}
  if claim.after >= 0 and failed[claim.after + 1] then
    failed[number] = true
  else
    for _, part in ipairs(claim.parts) do
      local m = ask.meters[part[1] + 1]
      local amount = math.max(part[2], 1)
      local c, shared = place(m)
      m.most = math.max(m.most, part[2])
      if not c then
        local _, ends = window(m)
        denied[#denied + 1] = {m, amount, ends - now}
      elseif not fits(m, c, amount) then
        denied[#denied + 1] = {m, amount, retry(m, c, amount)}
      else
        found[#found + 1] = {m, c, part[2], shared}
      end
    end
    for _, no in ipairs(denied) do
      failed[number] = true
      if no[1].refused == 0 or no[2] < no[1].refused then no[1].refused, no[1].retry = no[2], no[3] end
    end
    if not failed[number] then
      for _, yes in ipairs(found) do
        local m, c, amount = yes[1], yes[2], yes[3]
        if amount > 0 then
          take(m, c, amount)
          m.tokens = m.tokens + amount
          if m.max_groups >= 0 and not yes[4] then
            local slot, ends = window(m)
            local set = name(m, whole(slot), '') .. ':g'
            redis.call('SADD', set, m.group)
            redis.call('EXPIRE', set, ends - now + 60)
          end
        end
      end
    end
  end
end

local reply = {now, micros, holders, last[1] and 1 or 0, math.max(0, settled - clock)}
for _, m in ipairs(ask.meters) do
  local c, shared = place(m)
  local slot, ends = window(m)
  local left, extra = 0, 0
  if c then
    if c.bucket then slot, ends = 0, now + 10 end
    if m.limit < 0 then
      left, extra = -1, m.tokens > 0 and m.want or 0
    else
      local free, limit = room(m, c), c.bucket and m.burst or m.limit
      if m.tokens > 0 and free >= math.max(2 * holders * math.max(m.most, 1), math.floor(limit / 100)) then
        extra = math.max(0, math.min(m.want, math.max(math.floor(free / (2 * holders)), math.floor(free / 10))))
      end
      left = math.max(0, free - extra)
    end
    if extra > 0 then take(m, c, extra) end
  end
  for _, number in ipairs({m.tokens + extra, left, slot, ends, m.refused, m.retry, shared and 1 or 0}) do
    reply[#reply + 1] = number
  end
end

for key, c in pairs(cells) do
  if c.dirty then
    if c.bucket then redis.call('HSET', key, 't', whole(c.total), 'at', whole(c.at))
    else redis.call('HSET', key, 't', whole(c.total), 'l', whole(c.lost), me, whole(c.mine or 0)) end
    redis.call('EXPIRE', key, c.keep)
  end
end
return reply
"""
