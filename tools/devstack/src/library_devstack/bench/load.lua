-- What wrk asks for: each time another player, by chance, with their own token.
-- Arguments: scenario, file of tokens, file of games (a UUID per line), ETag.

local BASE_GAMES, OWNED, STRIDE, SHIFT = 4500, 45, 97, 31 -- see population.py
local LISTS = {
    list = "/api/v1/library?sort=-acquisition_date&limit=20",
    unchanged = "/api/v1/library?sort=-acquisition_date&limit=20",
    by_name = "/api/v1/library?limit=20",
}
local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("seed", threads)
end

local requests, players, games = {}, {}, {}

local function read_games(path)
    for line in io.lines(path) do
        games[#games + 1] = line
    end
end

function init(args)
    math.randomseed(seed)
    local scenario, etag = args[1], args[4]
    local path = LISTS[scenario]
    if not path then
        read_games(args[3])
    end
    local first = true
    for line in io.lines(args[2]) do
        local number, token = line:match("^(%d+)\t[^\t]+\t(.+)$")
        if first then
            first = false -- what the file says of itself
        elseif path then
            local headers = { ["Authorization"] = "Bearer " .. token }
            if scenario == "unchanged" then
                headers["If-None-Match"] = etag
            end
            requests[#requests + 1] = wrk.format("GET", path, headers)
        else
            players[#players + 1] = {
                number = tonumber(number),
                -- The path stands in the middle, so the request is kept in two halves.
                tail = wrk.format("GET", "/", { ["Authorization"] = "Bearer " .. token }):match("^GET /( .*)$"),
            }
        end
    end
end

function request()
    if #requests > 0 then
        return requests[math.random(#requests)]
    end
    local player = players[math.random(#players)]
    local game = (player.number * SHIFT + math.random(0, OWNED - 1) * STRIDE) % BASE_GAMES
    return "GET /api/v1/library/" .. games[game + 1] .. player.tail
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p95": %.3f, "p99": %.3f, "p999": %.3f, "errors": %d}\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
        latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout
    ))
end
