-- Plays a session (the file that `run` is given as SESSION) and prints what
-- gatemilter answers to each event.
--
-- Input: one event a line; a blank line and one that begins with # is none.
--
--   connect HOST ADDRESS    a new connection of the MTA. ADDRESS: IPv4, IPv6, or
--                           `unspec` (local submission). HOST: "[192.0.2.1]"
--                           for a client without a name
--   macro NAME VALUE        for the next event (not header, body, rset, quit);
--                           VALUE is the rest of the line
--   helo NAME
--   mail PATH [ARGUMENT]... "mail <a@a.example> SIZE=1000"
--   rcpt PATH [ARGUMENT]...
--   data
--   header NAME: VALUE      at least one for each message
--   body TEXT               one line of the body; CR LF is added
--   eom                     the end of the message
--   rset
--   quit
--
-- Output: one line an event but `macro`:
--
--   LINE EVENT VERDICT[ CODE ENHANCED TEXT]
--
-- LINE is the event's number in the file, EVENT its first word, VERDICT one of
-- continue, accept, reject, tempfail, discard, skip, replycode (then the reply
-- follows; \r\n stands between its lines), noanswer (closed or silent), and
--
--   skipped   an MTA does not ask a milter that here: rcpt, data and content
--             after a MAIL that was refused or discarded; data and content
--             without an accepted recipient, or after a refusal of data or
--             headers; everything after a 421
--
-- Where the policy does without a step its verdict is continue. The end of the
-- headers has a line of its own, `LINE headers VERDICT`, before that of the
-- first body line or eom. What is to be done to a message follows the line of
-- its eom: `LINE edits add X-Gate: yes; remove 1 x-gate; quarantine reason`.
-- The exit status is 0 when all was played, 1 for a line that is no event.
local gate = dofile(here .. "/gate.lua")

local KINDS = {
  accept = "go on", continue = "go on", discard = "discard",
  reject = "refuse", skip = "enough", tempfail = "refuse",
}

local connection = nil   -- a gate session
local macros = {}        -- names and values for the next event
local closed = false     -- by a 421
-- How far the message is: "none", "mail", "rcpt" (a recipient is accepted),
-- "data", "header", "headers" (at their end), "body", "enough" (no more of it
-- is wanted), or "over" (refused or discarded).
local state = "none"

local function print_line(number, event, what)
  io.stdout:write(number, " ", event, " ", what, "\n")
end

-- Prints the answer; "go on", "enough", "refuse" or "discard".
local function show(number, event, answer)
  if answer == "not asked" then answer = "continue" end
  if answer == "no answer" then
    closed = true
    print_line(number, event, "noanswer")
    return "refuse"
  end
  if KINDS[answer] then
    print_line(number, event, answer)
    return KINDS[answer]
  end
  closed = answer:sub(1, 3) == "421"
  print_line(number, event, "replycode " .. answer:gsub("\r\n", "\\r\\n"))
  return "refuse"
end

local function send_macros(letter)
  if #macros > 0 then connection:macros(letter, table.unpack(macros)) end
  macros = {}
end

-- An event between connect and quit; its outcome, or "skipped".
local function ask(number, event, possible, letter, call)
  if closed or connection == nil or not possible then
    macros = {}
    print_line(number, event, "skipped")
    return "skipped"
  end
  if letter ~= nil then send_macros(letter) end
  return show(number, event, call())
end

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return table.unpack(list)
end

local function end_headers(number)
  if state ~= "header" then return end
  local outcome = ask(number, "headers", true, "N",
                      function() return connection:eoh() end)
  state = outcome == "go on" and "headers" or "over"
end

local EVENTS = {}

function EVENTS.connect(number, text)
  if connection ~= nil then connection:quit() end
  connection, closed, state = gate.session(), false, "none"
  send_macros("C")
  local host, address = words(text)
  show(number, "connect", connection:connect(host, address))
end

function EVENTS.macro(_, text)
  local name, value = text:match("^(%S+) ?(.*)$")
  macros[#macros + 1] = name
  macros[#macros + 1] = value
end

function EVENTS.helo(number, text)
  if ask(number, "helo", true, "H",
         function() return connection:helo(text) end) ~= "skipped" then
    state = "none"
  end
end

function EVENTS.mail(number, text)
  local outcome = ask(number, "mail", true, "M",
                      function() return connection:mail(words(text)) end)
  state = outcome == "go on" and "mail" or "over"
end

function EVENTS.rcpt(number, text)
  local outcome = ask(number, "rcpt", state == "mail" or state == "rcpt", "R",
                      function() return connection:rcpt(words(text)) end)
  if outcome == "go on" then state = "rcpt" end
  if outcome == "discard" then state = "over" end
end

function EVENTS.data(number)
  local outcome = ask(number, "data", state == "rcpt", "T",
                      function() return connection:data() end)
  if outcome ~= "skipped" then
    state = outcome == "go on" and "data" or "over"
  end
end

function EVENTS.header(number, text)
  local name, value = text:match("^(.-): ?(.*)$")
  local outcome = ask(number, "header", state == "data" or state == "header",
                      nil, function() return connection:header(name, value) end)
  if outcome ~= "skipped" then
    state = outcome == "go on" and "header" or "over"
  end
end

function EVENTS.body(number, text)
  end_headers(number)
  if state == "enough" then return print_line(number, "body", "continue") end
  local outcome = ask(number, "body", state == "headers" or state == "body",
                      nil, function() return connection:body(text .. "\r\n") end)
  if outcome == "enough" then
    state = "enough"
  elseif outcome ~= "skipped" then
    state = outcome == "go on" and "body" or "over"
  end
end

function EVENTS.eom(number)
  end_headers(number)
  -- miltertest would send a body of its own.
  if state == "headers" and not closed then connection:body("") end
  local complete = state == "headers" or state == "body" or state == "enough"
  local outcome = ask(number, "eom", complete, "E",
                      function() return connection:eom() end)
  if outcome ~= "skipped" and connection:edits() ~= "" then
    print_line(number, "edits", connection:edits())
  end
  state = "none"
end

function EVENTS.rset(number)
  if connection ~= nil and not closed then connection:abort() end
  state = "none"
  print_line(number, "rset", "continue")
end

function EVENTS.quit(number)
  if connection ~= nil then connection:quit() end
  connection, state = nil, "none"
  print_line(number, "quit", "continue")
end

local number = 0
for line in io.lines(session) do
  number = number + 1
  if line:match("%S") and not line:match("^#") then
    local name, text = line:match("^(%S+) ?(.*)$")
    local event = EVENTS[name]
    if event == nil then
      gate.fail(string.format("%s:%d: no event: %s", session, number, line))
    end
    event(number, text)
  end
end
if connection ~= nil then connection:quit() end
