-- What the scripts share: a session with gatemilter over miltertest(8), whose
-- every call returns what gatemilter answered, as text, and claims about it.
--
-- Answers: "continue", "accept", "reject", "tempfail", "discard", "skip", a
-- reply as its packet carries it ("554 5.7.1 Relaying denied"; \r\n between
-- lines), "not asked" (the step is not negotiated), "no answer" (the connection
-- is closed, or silent for 10 s).
--
-- miltertest steps in for what a script leaves out (a HELO, a header, a body),
-- and fails in steps that are not negotiated: a session asks before each.

local gate = {}

local VERDICTS = {
  a = "accept", c = "continue", d = "discard", r = "reject", s = "skip",
  t = "tempfail",
}

-- The lines that reply_tap has written since the last call.
local offset = 0
local function new_packets()
  local packets = {}
  local file = io.open(replies)
  if file == nil then return packets end
  file:seek("set", offset)
  for line in file:lines() do
    local data = line:sub(3):gsub("%x%x", function(digits)
      return string.char(tonumber(digits, 16))
    end)
    packets[#packets + 1] = { line:sub(1, 1), data }
  end
  offset = file:seek()
  file:close()
  return packets
end

-- Ends the script. miltertest swallows what error() says.
function gate.fail(text)
  io.stderr:write(debug.traceback(text, 2), "\n")
  os.exit(1)
end

-- Fails loudly; `what` is the claim.
function gate.is(what, got, expected)
  if got == expected then return end
  gate.fail(string.format("%s\n  expected: %s\n  got:      %s", what,
                          tostring(expected), tostring(got)))
end

local Session = {}
Session.__index = Session

-- A new connection, negotiated. `steps`, `actions`: what the MTA offers; left
-- out: all.
function gate.session(steps, actions)
  local self = setmetatable({ changes = {} }, Session)
  self.conn = mt.connect("unix:" .. socket)
  if self.conn == nil then gate.fail("gatemilter does not listen") end
  -- The steps come before the actions, whatever miltertest(8) says.
  local failed = mt.negotiate(self.conn, nil, steps, actions)
  if failed ~= nil then gate.fail("negotiation: " .. failed) end
  new_packets()
  return self
end

-- Whether gatemilter did without the step.
function Session:without(step) return mt.test_option(self.conn, step) end

local function answer(self, failed)
  local last = nil
  self.changes = {}
  for _, packet in ipairs(new_packets()) do
    if last ~= nil then self.changes[#self.changes + 1] = last end
    last = packet
  end
  if failed ~= nil then return "no answer" end
  if last == nil then return "continue" end  -- no reply is waited for
  if last[1] == "y" then return last[2]:sub(1, -2) end  -- without its NUL
  return VERDICTS[last[1]] or ("packet " .. last[1])
end

local function step(self, left_out, call, ...)
  if left_out ~= nil and self:without(left_out) then return "not asked" end
  return answer(self, call(self.conn, ...))
end

function Session:connect(host, address)
  return step(self, SMFIP_NOCONNECT, mt.conninfo, host, address)
end
function Session:helo(name) return step(self, SMFIP_NOHELO, mt.helo, name) end
function Session:mail(...) return step(self, SMFIP_NOMAIL, mt.mailfrom, ...) end
function Session:rcpt(...) return step(self, SMFIP_NORCPT, mt.rcptto, ...) end
function Session:data() return step(self, SMFIP_NODATA, mt.data) end
function Session:header(name, value)
  return step(self, SMFIP_NOHDRS, mt.header, name, value)
end
function Session:eoh() return step(self, SMFIP_NOEOH, mt.eoh) end
function Session:body(text)
  return step(self, SMFIP_NOBODY, mt.bodystring, text)
end
-- Fills self.changes: the packets that came before the answer.
function Session:eom() return step(self, nil, mt.eom) end
function Session:unknown(command)
  return step(self, SMFIP_NOUNKNOWN, mt.unknown, command)
end
function Session:abort() mt.abort(self.conn) end
function Session:quit() mt.disconnect(self.conn, true) end
function Session:hang_up() mt.disconnect(self.conn, false) end

-- For the next command: its letter of the protocol (C H M R T N E), then names
-- and values.
function Session:macros(command, ...)
  mt.macro(self.conn, string.byte(command), ...)
end

-- What is to be done to the message: "add X-Gate: yes; remove 2 x-gate;
-- quarantine reason", in the order of the packets; "" for nothing.
function Session:edits()
  local edits = {}
  for _, change in ipairs(self.changes) do
    local kind, data = change[1], change[2]
    if kind == "h" then
      edits[#edits + 1] = string.format("add %s: %s", data:match("(.-)\0(.*)\0"))
    elseif kind == "m" then
      local name, value = data:sub(5):match("(.-)\0(.*)\0")
      edits[#edits + 1] = string.format("%s %d %s%s",
                                        value == "" and "remove" or "change",
                                        string.unpack(">I4", data), name,
                                        value == "" and "" or ": " .. value)
    elseif kind == "q" then
      edits[#edits + 1] = "quarantine " .. data:sub(1, -2)
    else
      edits[#edits + 1] = "packet " .. kind
    end
  end
  return table.concat(edits, "; ")
end

return gate
