-- Several messages on a connection: what is forgotten between them, and when.
--[==[ policy
limit three 3/hour per client.ip counting messages
at mail {
  too_many: defer 451 4.7.1 "Three an hour" when over three
}
at rcpt {
  pair:     defer 452 4.5.3 "One recipient" when rcpt.count > 0 and sender.local == "one"
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "b.example"
}
at headers {
  spoof: reject 550 5.7.1 "Two From" when header.count["From"] > 1
}
at message {
  tag:   add header "X-Gate" "{sender.local}"
  words: reject 550 5.7.1 "Casino" when body ~ /casino/
}
]==]
local gate = dofile(here .. "/gate.lua")
local is = gate.is

local clients = 0
local function connect()
  clients = clients + 1  -- each with a limit of its own
  local session = gate.session()
  session:connect("mx.a.example", "192.0.2." .. clients)
  return session
end

local function content(session, text)
  is("data", session:data(), "not asked")
  session:header("From", "a@a.example")
  local answer = session:eoh()
  if answer ~= "continue" then return answer end
  session:body(text)
  return session:eom()
end

-- Two messages.
local session = connect()
for _, sender in ipairs({ "first", "second" }) do
  is(sender, session:mail("<" .. sender .. "@a.example>"), "continue")
  is("a stranger", session:rcpt("<x@elsewhere.example>"), "554 5.7.1 Relaying denied")
  is("one of ours", session:rcpt("<b@b.example>"), "continue")
  is("its content", content(session, "hello\r\n"), "continue")
  is("its edits", session:edits(), "add X-Gate: " .. sender)
end
is("the third fits the limit", session:mail("<third@a.example>"), "continue")
is("has a recipient", session:rcpt("<b@b.example>"), "continue")
is("and is refused for its body", content(session, "casino\r\n"), "550 5.7.1 Casino")
is("which gives its place back", session:mail("<fourth@a.example>"), "continue")
is("for", session:rcpt("<b@b.example>"), "continue")
is("the fourth", content(session, "hello\r\n"), "continue")
is("the fifth does not fit", session:mail("<fifth@a.example>"), "451 4.7.1 Three an hour")

-- RSET at any point of a message: no fact of it is left.
for last = 1, 5 do
  session = connect()
  session:mail("<one@a.example>")
  if last > 1 then session:rcpt("<b@b.example>") end
  if last > 2 then session:header("From", "x@a.example") end
  if last > 3 then session:eoh() end
  if last > 4 then session:body("casino\r\n") end
  session:abort()
  is("MAIL after RSET " .. last, session:mail("<one@a.example>"), "continue")
  is("its first recipient", session:rcpt("<b@b.example>"), "continue")
  is("its second", session:rcpt("<c@b.example>"), "452 4.5.3 One recipient")
  is("its content", content(session, "hello\r\n"), "continue")
  is("its edits", session:edits(), "add X-Gate: one")
end

-- MAIL begins anew without RSET, and so does HELO.
session = connect()
session:mail("<one@a.example>")
session:rcpt("<b@b.example>")
session:header("From", "x@a.example")
session:mail("<one@a.example>")
is("recipients are counted anew", session:rcpt("<b@b.example>"), "continue")
is("headers, too", content(session, "hello\r\n"), "continue")
session = connect()
session:mail("<one@a.example>")
session:rcpt("<b@b.example>")
session:helo("mx.a.example")
is("after HELO", session:mail("<one@a.example>"), "continue")
is("as well", session:rcpt("<b@b.example>"), "continue")

-- RSET where there is nothing to reset.
session = connect()
session:abort()
session:abort()
is("MAIL", session:mail("<a@a.example>"), "continue")
