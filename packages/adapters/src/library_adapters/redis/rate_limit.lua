-- Counts one request of each of several callers, one after another, in all windows that count for it, or in none of them if
-- one is full: exactly, whatever number of processes asks, because Redis runs nothing else meanwhile.
-- KEYS: one request after another, a counter per window. ARGV: how many windows; limit and milliseconds of each, in the same
-- order; then for each request the first window that counts for it: those behind it do too.
-- Returns per request: of each window that counts the requests counted and the milliseconds until it ends, and last whether
-- the request may pass.
local windows = tonumber(ARGV[1])
local answers = {}
for number = 1, #KEYS / windows do
  local before = (number - 1) * windows
  local first = tonumber(ARGV[1 + 2 * windows + number])
  local answer = {}
  local admitted = 1
  for window = first, windows do
    local counted = tonumber(redis.call('GET', KEYS[before + window]) or 0)
    if counted >= tonumber(ARGV[2 * window]) then
      admitted = 0
    end
    answer[2 * (window - first) + 1] = counted
  end
  for window = first, windows do
    local key = KEYS[before + window]
    if admitted == 1 then
      answer[2 * (window - first) + 1] = redis.call('INCR', key)
    end
    local left = redis.call('PTTL', key)
    if left < 0 then
      left = tonumber(ARGV[2 * window + 1])
      redis.call('PEXPIRE', key, left)
    end
    answer[2 * (window - first) + 2] = left
  end
  answer[#answer + 1] = admitted
  answers[#answers + 1] = answer
end
return answers
