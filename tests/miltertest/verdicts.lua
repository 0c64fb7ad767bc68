-- A verdict of each kind at every stage, as the reply packets carry it.
--[==[ policy
at connect {
  shut:   defer 421 4.7.0 "Too many from {client.ip}" when client.ip == 192.0.2.1
  out:    reject 554 5.7.1 "Not you" when client.ip == 192.0.2.2
  later:  defer 450 4.7.1 "Not yet" when client.ip == 192.0.2.3
  let_in: accept when client.ip == 192.0.2.4
}
at helo {
  end_it: defer 421 4.7.0 "Go away" when helo == "end.example"
  liar:   reject 550 5.7.1 "Not your name" when helo == "liar.example"
  slow:   defer when helo == "slow.example"
}
at mail {
  m_reject:  reject 553 5.1.8 "No such {sender.domain}" when sender.local == "reject"
  m_defer:   defer 452 4.3.1 "Full" when sender.local == "defer"
  m_discard: discard when sender.local == "discard"
  m_accept:  accept message when sender.local == "accept"
}
at rcpt {
  r_reject: reject 554 5.7.1 "Relaying denied" when rcpt.local == "reject"
  r_defer:  defer 451 4.7.1 "Busy: 100%" when rcpt.local == "defer"
  r_plain:  reject when rcpt.local == "plain"
  r_shut:   defer 421 4.7.0 "Enough" when rcpt.local == "shut"
  r_accept: accept when rcpt.local == "accept"
}
at data {
  d_reject:  reject 554 5.5.1 "No data" when sender.local == "d-reject"
  d_defer:   defer 451 4.3.0 "Data later" when sender.local == "d-defer"
  d_discard: discard when sender.local == "d-discard"
}
at headers {
  h_reject:  reject 554 5.6.0 "Bad headers" when header["X-Do"] == "reject"
  h_defer:   defer 451 4.6.0 "Odd headers" when header["X-Do"] == "defer"
  h_discard: discard when header["X-Do"] == "discard"
}
at message {
  e_reject:     reject 550 5.7.1 "Casino" when body ~ /casino/
  e_defer:      defer 451 4.7.1 "Bingo" when body ~ /bingo/
  e_discard:    discard when body ~ /lotto/
  e_quarantine: quarantine "Poker face" when body ~ /poker/
}
]==]
local gate = dofile(here .. "/gate.lua")
local is = gate.is

local function connect(address)
  local session = gate.session()
  return session, session:connect("mx.a.example", address)
end

-- Up to MAIL, without a refusal.
local function mail(sender)
  local session = connect("198.51.100.1")
  is("helo", session:helo("mx.a.example"), "continue")
  return session, session:mail("<" .. sender .. "@a.example>")
end

-- A message whose content decides.
local function content(do_what, text)
  local session = mail("a")
  is("rcpt", session:rcpt("<b@b.example>"), "continue")
  is("data", session:data(), "continue")
  session:header("X-Do", do_what)
  local headers = session:eoh()
  if headers ~= "continue" then return session, headers end
  session:body(text)
  return session, session:eom()
end

-- connect
local session, answer = connect("192.0.2.1")
is("421 at connect is given at once", answer, "421 4.7.0 Too many from 192.0.2.1")
session, answer = connect("192.0.2.2")
is("another refusal at connect is kept", answer, "continue")
is("through HELO", session:helo("mx.a.example"), "continue")
is("until MAIL", session:mail("<a@a.example>"), "554 5.7.1 Not you")
is("and again", session:mail("<a@a.example>"), "554 5.7.1 Not you")
session, answer = connect("192.0.2.3")
is("so is a 4xx", answer, "continue")
is("without HELO", session:mail("<a@a.example>"), "450 4.7.1 Not yet")
session, answer = connect("192.0.2.4")
is("accept at connect is no accept of the session", answer, "continue")
is("so that recipients are still asked for", session:mail("<a@a.example>"), "continue")
is("one by one", session:rcpt("<reject@b.example>"), "554 5.7.1 Relaying denied")

-- helo
session = connect("198.51.100.1")
is("421 at helo is kept", session:helo("end.example"), "continue")
is("until MAIL", session:mail("<a@a.example>"), "421 4.7.0 Go away")
session = connect("198.51.100.1")
is("a refusal at helo is kept", session:helo("liar.example"), "continue")
is("until MAIL", session:mail("<a@a.example>"), "550 5.7.1 Not your name")
is("and forgotten at the next HELO", session:helo("mx.a.example"), "continue")
is("MAIL then", session:mail("<a@a.example>"), "continue")
session = connect("198.51.100.1")
session:helo("slow.example")
is("defer has a text of its own", session:mail("<>"):sub(1, 9), "451 4.7.1")

-- mail
session, answer = mail("reject")
is("reject at mail", answer, "553 5.1.8 No such a.example")
session, answer = mail("defer")
is("defer at mail", answer, "452 4.3.1 Full")
session, answer = mail("discard")
is("discard at mail", answer, "discard")
session, answer = mail("accept")
is("accept at mail is said to nobody", answer, "continue")
is("and rules of rcpt are spared", session:rcpt("<reject@b.example>"), "continue")

-- rcpt: several recipients of one message, each with its verdict
session, answer = mail("a")
is("mail", answer, "continue")
is("reject at rcpt", session:rcpt("<reject@b.example>"), "554 5.7.1 Relaying denied")
is("accept at rcpt", session:rcpt("<accept@b.example>"), "continue")
is("defer at rcpt, % doubled for the MTA", session:rcpt("<defer@b.example>"),
   "451 4.7.1 Busy: 100%%")
is("no rule", session:rcpt("<b@b.example>"), "continue")
is("reject without a code", session:rcpt("<plain@b.example>"):sub(1, 9), "554 5.7.1")
is("421 at rcpt", session:rcpt("<shut@b.example>"), "421 4.7.0 Enough")

-- data
for sender, expected in pairs({ ["d-reject"] = "554 5.5.1 No data",
                                ["d-defer"] = "451 4.3.0 Data later",
                                ["d-discard"] = "discard", a = "continue" }) do
  session = mail(sender)
  session:rcpt("<b@b.example>")
  is(sender .. " at data", session:data(), expected)
end

-- headers
for what, expected in pairs({ reject = "554 5.6.0 Bad headers",
                              defer = "451 4.6.0 Odd headers",
                              discard = "discard" }) do
  session, answer = content(what, "")
  is(what .. " at headers", answer, expected)
end

-- message
for text, expected in pairs({ casino = "550 5.7.1 Casino",
                              bingo = "451 4.7.1 Bingo", lotto = "discard",
                              hello = "continue" }) do
  session, answer = content("nothing", text .. "\r\n")
  is(text .. " at message", answer, expected)
  is("and no edit", session:edits(), "")
end
session, answer = content("nothing", "poker\r\n")
is("a quarantined message is accepted", answer, "continue")
is("and kept aside", session:edits(), "quarantine Poker face")
