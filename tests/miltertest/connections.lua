-- How connections begin and end: at any point, in any way, and the next one is
-- served as if nothing had happened.
--[==[ policy
at connect {
  two: reject 554 5.7.1 "Not two" when client.ip == 192.0.2.2
  six: reject 554 5.7.1 "Not six" when client.ip in 2001:db8::/32
}
at helo {
  liar: reject 550 5.7.1 "Not your name" when helo == "liar.example"
}
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "b.example"
}
at message {
  tag: add header "X-Gate" "yes" when header["Subject"] == "x"
}
]==]
local gate = dofile(here .. "/gate.lua")
local is = gate.is

-- A session that shows that gatemilter is well.
local function all_is_well(after)
  local session = gate.session()
  session:connect("mx.a.example", "192.0.2.1")
  is("after " .. after .. ": mail", session:mail("<a@a.example>"), "continue")
  is("after " .. after .. ": rcpt", session:rcpt("<x@elsewhere.example>"),
     "554 5.7.1 Relaying denied")
  session:quit()
end

-- Connect and leave: without a word, after the negotiation.
mt.disconnect(mt.connect("unix:" .. socket), false)
all_is_well("a connection without a word")
mt.disconnect(mt.connect("unix:" .. socket), true)
all_is_well("QUIT before the negotiation")

-- QUIT, a lost connection, and RSET before each, in every state.
local STEPS = {
  function(session) session:connect("mx.a.example", "192.0.2.1") end,
  function(session) session:helo("mx.a.example") end,
  function(session) session:mail("<a@a.example>") end,
  function(session) session:rcpt("<b@b.example>") end,
  function(session) session:data() end,
  function(session) session:header("Subject", "x") end,
  function(session) session:eoh() end,
  function(session) session:body("text\r\n") end,
  function(session) session:eom() end,
}
local ENDS = {
  quit = function(session) session:quit() end,
  ["hanging up"] = function(session) session:hang_up() end,
  ["RSET and QUIT"] = function(session) session:abort() session:quit() end,
  ["RSET and hanging up"] = function(session) session:abort() session:hang_up() end,
}
for how, leave in pairs(ENDS) do
  for last = 0, #STEPS do
    local session = gate.session()
    for i = 1, last do STEPS[i](session) end
    leave(session)
    all_is_well(how .. " in state " .. last)
  end
end

-- XCLIENT: the MTA connects anew and tells of another client. What was kept of
-- the first is not the second's.
local session = gate.session()
session:connect("two.example", "192.0.2.2")
session:helo("liar.example")
is("the first client", session:mail("<a@a.example>"), "554 5.7.1 Not two")
session:quit()
session = gate.session()
session:connect("one.example", "192.0.2.1")
is("the second", session:mail("<a@a.example>"), "continue")

-- A second connect event on the socket is against the protocol: libmilter does
-- not answer it, and the client is who it was; the native door begins anew.
session = gate.session()
session:connect("two.example", "192.0.2.2")
if os.getenv("GATE_DOOR") == "libmilter" then
  mt.set_timeout(1)
  is("connect twice", session:connect("one.example", "192.0.2.1"), "no answer")
  mt.set_timeout(10)
  is("the client is who it was", session:mail("<a@a.example>"), "554 5.7.1 Not two")
else
  is("connect twice", session:connect("one.example", "192.0.2.1"), "continue")
  is("the client is the second", session:mail("<a@a.example>"), "continue")
end
session:quit()
all_is_well("two connect events")

-- Whoever the client is.
session = gate.session()
session:connect("six.example", "2001:db8::5")
is("IPv6", session:mail("<a@a.example>"), "554 5.7.1 Not six")
session = gate.session()
session:connect("localhost", "unspec")
is("a local submission", session:mail("<a@a.example>"), "continue")
is("is refused no recipient: that would wedge the MTA's queue",
   session:rcpt("<x@elsewhere.example>"), "continue")

-- Two connections at once do not know of each other.
local one, two = gate.session(), gate.session()
one:connect("two.example", "192.0.2.2")
two:connect("one.example", "192.0.2.1")
one:helo("mx.a.example")
two:helo("liar.example")
is("one", one:mail("<a@a.example>"), "554 5.7.1 Not two")
is("the other", two:mail("<a@a.example>"), "550 5.7.1 Not your name")
