-- The protocol itself: negotiation, macros, unknown commands, what comes out
-- of order.
--[==[ policy
at mail {
  bob:   reject 550 5.7.1 "No Bob" when auth.user == "bob"
  plain: reject 530 5.7.0 "Must issue STARTTLS first" when auth.method == "PLAIN" and not tls.version
}
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "b.example" and not auth.user
}
]==]
local gate = dofile(here .. "/gate.lua")
local is = gate.is

local function greet(steps)
  local session = gate.session(steps)
  session:connect("mx.a.example", "192.0.2.1")
  session:helo("mx.a.example")
  return session
end

-- Negotiation: what the policy needs and no more.
local session = gate.session()
for name, wanted in pairs({ CONNECT = true, MAIL = true, RCPT = true,
                            DATA = false, HDRS = false, EOH = false,
                            BODY = false, UNKNOWN = false }) do
  is(name .. " is asked for", not session:without(_G["SMFIP_NO" .. name]), wanted)
end
is("no edit of headers", mt.test_action(session.conn, SMFIF_CHGHDRS), false)

-- Macros.
session = greet()
session:macros("M", "{auth_type}", "CRAM-MD5", "{auth_authen}", "bob")
is("macros are read", session:mail("<a@a.example>"), "550 5.7.1 No Bob")
session:macros("M", "{auth_type}", "CRAM-MD5", "{auth_authen}", "alice")
is("anew for each MAIL", session:mail("<a@a.example>"), "continue")
is("and kept through it", session:rcpt("<x@elsewhere.example>"), "continue")
session:macros("M", "{auth_type}", "PLAIN", "{auth_authen}", "alice")
is("PLAIN in the clear", session:mail("<a@a.example>"), "530 5.7.0 Must issue STARTTLS first")
session:macros("H", "{tls_version}", "TLSv1.3")
is("HELO after STARTTLS", session:helo("mx.a.example"), "continue")
session:macros("M", "{auth_type}", "PLAIN", "{auth_authen}", "alice")
is("PLAIN with TLS", session:mail("<a@a.example>"), "continue")

-- Macros without a value, without a name, at every command.
session = gate.session()
session:macros("C", "j", "", "", "")
session:connect("mx.a.example", "192.0.2.1")
session:macros("H", "", "")
session:helo("mx.a.example")
session:macros("M", "{auth_authen}", "", "{auth_type}", "", "{mail_addr}", "")
is("an empty login is none", session:mail("<a@a.example>"), "continue")
session:macros("R", "{rcpt_addr}", "", "", "")
is("an empty address is as typed", session:rcpt("<x@elsewhere.example>"),
   "554 5.7.1 Relaying denied")
session:macros("E", "i", "")
is("the end", session:eom(), "continue")

-- Unknown commands: not asked for; harmless from an MTA that sends them all.
session = greet()
is("unknown", session:unknown("FROB x"), "not asked")
session = greet(SMFIP_NOBODY)
is("unknown, sent", session:unknown("FROB x"), "continue")
is("MAIL after it", session:mail("<a@a.example>"), "continue")
is("unknown in a message", session:unknown("FROB y"), "continue")
is("RCPT after it", session:rcpt("<x@elsewhere.example>"), "554 5.7.1 Relaying denied")

-- An MTA that cannot leave out steps sends them; those without rules are
-- continued.
session = greet(SMFIP_NOUNKNOWN)
is("mail", session:mail("<a@a.example>"), "continue")
is("rcpt", session:rcpt("<b@b.example>"), "continue")
is("data", session:data(), "continue")
is("header", session:header("Subject", "casino"), "continue")
is("eoh", session:eoh(), "continue")
is("body", session:body("casino\r\n"), "continue")
is("eom", session:eom(), "continue")
is("no edit", session:edits(), "")

-- Arguments as clients type them.
session = greet()
is("the null sender", session:mail("<>"), "continue")
is("parameters", session:rcpt("<b@b.example>", "NOTIFY=NEVER", "ORCPT=rfc822;b"),
   "continue")
is("no brackets", session:rcpt("x@elsewhere.example"), "554 5.7.1 Relaying denied")
is("a source route", session:rcpt("<@b.example:x@elsewhere.example>"),
   "554 5.7.1 Relaying denied")
is("nonsense", session:rcpt("<\255\254@\1>"), "554 5.7.1 Relaying denied")
