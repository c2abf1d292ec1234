-- Counts one request of each of several callers, in all windows of the caller, or in none of them if one is full: exactly,
-- whatever number of processes asks, because Redis runs nothing else meanwhile.
-- KEYS: one caller after another, a counter per window. ARGV: limit and milliseconds of each window, in the same order.
-- Returns per caller: of each window the requests counted and the milliseconds until it ends, and last whether the request
-- may pass.
local windows = #ARGV / 2
local answers = {}
for before = 0, #KEYS - 1, windows do
  local answer = {}
  local admitted = 1
  for window = 1, windows do
    local counted = tonumber(redis.call('GET', KEYS[before + window]) or 0)
    if counted >= tonumber(ARGV[2 * window - 1]) then
      admitted = 0
    end
    answer[2 * window - 1] = counted
  end
  for window = 1, windows do
    local key = KEYS[before + window]
    if admitted == 1 then
      answer[2 * window - 1] = redis.call('INCR', key)
    end
    local left = redis.call('PTTL', key)
    if left < 0 then
      left = tonumber(ARGV[2 * window])
      redis.call('PEXPIRE', key, left)
    end
    answer[2 * window] = left
  end
  answer[#answer + 1] = admitted
  answers[#answers + 1] = answer
end
return answers
