-- Edits of headers: what is asked of the MTA, and in which order.
--[==[ policy
at message {
  tag:    add header "X-Gate" "{sender.local}" when sender.local != "nobody"
  twice:  add header "X-Gate" "again" when sender.local == "twice"
  mark:   set header "X-Mark" "new" when header["Subject"] == "mark"
  drop:   remove header "X-Drop" when header["Subject"] == "drop"
  refuse: reject 550 5.7.1 "No" when sender.local == "refused"
}
]==]
local gate = dofile(here .. "/gate.lua")
local is = gate.is

-- The answer to a message with these headers ("Name: value"), and its edits.
local session = gate.session()
session:connect("mx.a.example", "192.0.2.1")
local function message(sender, ...)
  is("mail", session:mail("<" .. sender .. "@a.example>"), "continue")
  session:rcpt("<b@b.example>")
  session:data()
  for _, line in ipairs({ ... }) do
    is("headers are only collected", session:header(line:match("(.-): (.*)")),
       "continue")
  end
  session:eoh()
  return session:eom(), session:edits()
end
local function edits(...)
  local answer, what = message(...)
  is("the message is accepted", answer, "continue")
  return what
end

is("gatemilter asked to add", mt.test_action(session.conn, SMFIF_ADDHDRS), true)
is("and to change", mt.test_action(session.conn, SMFIF_CHGHDRS), true)
is("to nothing else", mt.test_action(session.conn, SMFIF_ADDRCPT), false)

is("a header is added", edits("a", "Subject: hello"), "add X-Gate: a")
is("two of a name are two", edits("twice", "Subject: hello"),
   "add X-Gate: twice; add X-Gate: again")
is("forged ones are removed, the last first",
   edits("a", "X-Gate: forged", "Subject: hello", "x-gate: again", "X-GATE: 3"),
   "remove 3 x-gate; remove 2 x-gate; remove 1 x-gate; add X-Gate: a")
is("even where no rule adds", edits("nobody", "X-Gate: forged"),
   "remove 1 x-gate")
is("set replaces all of a name",
   edits("nobody", "Subject: mark", "X-Mark: old", "X-Mark: older"),
   "remove 2 X-Mark; remove 1 X-Mark; add X-Mark: new")
is("set adds where there is none", edits("nobody", "Subject: mark"),
   "add X-Mark: new")
is("remove takes all of a name and no other",
   edits("nobody", "X-Drop: 1", "X-Dropped: 2", "Subject: drop", "x-drop: 3"),
   "remove 2 X-Drop; remove 1 X-Drop")
is("remove of what is not there is nothing", edits("nobody", "Subject: drop"), "")
is("a header that no rule holds for stays",
   edits("nobody", "X-Drop: 1", "X-Mark: 2", "Subject: hello"), "")

local answer, what = message("refused", "X-Gate: forged")
is("a refused message", answer, "550 5.7.1 No")
is("is not edited", what, "")

-- An MTA that lets milters add, but not change.
session = gate.session(nil, SMFIF_ADDHDRS)
session:connect("mx.a.example", "192.0.2.1")
is("gatemilter asks for no more", mt.test_action(session.conn, SMFIF_CHGHDRS), false)
is("and does what it may", edits("a", "X-Gate: forged"), "add X-Gate: a")
