-- Counts one request of one caller in all its windows, or in none of them if one is full: exactly, whatever number of
-- processes asks, because Redis runs nothing else meanwhile.
-- KEYS: a counter per window. ARGV: limit and milliseconds of each window, in the same order.
-- Returns per window the requests counted and the milliseconds until it ends, and last whether the request may pass.
local answer = {}
local admitted = 1
for window = 1, #KEYS do
  local counted = tonumber(redis.call('GET', KEYS[window]) or 0)
  if counted >= tonumber(ARGV[2 * window - 1]) then
    admitted = 0
  end
  answer[2 * window - 1] = counted
end
for window = 1, #KEYS do
  if admitted == 1 then
    answer[2 * window - 1] = redis.call('INCR', KEYS[window])
  end
  local left = redis.call('PTTL', KEYS[window])
  if left < 0 then
    left = tonumber(ARGV[2 * window])
    redis.call('PEXPIRE', KEYS[window], left)
  end
  answer[2 * window] = left
end
answer[#answer + 1] = admitted
return answer
