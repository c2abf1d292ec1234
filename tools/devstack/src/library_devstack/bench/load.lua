-- What wrk asks for: each time another player, by chance, with their own token; sessions are begun and ended one after
-- another, none of them twice.
-- Arguments: scenario, file of tokens, file of games (a UUID per line), ETag, file of sessions (player and id in each line,
-- the game's if they begin).

local BASE_GAMES, OWNED, STRIDE, SHIFT = 4500, 45, 97, 31 -- see population.py
local LISTS = {
    list = "/api/v1/library?sort=-acquisition_date&limit=20",
    unchanged = "/api/v1/library?sort=-acquisition_date&limit=20",
    by_name = "/api/v1/library?limit=20",
}
local POSTS = {
    start = "/api/v1/library/playtime/start",
    heartbeat = "/api/v1/library/playtime/heartbeat",
    ["end"] = "/api/v1/library/playtime/end",
}
local threads, THREADS = 0, 2 -- see wrk.py

function setup(thread)
    threads = threads + 1
    thread:set("seed", threads)
end

local requests, players, games, sessions = {}, {}, {}, {}
local post, next_session

local function read_games(path)
    for line in io.lines(path) do
        games[#games + 1] = line
    end
end

local function read_sessions(path)
    for line in io.lines(path) do
        local player, id = line:match("^(%d+)\t(.+)$")
        sessions[#sessions + 1] = { player = tonumber(player) + 1, id = id }
    end
end

function init(args)
    math.randomseed(seed)
    local scenario, etag = args[1], args[4]
    post, next_session = POSTS[scenario], seed
    local path = LISTS[scenario]
    if post then
        read_sessions(args[5])
    elseif not path then
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
        elseif post then
            players[#players + 1] = {
                headers = { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" },
            }
        else
            players[#players + 1] = {
                number = tonumber(number),
                -- The path stands in the middle, so the request is kept in two halves.
                tail = wrk.format("GET", "/", { ["Authorization"] = "Bearer " .. token }):match("^GET /( .*)$"),
            }
        end
    end
end

local function session()
    if post == POSTS.heartbeat then
        return sessions[math.random(#sessions)]
    end
    local chosen = sessions[next_session]
    next_session = next_session + THREADS
    if next_session > #sessions then
        next_session = seed
    end
    return chosen
end

local function posted()
    local chosen = session()
    local body = '{"session_id":"' .. chosen.id .. '"}'
    if post == POSTS.start then
        body = '{"game_id":"' .. chosen.id .. '","device_id":"pc","platform":"windows"}'
    end
    return wrk.format("POST", post, players[chosen.player].headers, body)
end

function request()
    if #requests > 0 then
        return requests[math.random(#requests)]
    end
    if post then
        return posted()
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
